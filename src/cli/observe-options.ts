// SPDX-License-Identifier: Apache-2.0
/**
 * observe-options.ts - the flags of `weir observe`, named like those of `hubble observe`.
 *
 * In:    a command line. The order of its filter flags matters: --not inverts the next one.
 * Fail:  commander rejects an invalid value with the flag's name and what is allowed.
 */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { DEFAULT_ADDRESS } from '../hubble/api/address.js'
import { FilterBuilder } from '../hubble/observe/filter/builder.js'
import { FILTER_FLAGS, type FilterFlag } from '../hubble/observe/filter/flags.js'
import { type Instant, parseInstant } from '../hubble/observe/instant.js'
import { OUTPUTS } from '../hubble/observe/print/printers.js'
import { TIME_FORMATS, type TimeFormatter, timeFormatter } from '../hubble/observe/print/time-format.js'
import { MAX_LAST, type Selection } from '../hubble/observe/selection.js'
import { addInventoryFlag, addServerFlag, inputFileOption } from './shared-flags.js'
import { integerBetween } from './values.js'

export interface ObserveOptions {
  /** A recording to read in place of the server. */
  readonly inputFile?: string
  readonly server: string
  /** Keep printing flows as they arrive. */
  readonly follow: boolean
  /** All flows of a server, not only the last 20. */
  readonly all: boolean
  readonly inventory?: string
  readonly selection: Selection
  readonly output: string
  readonly time: TimeFormatter
  readonly nodeName: boolean
  readonly numeric: boolean
}

/** Property names as commander derives them from the flags. */
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

/** The flags other than filters. */
export function addObserveFlags(command: Command): Command {
  const last = new Option('--last <n>', 'print only the last n flows').argParser(integerBetween(1, MAX_LAST))
  const first = new Option('--first <n>', 'print only the first n flows').argParser(
    integerBetween(1, Number.MAX_SAFE_INTEGER),
  )
  const follow = new Option('-f, --follow', 'keep printing flows as they arrive (server only)')
  addServerFlag(command)
    .addOption(inputFileOption().conflicts(['server', 'follow']))
    .addOption(follow.conflicts('first'))
  return addInventoryFlag(command)
    .addOption(new Option('-o, --output <format>', 'output format').choices(OUTPUTS).default('compact'))
    .addOption(timeFormatOption())
    .option('--print-node-name', 'print the node of each flow')
    .option('--numeric', 'print addresses instead of names')
    .addOption(last.conflicts(['first', 'all']))
    .addOption(first.conflicts(['last', 'all']))
    .option('--all', 'print all flows (default for a recording; for a server: the last 20)')
    .option('--since <time>', 'print only flows since a relative (5m) or absolute (2026-01-31T10:20:30Z) time', time)
    .option('--until <time>', 'print only flows until this time', time)
}

/** The filter flags. The returned builder holds the filters once the command line has been parsed. */
export function addFilterFlags(command: Command): FilterBuilder {
  const builder = new FilterBuilder()
  command.option('--not', 'invert the next filter; filters can be repeated')
  command.on('option:not', () => orUsageError(command, () => builder.not()))
  for (const [name, spec] of Object.entries(FILTER_FLAGS)) {
    const flag = name as FilterFlag
    const short = 'short' in spec && spec.short !== undefined ? `-${spec.short}, ` : ''
    if ('bare' in spec && spec.bare) {
      command.option(`${short}--${flag}`, spec.help)
      command.on(`option:${flag}`, () => orUsageError(command, () => builder.set(flag, '')))
    } else {
      command.option(`${short}--${flag} <${spec.value}>`, spec.help, text => argument(() => builder.set(flag, text)))
    }
  }
  return builder
}

/** Exits with a usage error if the flags cannot be combined. */
export function observeOptions(command: Command, flags: ObserveFlags, builder: FilterBuilder): ObserveOptions {
  const { inputFile, server = DEFAULT_ADDRESS, inventory, output, since, until, first, last, follow = false } = flags
  // The width of the columns is known only at the end. The message is Hubble's.
  if (follow && output.startsWith('tab')) command.error('error: table output format is not compatible with follow mode')
  const { allow, deny } = orUsageError(command, () => builder.build())
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
  return new Option('--time-format <format>', `time format: ${TIME_FORMATS.join(', ')}`)
    .argParser(named)
    .default(named('StampMilli'), 'StampMilli')
}

function time(text: string): Instant {
  return argument(() => parseInstant(text, Date.now()))
}

/** Commander adds the flag's name to the message. */
function argument<T>(read: () => T): T {
  try {
    return read()
  } catch (error) {
    throw new InvalidArgumentError(`${(error as Error).message}.`)
  }
}

/** For checks outside of commander's value parsers. */
function orUsageError<T>(command: Command, read: () => T): T {
  try {
    return read()
  } catch (error) {
    return command.error(`error: ${(error as Error).message}`)
  }
}
