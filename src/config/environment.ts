// SPDX-License-Identifier: Apache-2.0
/**
 * environment.ts - settings from WEIR_* variables.
 *
 * In:    the environment; an empty variable counts as unset, as in OpenTelemetry.
 * Out:   the given settings, in the form YAML would give them; names of unknown variables.
 */
import { NAMES, SETTINGS, type SettingName } from './schema.js'
import { type Setting, variableOf } from './setting.js'

const PREFIX = 'WEIR_'
/** Build information, read by src/lib/version.ts. */
const BUILD_VARIABLES = ['WEIR_REVISION', 'WEIR_BRANCH', 'WEIR_BUILD_DATE', 'WEIR_BUILD_USER']
/** Kubernetes sets these in every pod of a namespace with a Service called weir or weir-something. */
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

/** WEIR_* variables that match no setting, so that a typo does not go unnoticed. */
export function unknownVariables(environment: NodeJS.ProcessEnv): string[] {
  const known = new Set([...NAMES.map(variableOf), ...BUILD_VARIABLES])
  return Object.keys(environment)
    .filter(name => name.startsWith(PREFIX) && !known.has(name) && !SERVICE_VARIABLE.test(name))
    .sort()
}
