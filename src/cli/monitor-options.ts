// SPDX-License-Identifier: Apache-2.0
/**
 * monitor-options.ts - the flags of `weir monitor`, named like those of `cilium monitor`.
 */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { MESSAGE_TYPES, type MessageType } from '../datapath/record/message-type.js'
import { DEFAULT_ADDRESS } from '../hubble/api/address.js'
import type { Verbosity } from '../monitor/style.js'
import type { MonitorOptions } from './monitor.js'
import { addServerFlag, inputFileOption } from './shared-flags.js'
import { integerBetween } from './values.js'

const MAX_ENDPOINT = 65_535
/** The highest CPU number of a Linux kernel. */
const MAX_CPU = 8191
/** By number of -v flags. */
const LEVELS = ['info', 'debug', 'verbose'] as const

/** Property names as commander derives them from the flags. */
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
  readonly type?: readonly MessageType[]
  readonly from?: readonly number[]
  readonly to?: readonly number[]
  readonly relatedTo?: readonly number[]
}

export function addMonitorFlags(command: Command): Command {
  addServerFlag(command)
  return command
    .addOption(inputFileOption().conflicts('server'))
    .option('--inventory <file>', 'inventory file with interface names, JSON or YAML (default: interface indexes)')
    .addOption(new Option('-o, --output <format>', 'output format').choices(['text', 'json']).default('text'))
    .option('-j, --json', 'same as --output json')
    .option(
      '-v, --verbose',
      'also print debug messages; twice: print packets header by header',
      (_, n: number) => n + 1,
      0,
    )
    .option('--hex', 'with -vv: print packets as hex dumps, but dropped packets header by header')
    .option('-n, --numeric', 'print identities as numbers')
    .option(
      '-t, --type <type>',
      `print only records of this type, repeatable: ${Object.keys(MESSAGE_TYPES).join(', ')}`,
      types,
    )
    .option('--from <endpoint>', 'print only records from this endpoint id, repeatable', endpoints)
    .option('--to <endpoint>', 'print only records to this endpoint id, repeatable', endpoints)
    .option('--related-to <endpoint>', 'print only records from or to this endpoint id, repeatable', endpoints)
    .option('--cpu <n>', 'CPU number to print; records do not contain it', integerBetween(0, MAX_CPU), 1)
}

export function monitorOptions(flags: MonitorFlags): MonitorOptions {
  const { inputFile, server = DEFAULT_ADDRESS, inventory, cpu, type = [], from = [], to = [], relatedTo = [] } = flags
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

/** JSON output ignores -v. */
function verbosity({ output, json, verbose }: MonitorFlags): Verbosity {
  if (json || output === 'json') return 'json'
  return LEVELS[Math.min(verbose, LEVELS.length - 1)] as Verbosity
}

/** One type, or several separated by commas. */
function types(text: string, previous: readonly MessageType[] = []): readonly MessageType[] {
  const words = text.split(',')
  for (const word of words) {
    if (!Object.hasOwn(MESSAGE_TYPES, word))
      throw new InvalidArgumentError(`Unknown type "${word}"; allowed: ${Object.keys(MESSAGE_TYPES).join(', ')}.`)
  }
  return [...previous, ...(words as MessageType[])]
}

function endpoints(text: string, previous: readonly number[] = []): readonly number[] {
  return [...previous, ...text.split(',').map(integerBetween(0, MAX_ENDPOINT))]
}
