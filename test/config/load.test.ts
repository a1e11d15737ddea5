/**
 * load.test.ts - merging flags, environment and file: precedence and every kind of error.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { stringify } from 'yaml'
import { defaults, type FlagValues, load } from '../../src/config/load.js'
import { describe, InvalidConfig } from '../../src/config/problem.js'
import { type Config, SECTIONS, SETTINGS, type SettingName } from '../../src/config/schema.js'
import { keyOf, type Setting, variableOf } from '../../src/config/setting.js'

function flags(values: Readonly<Record<string, string | readonly string[]>>): FlagValues {
  const given = Object.entries(values).map(
    ([name, value]) => [name, typeof value === 'string' ? [value] : value] as const,
  )
  return new Map(given as [SettingName, readonly string[]][])
}

/** All problems, one line each. */
function problems(values: FlagValues, environment: NodeJS.ProcessEnv = {}): string[] {
  try {
    load(values, environment)
    return []
  } catch (error) {
    if (!(error instanceof InvalidConfig)) throw error
    return error.problems.map(describe)
  }
}

function fileOf(t: Test, text: string): string {
  const path = join(t.testdir({}), 'weir.yaml')
  writeFileSync(path, text)
  return path
}

/** All problems of a file with this text. */
function problemsIn(t: Test, text: string): string[] {
  const path = fileOf(t, text)
  return problems(flags({ 'config.file': path })).map(line => line.replace(path, 'weir.yaml'))
}

t.test('without any input every setting has its default, and there are no warnings', async t => {
  const { config, origins, warnings } = load(new Map(), {})
  t.strictSame(config, defaults())
  t.strictSame([origins.size, warnings.length], [0, 0])
  for (const [name, setting] of Object.entries(SETTINGS)) t.equal(config[name as SettingName], setting.default, name)
})

t.test('a flag overrides the environment, which overrides the file, which overrides the default', async t => {
  const path = fileOf(t, 'ring-pages: 1\nconnections: 2\nreport-interval: 1s\n')
  const environment = { WEIR_RING_PAGES: '8', WEIR_CONNECTIONS: '3', WEIR_CONFIG_FILE: path }
  const { config, origins } = load(flags({ 'ring-pages': '16' }), environment)
  t.equal(config['ring-pages'], 16)
  t.equal(config.connections, 3)
  t.equal(config['report-interval'], 1000)
  t.equal(config['drain-interval'], 100)
  t.strictSame(Object.fromEntries(origins), {
    'config.file': 'WEIR_CONFIG_FILE',
    'ring-pages': '--ring-pages',
    connections: 'WEIR_CONNECTIONS',
    'report-interval': `${path}:3: report-interval`,
  })
  const other = fileOf(t, 'connections: 5\n')
  t.equal(load(flags({ 'config.file': other }), { WEIR_CONFIG_FILE: '/nowhere' }).config.connections, 5)
})

t.test('invalid values of all layers are reported at once, even overridden ones', async t => {
  const path = fileOf(t, 'attach: glue\nlog:\n  level: loud\n')
  const lines = problems(flags({ 'config.file': path, 'ring-pages': '3', attach: 'tc' }), { WEIR_LOG_LEVEL: 'mute' })
  t.strictSame(lines, [
    "--ring-pages: invalid value '3'; allowed: a power of two from 1 to 4096",
    "WEIR_LOG_LEVEL: invalid value 'mute'; allowed: debug, info, warn, error",
    `${path}:1: attach: invalid value 'glue'; allowed: auto, tcx, tc`,
    `${path}:3: log.level: invalid value 'loud'; allowed: debug, info, warn, error`,
  ])
})

t.test('an unknown key is reported with its line and the closest known key', async t => {
  t.match(problemsIn(t, 'web:\n  listen-adress: :1\n'), [
    /^weir\.yaml:2: web\.listen-adress: unknown setting; did you mean listen-address\? allowed: .*telemetry-path/,
  ])
  t.match(problemsIn(t, '\ninventry: x\n'), [
    /^weir\.yaml:2: inventry: unknown setting; did you mean inventory\? allowed: .*\bweb\b/,
  ])
  t.match(problemsIn(t, 'frobnicate: x\n'), [/^weir\.yaml:1: frobnicate: unknown setting; allowed: /])
  t.match(problemsIn(t, 'log-level: info\n'), [/did you mean log\.level\?/], 'a hyphen in place of the dot')
  t.match(
    problemsIn(t, 'config:\n  file: x\n'),
    [/^weir\.yaml:1: config: unknown setting/],
    'a settings file cannot name another one',
  )
  t.match(problemsIn(t, '7: x\nnull: y\n'), [/1: 7: unknown setting/, /2: null: unknown setting/])
})

