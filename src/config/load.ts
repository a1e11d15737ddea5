/**
 * load.ts - one configuration from flags, environment, file and defaults, in this order of precedence.
 *
 * In:    the words of flags by setting, the environment; the file that one of both names.
 * Fail:  RefusedConfig with every problem of every layer: a bad value is refused even where another layer goes before.
 */
import { readFileSync } from 'node:fs'
import { getSystemErrorMap } from 'node:util'
import type { z } from 'zod'
import { ConfigFile } from './config-file.js'
import { conflicts } from './conflicts.js'
import { fromEnvironment, unknownVariables } from './environment.js'
import { type Problem, InvalidConfig } from './problem.js'
import { type Config, NAMES, SETTINGS, type SettingName } from './schema.js'
import { keyOf, type Setting, variableOf } from './setting.js'

/** Words of flags by setting, one each time the flag was given. */
export type FlagValues = ReadonlyMap<SettingName, readonly string[]>

export interface Loaded {
  readonly config: Config
  /** Where each setting that was given was: `--inventory`, `WEIR_INVENTORY` or `weir.yaml:3: world`. */
  readonly origins: ReadonlyMap<SettingName, string>
  /** What is not wrong enough to refuse. */
  readonly warnings: readonly string[]
}

/** What one of flags, environment and file gives, in the form that YAML has. */
interface Layer {
  readonly given: ReadonlyMap<SettingName, unknown>
  /** How messages name a part of a setting's value. */
  place(name: SettingName, path: readonly PropertyKey[]): Pick<Problem, 'where' | 'name'>
}

type Checked = ReadonlyMap<SettingName, unknown>

/** Throws a RefusedConfig. */
export function load(flags: FlagValues, environment: NodeJS.ProcessEnv): Loaded {
  const problems: Problem[] = []
  const above = [flagLayer(flags), environmentLayer(environment)]
  const checkedAbove = above.map(layer => check(layer, problems))
  const path = checkedAbove.map(values => values.get('config.file')).find(value => value !== undefined)
  const below = path === undefined ? [] : [fileLayer(path as string, problems)]
  const layers = [...above, ...below]
  const checked = [...checkedAbove, ...below.map(layer => check(layer, problems))]
  const { config, origins } = merge(layers, checked)
  problems.push(...conflicts(config, origins))
  if (problems.length > 0) throw new InvalidConfig(problems)
  return { config, origins, warnings: unknownVariables(environment).map(unknownVariable) }
}

/** The configuration of nobody who gives any. */
export function defaults(): Config {
  return merge([], []).config
}

function settingOf(name: SettingName): Setting<unknown> {
  return SETTINGS[name]
}

function flagLayer(flags: FlagValues): Layer {
  const given = [...flags].map(([name, words]) => [name, settingOf(name).kind.fromFlag(words)] as const)
  return { given: new Map(given), place: name => ({ where: '', name: `--${name}` }) }
}

function environmentLayer(environment: NodeJS.ProcessEnv): Layer {
  return { given: fromEnvironment(environment), place: name => ({ where: '', name: variableOf(name) }) }
}

function fileLayer(path: string, problems: Problem[]): Layer {
  let text = ''
  try {
    text = readFileSync(path, 'utf8')
  } catch (error) {
    const { errno = 0, message } = error as NodeJS.ErrnoException
    problems.push({ where: path, name: '', message: getSystemErrorMap().get(errno)?.[1] ?? message })
  }
  const file = new ConfigFile(path, text)
  problems.push(...file.problems)
  return {
    given: file.given,
    place: (name, path) => ({ where: file.where(name, path), name: [keyOf(name, settingOf(name)), ...path].join('.') }),
  }
}

function check(layer: Layer, problems: Problem[]): Checked {
  const checked = new Map<SettingName, unknown>()
  for (const [name, native] of layer.given) {
    const { kind, secret } = settingOf(name)
    const result = kind.schema.safeParse(native)
    if (result.success) checked.set(name, result.data)
    else for (const issue of result.error.issues) problems.push(problemOf(issue, native, name, layer, secret === true))
  }
  return checked
}

function problemOf(
  issue: z.core.$ZodIssue,
  native: unknown,
  name: SettingName,
  layer: Layer,
  secret: boolean,
): Problem {
  const message = issue.code === 'invalid_key' ? issue.issues[0]!.message : issue.message
  const { path } = issue
  const value = issue.code === 'invalid_key' ? path.at(-1) : valueAt(native, path)
  return { ...layer.place(name, path), ...(secret ? {} : { value: asWritten(value) }), message }
}

function valueAt(native: unknown, path: readonly PropertyKey[]): unknown {
  return path.reduce((value, part) => (value as Record<PropertyKey, unknown> | null)?.[part], native)
}

function asWritten(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value)
}

function merge(layers: readonly Layer[], checked: readonly Checked[]): Pick<Loaded, 'config' | 'origins'> {
  const origins = new Map<SettingName, string>()
  const values = NAMES.map(name => {
    const at = checked.findIndex(values => values.has(name))
    if (at < 0) return [name, settingOf(name).default]
    const { where, name: written } = layers[at]!.place(name, [])
    origins.set(name, where === '' ? written : `${where}: ${written}`)
    return [name, checked[at]!.get(name)]
  })
  return { config: Object.fromEntries(values) as Config, origins }
}

function unknownVariable(variable: string): string {
  return `${variable} is no setting of Weir's`
}
