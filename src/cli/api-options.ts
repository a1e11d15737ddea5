/**
 * api-options.ts - the flags of the flow API: where a running Weir serves it, and where a command finds it.
 */
import { type Command, InvalidArgumentError } from 'commander'
import { DEFAULT_ADDRESS, parseApiAddress } from '../api/address.js'

const NONE = 'none'
const LEAST_FLOWS = 1
const MOST_FLOWS = 65_535
export const DEFAULT_FLOWS = 4095

/** Names are commander's, of the flags. */
export interface ApiFlags {
  readonly 'hubble.listenAddress'?: readonly string[]
  readonly flowBuffer: number
}

/** `apiAddresses` absent: the default address, if it can be had; none at all: no API. */
export interface ApiOptions {
  readonly apiAddresses?: readonly string[]
  readonly flowBuffer?: number
}

export function addApiFlags(command: Command): Command {
  return command
    .option(
      '--hubble.listen-address <address>',
      `where to serve Hubble's flow API: unix:///PATH or [HOST]:PORT, repeatable; ${NONE} for nowhere (default: ${DEFAULT_ADDRESS}, if it can be had)`,
      listenAddresses,
    )
    .option('--flow-buffer <n>', 'flows to keep for it, a power of two minus one', flowBuffer, DEFAULT_FLOWS)
}

export function apiOptions(flags: ApiFlags): ApiOptions {
  const addresses = flags['hubble.listenAddress']
  return { flowBuffer: flags.flowBuffer, ...(addresses === undefined ? {} : { apiAddresses: addresses }) }
}

/** Of a command that asks a running Weir. */
export function addServerFlag(command: Command): Command {
  return command.option('--server <address>', `a flow API: unix:///PATH, HOST:PORT or tls://HOST:PORT`, serverAddress)
}

export function serverAddress(text: string): string {
  try {
    parseApiAddress(text)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message.replace(/^.*?': allowed/, 'Allowed').concat('.'))
  }
  return text
}

function listenAddresses(text: string, previous: readonly string[] = []): readonly string[] {
  if (text === NONE) return []
  if (text.startsWith('tls:')) throw new InvalidArgumentError('Allowed: unix:///PATH, HOST:PORT, :PORT or none.')
  return [...previous, serverAddress(text)]
}

/** As Hubble has it: one place of its ring is the writer's. */
function flowBuffer(text: string): number {
  const n = /^\d{1,5}$/.test(text) ? Number(text) : 0
  if (n >= LEAST_FLOWS && n <= MOST_FLOWS && (n & (n + 1)) === 0) return n
  throw new InvalidArgumentError(`Allowed: a power of two minus one, from ${LEAST_FLOWS} to ${MOST_FLOWS}, like 4095.`)
}
