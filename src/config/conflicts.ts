/**
 * conflicts.ts - what settings say of each other.
 */
import type { Problem } from './problem.js'
import type { Config, SettingName } from './schema.js'

/** Two that cannot both be given. */
const EXCLUDE_EACH_OTHER: readonly (readonly [SettingName, SettingName])[] = [
  ['hubble-metrics', 'hubble-dynamic-metrics-config-path'],
  ['inventory', 'kubernetes'],
]

/** `origins`: where each setting was given. */
export function conflicts(config: Config, origins: ReadonlyMap<SettingName, string>): Problem[] {
  const isGiven = (name: SettingName) => config[name] !== undefined && config[name] !== false
  const both = EXCLUDE_EACH_OTHER.filter(names => names.every(isGiven))
  return both.map(([one, other]) => {
    return {
      where: '',
      name: origins.get(one)!,
      message: `cannot be used with ${origins.get(other)}; allowed: one of them`,
    }
  })
}
