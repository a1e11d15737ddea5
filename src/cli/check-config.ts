/**
 * check-config.ts - `weir check-config`: is this configuration, with the files that it names, what `weir run` takes?
 *
 * Out:   what is in force and where it was given, and exit code 0.
 * Fail:  InvalidConfig with everything that is wrong.
 */

import { runOptions } from '../agent/options/options.js'
import type { Loaded } from '../config/load.js'
import { InvalidConfig, type Problem } from '../config/problem.js'
import { type Config, SETTINGS, type SettingName } from '../config/schema.js'
import type { Setting } from '../config/setting.js'
import { loadInventory } from '../datapath/inventory/inventory.js'
import { WebFile } from '../web/web-file.js'

/** Each reads a file that a configuration may name, as `weir run` would at its start. */
const READINGS: readonly (readonly [SettingName, (config: Config) => unknown])[] = [
  ['inventory', ({ inventory }) => inventory === undefined || loadInventory(inventory)],
  ['web.config.file', config => config['web.config.file'] === undefined || new WebFile(config['web.config.file'])],
  // Hubble's file, OTLP's certificates, and what settings of a part say of each other.
  ['config.file', runOptions],
]

/** The exit code. */
export function checkConfig({ config, origins, warnings }: Loaded): number {
  const problems = READINGS.flatMap(([name, read]) => problemsOf(name, () => read(config)))
  if (problems.length > 0) throw new InvalidConfig(problems)
  for (const warning of warnings) process.stderr.write(`weir: warning: ${warning}\n`)
  const file = config['config.file'] ?? 'configuration'
  process.stdout.write(`${file}: OK, ${origins.size} of ${Object.keys(SETTINGS).length} settings given\n`)
  for (const [name, origin] of origins) process.stdout.write(`  ${name} = ${shown(name, config)}  (${origin})\n`)
  return 0
}

function problemsOf(name: SettingName, read: () => unknown): readonly Problem[] {
  try {
    read()
    return []
  } catch (error) {
    if (error instanceof InvalidConfig) return error.problems
    return [{ where: '', name, message: (error as Error).message }]
  }
}

function shown(name: SettingName, config: Config): string {
  const { kind, secret }: Setting<unknown> = SETTINGS[name]
  return secret ? '<secret>' : kind.show(config[name])
}
