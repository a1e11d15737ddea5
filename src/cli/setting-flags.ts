/**
 * setting-flags.ts - the settings of src/config as flags of a command, and the configuration that a command line asks for.
 *
 * Out:   flags by the sections of the schema; their words are kept as written, so that one place checks all layers.
 * Fail:  InvalidConfig, with all that is wrong.
 */
import { type Command, Option } from 'commander'
import { type FlagValues, type Loaded, load } from '../config/load.js'
import { SECTIONS, SETTINGS, type SettingName } from '../config/schema.js'
import { defaultOf, type Setting, type Settings } from '../config/setting.js'

/** Give `command` a flag for each of the settings, under their sections' titles. */
export function addSettings(command: Command, ...settings: readonly Settings[]): Command {
  for (const { title, settings: ofSection } of SECTIONS) {
    for (const [name, setting] of Object.entries(ofSection)) {
      if (!settings.some(some => name in some)) continue
      for (const option of optionsOf(name, setting)) command.addOption(option.helpGroup(`${title}:`))
    }
  }
  return command
}

/**
 * What the command line, the environment and the file that one of both names ask for; `file`: in place of that one.
 * Throws an InvalidConfig.
 */
export function loaded(command: Command, file?: string): Loaded {
  const flags = flagValues(command)
  return load(file === undefined ? flags : new Map([...flags, ['config.file', [file]]]), process.env)
}

/** The words of the command's flags. */
export function flagValues(command: Command): FlagValues {
  const words = new Map<SettingName, readonly string[]>()
  for (const option of command.options) {
    const name = option.name().replace(/^no-/, '')
    const attribute = option.attributeName()
    if (!(name in SETTINGS) || command.getOptionValueSource(attribute) !== 'cli') continue
    const value: unknown = command.getOptionValue(attribute)
    words.set(name as SettingName, Array.isArray(value) ? value : [String(value)])
  }
  return words
}

/** A switch has two flags; help shows the one that changes something. */
function optionsOf(name: string, setting: Setting<unknown>): Option[] {
  const { kind, help, default: byDefault } = setting
  if (kind.placeholder === undefined) {
    const [shown, hidden] = byDefault === true ? [`--no-${name}`, `--${name}`] : [`--${name}`, `--no-${name}`]
    return [new Option(shown, help), new Option(hidden, help).hideHelp()]
  }
  const repeatable = kind.repeatable ? ', repeatable' : ''
  const text = `${help}${repeatable} (default: ${defaultOf(setting)})`
  const gather = (word: string, before: readonly string[] | undefined) => [...(before ?? []), word]
  return [new Option(`--${name} <${kind.placeholder}>`, text).argParser(gather)]
}
