// SPDX-License-Identifier: Apache-2.0
/**
 * conflicts.ts - settings that cannot be combined.
 */
import type { Problem } from './problem.js'
import type { Config, SettingName } from './schema.js'

const MUTUALLY_EXCLUSIVE: readonly (readonly [SettingName, SettingName])[] = [
  ['hubble-metrics', 'hubble-dynamic-metrics-config-path'],
  ['inventory', 'kubernetes'],
]

/** One problem per pair that is given; `origins`: where each setting was given. */
export function conflicts(config: Config, origins: ReadonlyMap<SettingName, string>): Problem[] {
  const isGiven = (name: SettingName) => config[name] !== undefined && config[name] !== false
  const both = MUTUALLY_EXCLUSIVE.filter(names => names.every(isGiven))
  return both.map(([one, other]) => {
    return {
      where: '',
      name: origins.get(one)!,
      message: `cannot be combined with ${origins.get(other)}; allowed: only one of them`,
    }
  })
}
