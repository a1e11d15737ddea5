/**
 * environment.ts - settings from WEIR_* variables.
 *
 * In:    the environment; an empty variable counts as none, as OpenTelemetry has it.
 * Out:   what was given, in the form that YAML would give it; variables that mean nothing.
 */
import { NAMES, SETTINGS, type SettingName } from './schema.js'
import { type Setting, variableOf } from './setting.js'

const PREFIX = 'WEIR_'
/** Read elsewhere: what was built, from the build or the image. */
const BUILD_VARIABLES = ['WEIR_REVISION', 'WEIR_BRANCH', 'WEIR_BUILD_DATE', 'WEIR_BUILD_USER']
/** Kubernetes sets these in every pod beside a Service called weir or weir-something. */
const SERVICE_VARIABLE = /_(SERVICE_HOST|SERVICE_PORT(_\w+)?|PORT(_\d+_(TCP|UDP|SCTP)(_(PROTO|PORT|ADDR))?)?)$/

export function fromEnvironment(environment: NodeJS.ProcessEnv): Map<SettingName, unknown> {
  const given = new Map<SettingName, unknown>()
  for (const name of NAMES) {
    const text = environment[variableOf(name)]
    if (text === undefined || text === '') continue
    const { kind } = SETTINGS[name] as Setting<unknown>
    given.set(name, kind.fromFlag(kind.splitVariable(text)))
  }
  return given
}

/** Variables that look like settings and are none: a slip must not be silent. */
export function unknownVariables(environment: NodeJS.ProcessEnv): string[] {
  const known = new Set([...NAMES.map(variableOf), ...BUILD_VARIABLES])
  return Object.keys(environment)
    .filter(name => name.startsWith(PREFIX) && !known.has(name) && !SERVICE_VARIABLE.test(name))
    .sort()
}
