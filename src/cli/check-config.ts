// SPDX-License-Identifier: Apache-2.0
/**
 * check-config.ts - `weir check-config`: checks a configuration and the files it names as `weir run` would.
 *
 * Out:   the settings in effect with their origins, and exit code 0.
 * Fail:  InvalidConfig with every problem.
 */

import { runOptions } from '../agent/options/config-options.js'
import type { Loaded } from '../config/load.js'
import { InvalidConfig, type Problem } from '../config/problem.js'
import { type Config, SETTINGS, type SettingName } from '../config/schema.js'
import type { Setting } from '../config/setting.js'
import { loadInventory } from '../datapath/inventory/inventory.js'
import { plainText } from '../lib/plain-text.js'
import { WebFile } from '../web/web-file.js'

/** Reads the files that a configuration may name, as `weir run` does at its start. */
const CHECKS: readonly (readonly [SettingName, (config: Config, warn: (warning: string) => void) => unknown])[] = [
  ['inventory', ({ inventory }) => inventory === undefined || loadInventory(inventory)],
  ['web.config.file', config => config['web.config.file'] === undefined || new WebFile(config['web.config.file'])],
  // Hubble's metrics file, OTLP certificates, and settings that depend on each other.
  ['config.file', runOptions],
]

/** The exit code. */
export function checkConfig({ config, origins, warnings: unknown }: Loaded): number {
  const warnings = [...unknown]
  const warn = (warning: string) => warnings.push(warning)
  const problems = CHECKS.flatMap(([name, check]) => problemsOf(name, () => check(config, warn)))
  if (problems.length > 0) throw new InvalidConfig(problems)
  for (const warning of warnings) process.stderr.write(`weir: warning: ${plainText(warning)}\n`)
  const file = config['config.file'] ?? 'configuration'
  process.stdout.write(`${plainText(file)}: OK, ${origins.size} of ${Object.keys(SETTINGS).length} settings given\n`)
  for (const [name, origin] of origins) {
    process.stdout.write(`${plainText(`  ${name} = ${shown(name, config)}  (${origin})`)}\n`)
  }
  return 0
}

function problemsOf(name: SettingName, check: () => unknown): readonly Problem[] {
  try {
    check()
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
