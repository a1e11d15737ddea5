/**
 * options.ts - the flags that several commands share, each with its default and its check.
 */
import { type Command, Option } from 'commander'
import { FORMATS, LEVELS } from './log.js'
import { durationBetween, file, globs, integerBetween, ringPages } from './values.js'

const NONE: readonly string[] = []
const HOUR_MS = 3_600_000

/** What the live source needs to know: the fields are LiveOptions' own. */
export interface LiveFlags {
  readonly interfaces: readonly string[]
  readonly uplinks: readonly string[]
  readonly netns?: string
  readonly attach: 'auto' | 'tcx' | 'tc'
  readonly reportInterval: number
  readonly drainInterval: number
  readonly ringPages: number
  readonly connections: number
}

/** A flag whose default is told in the user's words. */
function option<T>(
  flags: string,
  what: string,
  parse: (text: string, previous: T) => T,
  value: T,
  words: string,
): Option {
  return new Option(flags, what).argParser(parse).default(value, words)
}

export function addLiveFlags(command: Command): Command {
  const reportInterval = durationBetween(100, HOUR_MS)
  const drainInterval = durationBetween(10, 60_000)
  return command
    .addOption(
      option('--interfaces <glob>', "pods' interfaces, repeatable", globs, NONE, 'veths with an end elsewhere'),
    )
    .addOption(option('--uplinks <glob>', 'uplinks to watch as well, repeatable', globs, NONE, 'none'))
    .option(
      '--netns <file>',
      'watch the interfaces of this network namespace, e.g. /proc/1/ns/net (needs CAP_SYS_ADMIN)',
      file,
    )
    .addOption(
      new Option('--attach <mode>', 'how to stand on an interface').choices(['auto', 'tcx', 'tc']).default('auto'),
    )
    .addOption(
      option(
        '--report-interval <duration>',
        'the longest that a count waits in the kernel',
        reportInterval,
        5000,
        '5s',
      ),
    )
    .addOption(
      option('--drain-interval <duration>', 'the longest that a record waits in the ring', drainInterval, 100, '100ms'),
    )
    .option('--ring-pages <n>', "pages of each CPU's ring, a power of two", ringPages, 64)
    .option(
      '--connections <n>',
      'entries of the connection table, about 360 B each when used',
      integerBetween(1, 16_777_216),
      262_144,
    )
}

/** Flags to the options of Live. */
export function liveOptions(flags: LiveFlags) {
  return {
    interfaces: flags.interfaces,
    uplinks: flags.uplinks,
    netns: flags.netns,
    attach: flags.attach,
    reportIntervalMs: flags.reportInterval,
    drainIntervalMs: flags.drainInterval,
    ringPages: flags.ringPages,
    connections: flags.connections,
  }
}

export interface LogFlags {
  readonly 'log.level': (typeof LEVELS)[number]
  readonly 'log.format': (typeof FORMATS)[number]
}

export function addLogFlags(command: Command): Command {
  return command
    .addOption(new Option('--log.level <level>', 'least level to log').choices(LEVELS).default('info'))
    .addOption(new Option('--log.format <format>', 'form of the log lines').choices(FORMATS).default('logfmt'))
}
