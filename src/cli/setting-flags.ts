// SPDX-License-Identifier: Apache-2.0
/**
 * setting-flags.ts - the settings of src/config as flags of a command, and the configuration of a command line.
 *
 * Out:   flags grouped by section. Commander keeps their values as text; load() checks the values of all layers.
 * Fail:  InvalidConfig with every problem.
 */
import { type Command, Option } from 'commander'
import { type FlagValues, type Loaded, load } from '../config/load.js'
import { SECTIONS, SETTINGS, type SettingName } from '../config/schema.js'
import { defaultOf, type Setting, type Settings } from '../config/setting.js'

/** Adds a flag for each of the settings, under the title of its section. */
export function addSettings(command: Command, ...settings: readonly Settings[]): Command {
  for (const { title, settings: ofSection } of SECTIONS) {
    for (const [name, setting] of Object.entries(ofSection)) {
      if (!settings.some(some => name in some)) continue
      for (const option of optionsOf(name, setting)) command.addOption(option.helpGroup(`${title}:`))
    }
  }
  return command.configureHelp({ optionTerm })
}

/** The configuration from flags, environment and settings file (`file` in place of --config.file). Throws an InvalidConfig. */
export function loaded(command: Command, file?: string): Loaded {
  const flags = flagValues(command)
  return load(file === undefined ? flags : new Map([...flags, ['config.file', [file]]]), process.env)
}

/** The values of the flags on the command line. */
export function flagValues(command: Command): FlagValues {
  const values = new Map<SettingName, readonly string[]>()
  for (const option of command.options) {
    const name = option.name().replace(/^no-/, '')
    const attribute = option.attributeName()
    if (!(name in SETTINGS) || command.getOptionValueSource(attribute) !== 'cli') continue
    const value: unknown = command.getOptionValue(attribute)
    values.set(name as SettingName, Array.isArray(value) ? value : [String(value)])
  }
  return values
}

/** A switch has two flags, shown as one line of the help: `--[no-]NAME`. */
function optionsOf(name: string, setting: Setting<unknown>): Option[] {
  const { kind, help } = setting
  const text = `${help}${kind.repeatable ? ', repeatable' : ''} (default: ${defaultOf(setting)})`
  if (kind.placeholder === undefined) {
    return [new Option(`--${name}`, text), new Option(`--no-${name}`).hideHelp()]
  }
  const append = (value: string, previous: readonly string[] | undefined) => [...(previous ?? []), value]
  return [new Option(`--${name} <${kind.placeholder}>`, text).argParser(append)]
}

function optionTerm({ long, flags, required }: Option): string {
  const name = long?.slice(2) ?? ''
  return name in SETTINGS && !required ? `--[no-]${name}` : flags
}