t.test('duplicate keys, syntax errors and values that are not mappings are reported with their line', async t => {
  t.match(problemsIn(t, 'attach: tc\nlog:\n  level: info\nattach: tcx\n'), [/^weir\.yaml:4: not YAML: .*unique/])
  t.match(problemsIn(t, 'log:\n  level: info\n  level: warn\n'), [/^weir\.yaml:3: not YAML: .*unique/])
  t.match(problemsIn(t, 'attach: [tc\n'), [/^weir\.yaml:\d+: not YAML: /])
  t.match(problemsIn(t, '- attach\n'), [/^weir\.yaml:1: allowed: a mapping of settings/])
  t.match(problemsIn(t, 'attach: tc\n---\nattach: tc\n'), [/^weir\.yaml:\d: not YAML: .*document/])
  t.match(problemsIn(t, 'log: info\n'), [/^weir\.yaml:1: log: allowed: a mapping of level, format/])
  t.strictSame(problemsIn(t, ''), [], 'an empty file is valid')
  t.strictSame(problemsIn(t, '# nothing yet\nlog:\n'), [], 'an empty section is valid')
  t.match(problemsIn(t, 'attach:\n'), [/^weir\.yaml:1: attach: invalid value 'null'; allowed: auto/])
  const bomb = [
    'a: &a [x,x,x,x,x,x,x,x,x,x]',
    ...'bcdefg'.split('').map((c, i) => `${c}: &${c} [${`*${'abcdefg'[i]},`.repeat(10)}]`),
  ]
  t.match(problemsIn(t, `${bomb.join('\n')}\nuplinks: *g\n`).at(-1), /uplinks: not YAML: .*alias/i)
})

