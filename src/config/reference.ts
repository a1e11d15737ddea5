/**
 * reference.ts - docs/configuration.md: every setting by section, from the schema.
 */
import { SECTIONS } from './schema.js'
import { defaultOf, keyOf, type Setting, variableOf } from './setting.js'

const INTRODUCTION = `# Configuration

<!-- Written by \`make docs\` from src/config; a test fails when it is stale. -->

Every setting of \`weir run\` can be given in three ways. A flag goes before an environment variable, that before the file of
\`--config.file\`, and that before the default. A bad value is refused wherever it stands, also where another goes before it.

    weir run --report-interval 10s --uplinks eth0 --uplinks eth1
    WEIR_REPORT_INTERVAL=10s WEIR_UPLINKS=eth0,eth1 weir run
    weir run --config.file weir.yaml

    # weir.yaml
    report-interval: 10s
    uplinks: [eth0, eth1]
    web:                            # web.listen-address: nested at the dots
      listen-address: 127.0.0.1:10960

* **Lists**: a flag is repeated, a variable has commas, the file has a list (or one value alone).
* **Mappings** (\`NAME=VALUE\`): a flag is repeated, a variable has semicolons, the file has a mapping.
* **Switches**: \`--NAME\` and \`--no-NAME\`; \`true\` and \`false\` in the environment and in the file.
* **Durations** are written \`100ms\`, \`5s\`, \`1m30s\`, \`2h\`, \`1d\`; **paths** are relative to the working directory, everywhere.
* An empty variable counts as none. A \`WEIR_*\` variable that is no setting is told in a warning and not refused: Kubernetes
  makes such variables for Services called weir (those are known, and not told).

\`weir check-config weir.yaml\` reads the same flags, variables and file, and the files that they name, says what is in force
and from where, or everything that is wrong, and ends with 0 or 2. [configuration.schema.json](configuration.schema.json) is
the file's JSON schema, for editors.

## Reload

At SIGHUP, and at a POST to \`/-/reload\` with \`--web.enable-lifecycle\`, Weir reads file and inventory file anew. What is marked
*reload* changes at once and no count is lost. When anything in it is wrong, or a setting that is not marked has changed,
nothing changes: the answer and the log name each of them, \`weir_config_last_reload_successful\` is 0, and what was in force
stays.
`

/** The whole page. */
export function reference(): string {
  const sections = SECTIONS.map(({ title, settings }) => {
    const entries = Object.entries(settings).map(([name, setting]) => entry(name, setting))
    return `## ${title}\n\n${entries.join('\n')}`
  })
  return `${[INTRODUCTION.trimEnd(), ...sections].join('\n\n')}\n`
}

function entry(name: string, setting: Setting<unknown>): string {
  const { kind, help, reload } = setting
  const usage = kind.placeholder === undefined ? `--[no-]${name}` : `--${name} <${kind.placeholder}>`
  const key = keyOf(name, setting)
  const file = key === undefined ? 'not in the file' : `\`${key.split('.').join(': ')}\``
  const marks = [kind.repeatable ? 'repeatable' : '', reload ? '*reload*' : ''].filter(mark => mark !== '')
  return `* \`${usage}\`: ${help}. Default: ${byDefault(setting)}.${marks.length === 0 ? '' : ` (${marks.join(', ')})`}
  \`${variableOf(name)}\`, ${file}`
}

function byDefault(setting: Setting<unknown>): string {
  return setting.defaultText ?? `\`${defaultOf(setting)}\``
}
