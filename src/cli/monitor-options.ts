/**
 * monitor-options.ts - the flags of `weir monitor`; they are called as those of `cilium monitor`.
 */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { MESSAGE_TYPES, type MessageType } from '../datapath/record/message-type.js'
import { DEFAULT_ADDRESS } from '../hubble/api/address.js'
import type { Verbosity } from '../monitor/style.js'
import type { MonitorOptions } from './monitor.js'
import { addServerFlag } from './server-flag.js'
import { integerBetween } from './values.js'

const MOST_ENDPOINT = 65_535
/** What Linux can be built for. */
const MOST_CPU = 8191
/** `-vv` says all there is. */
const LEVELS = ['info', 'debug', 'verbose'] as const

/** Names are commander's, of the flags. */
export interface MonitorFlags {
  readonly inputFile?: string
  readonly server?: string
  readonly inventory?: string
  readonly output: 'text' | 'json'
  readonly json?: true
  readonly verbose: number
  readonly hex?: true
  readonly numeric?: true
  readonly cpu: number
  readonly type: readonly MessageType[]
  readonly from: readonly number[]
  readonly to: readonly number[]
  readonly relatedTo: readonly number[]
}

export function addMonitorFlags(command: Command): Command {
  addServerFlag(command)
  return command
    .addOption(
      new Option('--input-file <file>', 'a recording instead: pcap, link type 147, gzip or not').conflicts('server'),
    )
    .option('--inventory <file>', 'names of interfaces, JSON or YAML (default: their numbers)')
    .addOption(new Option('-o, --output <format>', 'form of the lines').choices(['text', 'json']).default('text'))
    .option('-j, --json', 'short for --output json')
    .option('-v, --verbose', 'debug messages as well; twice: packets header by header', (_, n: number) => n + 1, 0)
    .option('--hex', 'with -vv: packets as bytes (drops: the other way round)')
    .option('-n, --numeric', 'identities as numbers only')
    .option('-t, --type <type>', `only these, repeatable: ${Object.keys(MESSAGE_TYPES).join(', ')}`, types, [])
    .option('--from <endpoint>', 'only from this endpoint id, repeatable', endpoints, [])
    .option('--to <endpoint>', 'only to this endpoint id, repeatable', endpoints, [])
    .option('--related-to <endpoint>', 'only from or to this endpoint id, repeatable', endpoints, [])
    .option('--cpu <n>', 'the CPU to print: a recording does not tell it', integerBetween(0, MOST_CPU), 1)
}

export function monitorOptions(flags: MonitorFlags): MonitorOptions {
  const { inputFile, server = DEFAULT_ADDRESS, inventory, cpu, type, from, to, relatedTo } = flags
  return {
    ...(inputFile === undefined ? { server } : { inputFile }),
    ...(inventory === undefined ? {} : { inventory }),
    verbosity: verbosity(flags),
    hex: flags.hex ?? false,
    numeric: flags.numeric ?? false,
    cpu,
    types: type,
    from,
    to,
    relatedTo,
  }
}

/** JSON has no levels. */
function verbosity({ output, json, verbose }: MonitorFlags): Verbosity {
  if (json || output === 'json') return 'json'
  return LEVELS[Math.min(verbose, LEVELS.length - 1)] as Verbosity
}

/** One name, or several with commas. */
function types(text: string, previous: readonly MessageType[]): readonly MessageType[] {
  const words = text.split(',')
  for (const word of words) {
    if (!Object.hasOwn(MESSAGE_TYPES, word))
      throw new InvalidArgumentError(`"${word}" is none; allowed are ${Object.keys(MESSAGE_TYPES).join(', ')}.`)
  }
  return [...previous, ...(words as MessageType[])]
}

function endpoints(text: string, previous: readonly number[]): readonly number[] {
  return [...previous, ...text.split(',').map(integerBetween(0, MOST_ENDPOINT))]
}