t.test('an invalid element of a list or a mapping is reported with its own line', async t => {
  t.match(problemsIn(t, 'uplinks:\n  - eth0\n  - "["\n'), [
    /^weir\.yaml:3: uplinks\.1: invalid value '\['; it has a \[ without/,
  ])
  t.match(problems(flags({ uplinks: ['eth0', '['] })), [/^--uplinks: invalid value '\['/])
  t.match(problems(new Map(), { WEIR_UPLINKS: 'eth0,[' }), [/^WEIR_UPLINKS: invalid value '\['/])
  t.match(problemsIn(t, 'ring-pages: "8"\n'), [/^weir\.yaml:1: ring-pages: invalid value '8'; allowed: a power/])
})

t.test('a file that cannot be read is reported by name', async t => {
  t.strictSame(problems(flags({ 'config.file': '/nowhere/weir.yaml' })), [
    '/nowhere/weir.yaml: no such file or directory',
  ])
  t.match(problems(new Map(), { WEIR_CONFIG_FILE: t.testdir({}) }), [/: illegal operation on a directory$/])
})

t.test('mutually exclusive settings are reported with their origins', async t => {
  const path = fileOf(t, 'hubble-metrics: drop\n')
  const both = flags({ 'config.file': path, 'hubble-dynamic-metrics-config-path': '/x' })
  t.strictSame(problems(both), [
    `${path}:1: hubble-metrics: cannot be combined with --hubble-dynamic-metrics-config-path; allowed: only one of them`,
  ])
})

t.test('an empty variable is unset; an unknown one causes a warning unless it is of a Kubernetes Service', async t => {
  const environment = {
    WEIR_INVENTORY: '',
    WEIR_WRLD: 'x',
    WEIR_REVISION: 'abc',
    WEIR_SERVICE_HOST: '10.0.0.1',
    WEIR_PORT: 'tcp://10.0.0.1:10960',
    WEIR_PORT_10960_TCP_ADDR: '10.0.0.1',
    WEIR_WEB_SERVICE_PORT_METRICS: '10960',
    OTHER: 'y',
  }
  const { config, warnings } = load(new Map(), environment)
  t.equal(config.inventory, undefined)
  t.strictSame(warnings, ['WEIR_WRLD is not a Weir setting'])
})

t.test('names, variables and keys are unique, and each setting is in exactly one section', async t => {
  const settings = Object.entries(SETTINGS as Record<string, Setting<unknown>>)
  const names = settings.map(([name]) => name)
  for (const [what, all] of [
    ['variables', names.map(variableOf)],
    ['keys', settings.flatMap(([name, setting]) => keyOf(name, setting) ?? [])],
    ['sections', SECTIONS.flatMap(({ settings }) => Object.keys(settings))],
  ] as const) {
    t.equal(new Set(all).size, all.length, what)
  }
  t.strictSame(SECTIONS.flatMap(({ settings }) => Object.keys(settings)).sort(), [...names].sort())
  for (const [name, setting] of settings) {
    t.match(name, /^[a-z][a-z0-9.-]*$/)
    t.match(setting.help, /^\S.*[^.]$/, `the help of ${name} has no full stop`)
    const key = keyOf(name, setting)
    t.notOk(
      settings.some(([other, o]) => keyOf(other, o)?.startsWith(`${key}.`)),
      `${name}: no key is nested below another setting`,
    )
  }
})

/** Valid flag values, of several value types. */
const VALUES: Readonly<Partial<Record<SettingName, fc.Arbitrary<readonly string[]>>>> = {
  connections: fc.integer({ min: 1, max: 1000 }).map(n => [String(n)]),
  'ring-pages': fc.integer({ min: 0, max: 12 }).map(n => [String(2 ** n)]),
  'report-interval': fc.integer({ min: 100, max: 3_600_000 }).map(n => [`${n}ms`]),
  attach: fc.constantFrom(['auto'], ['tc'], ['tcx']),
  uplinks: fc.array(fc.stringMatching(/^[a-z][a-z0-9*?]{0,10}$/), { minLength: 1, maxLength: 4 }),
  'web.listen-address': fc.array(
    fc.integer({ min: 0, max: 65_535 }).map(n => `:${n}`),
    { minLength: 1, maxLength: 3 },
  ),
  inventory: fc.stringMatching(/^[a-z/.:# -]*[a-z]$/).map(path => [path]),
  'log.level': fc.constantFrom(['debug'], ['error']),
}

t.test('flags, environment and file give the same configuration for the same values', async t => {
  const dir = t.testdir({})
  const path = join(dir, 'weir.yaml')
  const some = fc.record(VALUES as Record<SettingName, fc.Arbitrary<readonly string[]>>, { requiredKeys: [] })
  const same = fc.property(some, values => {
    const given = Object.entries(values) as [SettingName, readonly string[]][]
    const byFlags = load(new Map(given), {}).config
    const byEnvironment = load(
      new Map(),
      Object.fromEntries(given.map(([n, texts]) => [variableOf(n), texts.join(',')])),
    )
    writeFileSync(path, asYaml(given))
    const byFile = load(flags({ 'config.file': path }), {})
    t.strictSame(byEnvironment.config, byFlags)
    t.strictSame({ ...byFile.config, 'config.file': undefined }, byFlags)
    t.equal(byFile.origins.size, given.length + 1)
  })
  t.doesNotThrow(() => fc.assert(same, { seed: 20_260_102, numRuns: 100 }), 'seed 20260102')
})

t.test('no file content makes load() throw anything but an InvalidConfig', async t => {
  const path = join(t.testdir({}), 'weir.yaml')
  const pieces = fc.array(
    fc.constantFrom(
      'web',
      'log',
      ':',
      '\n',
      '  ',
      '-',
      ' ',
      '[',
      '{',
      '}',
      '&a',
      '*a',
      'level',
      '"',
      '#',
      '!!x',
      '? ',
      '|',
    ),
    { maxLength: 20 },
  )
  const tries = fc.property(
    fc.oneof(
      fc.string({ unit: 'binary' }),
      pieces.map(all => all.join('')),
    ),
    text => {
      writeFileSync(path, text)
      problems(flags({ 'config.file': path }))
    },
  )
  t.doesNotThrow(() => fc.assert(tries, { seed: 20_260_103, numRuns: 500 }), 'seed 20260103')
})

function asYaml(given: readonly (readonly [SettingName, readonly string[]])[]): string {
  const top: Record<string, unknown> = {}
  for (const [name, texts] of given) {
    const setting: Setting<unknown> = SETTINGS[name]
    const parts = keyOf(name, setting)!.split('.')
    let at = top
    for (const part of parts.slice(0, -1)) {
      at[part] ??= {}
      at = at[part] as Record<string, unknown>
    }
    at[parts.at(-1)!] = setting.kind.fromFlag(texts)
  }
  return stringify(top)
}

t.test('values arrive in the type their consumer expects', async t => {
  const config: Config = load(flags({ source: 'replay:a:b.pcap', 'hubble.listen-address': 'none' }), {}).config
  t.strictSame(config.source, { kind: 'replay', file: 'a:b.pcap' })
  t.strictSame(config['hubble.listen-address'], [])
})

t.test('a map setting refuses the key __proto__ instead of dropping it', async t => {
  for (const name of ['otlp.headers', 'series.budgets', 'cidr-group']) {
    t.match(problems(flags({ [name]: '__proto__=5' })), [/not __proto__/], name)
  }
})
