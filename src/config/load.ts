// SPDX-License-Identifier: Apache-2.0
/**
 * load.ts - merges flags, environment, file and defaults, in this order of precedence, into one configuration.
 *
 * In:    flag values by setting, the environment, and the file that one of them names.
 * Fail:  InvalidConfig with every problem of every layer: an invalid value is an error even where another layer overrides it.
 */
import { readFileSync } from 'node:fs'
import { getSystemErrorMap } from 'node:util'
import type { z } from 'zod'
import { ConfigFile } from './config-file.js'
import { conflicts } from './conflicts.js'
import { fromEnvironment, unknownVariables } from './environment.js'
import { InvalidConfig, type Problem } from './problem.js'
import { type Config, NAMES, SETTINGS, type SettingName } from './schema.js'
import { keyOf, type Setting, variableOf } from './setting.js'

/** Flag values by setting, one per occurrence of the flag. */
export type FlagValues = ReadonlyMap<SettingName, readonly string[]>

export interface Loaded {
  readonly config: Config
  /** Where each given setting comes from: `--inventory`, `WEIR_INVENTORY` or `weir.yaml:3: inventory`. */
  readonly origins: ReadonlyMap<SettingName, string>
  /** Mistakes that do not prevent the start. */
  readonly warnings: readonly string[]
}

/** The settings of one layer (flags, environment or file), in the form YAML would give. */
interface Layer {
  readonly given: ReadonlyMap<SettingName, unknown>
  /** How messages refer to a part of a setting's value. */
  locate(name: SettingName, path: readonly PropertyKey[]): Pick<Problem, 'where' | 'name'>
}

type Checked = ReadonlyMap<SettingName, unknown>

/** Throws an InvalidConfig. */
export function load(flags: FlagValues, environment: NodeJS.ProcessEnv): Loaded {
  const problems: Problem[] = []
  const overrides = [flagLayer(flags), environmentLayer(environment)]
  const checkedOverrides = overrides.map(layer => check(layer, problems))
  const path = checkedOverrides.map(values => values.get('config.file')).find(value => value !== undefined)
  const file = path === undefined ? [] : [fileLayer(path as string, problems)]
  const layers = [...overrides, ...file]
  const checked = [...checkedOverrides, ...file.map(layer => check(layer, problems))]
  const { config, origins } = merge(layers, checked)
  problems.push(...conflicts(config, origins))
  if (problems.length > 0) throw new InvalidConfig(problems)
  return { config, origins, warnings: unknownVariables(environment).map(unknownVariable) }
}

/** All defaults. */
export function defaults(): Config {
  return merge([], []).config
}

function settingOf(name: SettingName): Setting<unknown> {
  return SETTINGS[name]
}

function flagLayer(flags: FlagValues): Layer {
  const given = [...flags].map(([name, values]) => [name, settingOf(name).kind.fromFlag(values)] as const)
  return { given: new Map(given), locate: name => ({ where: '', name: `--${name}` }) }
}

function environmentLayer(environment: NodeJS.ProcessEnv): Layer {
  return { given: fromEnvironment(environment), locate: name => ({ where: '', name: variableOf(name) }) }
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
    locate: (name, path) => ({
      where: file.where(name, path),
      name: [keyOf(name, settingOf(name)), ...path].join('.'),
    }),
  }
}

function check(layer: Layer, problems: Problem[]): Checked {
  const checked = new Map<SettingName, unknown>()
  for (const [name, native] of layer.given) {
    const result = settingOf(name).kind.schema.safeParse(native)
    if (result.success) checked.set(name, result.data)
    else for (const issue of result.error.issues) problems.push(problemOf(issue, native, name, layer))
  }
  return checked
}

function problemOf(issue: z.core.$ZodIssue, native: unknown, name: SettingName, layer: Layer): Problem {
  const { secret, redact = text => text } = settingOf(name)
  const message = issue.code === 'invalid_key' ? issue.issues[0]!.message : issue.message
  const { path } = issue
  const value = issue.code === 'invalid_key' ? path.at(-1) : valueAt(native, path)
  return { ...layer.locate(name, path), ...(secret ? {} : { value: redact(asWritten(value)) }), message }
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
    const { where, name: written } = layers[at]!.locate(name, [])
    origins.set(name, where === '' ? written : `${where}: ${written}`)
    return [name, checked[at]!.get(name)]
  })
  return { config: Object.fromEntries(values) as Config, origins }
}

function unknownVariable(variable: string): string {
  return `${variable} is not a Weir setting`
}
