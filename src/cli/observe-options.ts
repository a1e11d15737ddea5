/**
 * observe-options.ts - the flags of `weir observe`; they are called as those of `hubble observe`.
 *
 * In:    a command line; the order of its filter flags matters, since --not turns the next one around.
 * Fail:  what is not allowed is refused by the parser, with the flag's name and what is allowed.
 */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { DEFAULT_ADDRESS } from '../hubble/api/address.js'
import { FilterBuilder } from '../hubble/observe/filter/builder.js'
import { FILTER_FLAGS, type FilterFlag } from '../hubble/observe/filter/flags.js'
import { type Instant, parseInstant } from '../hubble/observe/instant.js'
import { OUTPUTS } from '../hubble/observe/print/printers.js'
import { TIME_FORMATS, type TimeFormatter, timeFormatter } from '../hubble/observe/print/time-format.js'
import { MAX_LAST, type Selection } from '../hubble/observe/selection.js'
import { addServerFlag } from './server-flag.js'
import { file, integerBetween } from './values.js'

const INVENTORY_HELP = 'who is who, JSON or YAML (default: this host and the world)'

export interface ObserveOptions {
  /** A recording; without it the server. */
  readonly inputFile?: string
  readonly server: string
  /** Go on with flows as they come. */
  readonly follow: boolean
  /** Not only the last 20 of a server. */
  readonly all: boolean
  readonly inventory?: string
  readonly selection: Selection
  readonly output: string
  readonly time: TimeFormatter
  readonly nodeName: boolean
  readonly numeric: boolean
}

/** Names are commander's, of the flags. */
export interface ObserveFlags {
  readonly inputFile?: string
  readonly server?: string
  readonly follow?: true
  readonly inventory?: string
  readonly output: string
  readonly timeFormat: TimeFormatter
  readonly printNodeName?: true
  readonly numeric?: true
  readonly last?: number
  readonly first?: number
  readonly all?: true
  readonly since?: Instant
  readonly until?: Instant
}

/** The flags that are no filters. */
export function addObserveFlags(command: Command): Command {
  const last = new Option('--last <n>', 'only the last').argParser(integerBetween(1, MAX_LAST))
  const first = new Option('--first <n>', 'only the first').argParser(integerBetween(1, Number.MAX_SAFE_INTEGER))
  const follow = new Option('-f, --follow', 'go on with flows as they come (server only)')
  addServerFlag(command)
  return command
    .addOption(
      new Option('--input-file <file>', 'a recording instead: pcap, link type 147, gzip or not')
        .argParser(file)
        .conflicts(['server', 'follow']),
    )
    .addOption(follow.conflicts('first'))
    .option('--inventory <file>', INVENTORY_HELP, file)
    .addOption(new Option('-o, --output <format>', 'form of the output').choices(OUTPUTS).default('compact'))
    .addOption(timeFormatOption())
    .option('--print-node-name', 'where each flow was seen')
    .option('--numeric', 'addresses instead of names')
    .addOption(last.conflicts(['first', 'all']))
    .addOption(first.conflicts(['last', 'all']))
    .option('--all', 'every flow (of a recording: the default; of a server: the last 20)')
    .option('--since <time>', 'not before: a duration ago (5m) or a time (2026-01-31T10:20:30Z)', time)
    .option('--until <time>', 'not after', time)
}

/** Those that are; the returned builder has them once the command line is parsed. */
export function addFilterFlags(command: Command): FilterBuilder {
  const builder = new FilterBuilder()
  command.option('--not', 'turn the next filter around; filters can be repeated')
  command.on('option:not', () => refused(command, () => builder.not()))
  for (const [name, spec] of Object.entries(FILTER_FLAGS)) {
    const flag = name as FilterFlag
    const short = 'short' in spec && spec.short !== undefined ? `-${spec.short}, ` : ''
    if ('bare' in spec && spec.bare) {
      command.option(`${short}--${flag}`, spec.help)
      command.on(`option:${flag}`, () => refused(command, () => builder.set(flag, '')))
    } else {
      command.option(`${short}--${flag} <${spec.value}>`, spec.help, text => argument(() => builder.set(flag, text)))
    }
  }
  return builder
}

/** Ends with a usage error when the flags do not go together. */
export function observeOptions(command: Command, flags: ObserveFlags, builder: FilterBuilder): ObserveOptions {
  const { inputFile, server = DEFAULT_ADDRESS, inventory, output, since, until, first, last, follow = false } = flags
  // Its columns are known at the end only; the words are Hubble's.
  if (follow && output.startsWith('tab')) command.error('error: table output format is not compatible with follow mode')
  const { allow, deny } = refused(command, () => builder.build())
  const selection: Selection = {
    allow,
    deny,
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until }),
    ...(first === undefined ? {} : { first }),
    ...(last === undefined ? {} : { last }),
  }
  return {
    ...(inputFile === undefined ? {} : { inputFile }),
    server,
    follow,
    all: flags.all ?? false,
    ...(inventory === undefined ? {} : { inventory }),
    selection,
    output,
    time: flags.timeFormat,
    nodeName: flags.printNodeName ?? false,
    numeric: flags.numeric ?? false,
  }
}

function timeFormatOption(): Option {
  const named = (text: string) => {
    const formatter = timeFormatter(text)
    if (formatter === undefined) throw new InvalidArgumentError(`Allowed: ${TIME_FORMATS.join(', ')}.`)
    return formatter
  }
  return new Option('--time-format <format>', `form of the times: ${TIME_FORMATS.join(', ')}`)
    .argParser(named)
    .default(named('StampMilli'), 'StampMilli')
}

function time(text: string): Instant {
  return argument(() => parseInstant(text, Date.now()))
}

/** The parser names the flag. */
function argument<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message}.`)
  }
}

/** For what the parser does not read itself. */
function refused<T>(command: Command, read: () => T): T {
  try {
    return read()
  } catch (error) {
    return command.error(`error: ${(error as Error).message}`)
  }
}
