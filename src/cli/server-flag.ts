/**
 * server-flag.ts - where a command finds a flow API, and where a running Weir serves it.
 */
import { type Command, InvalidArgumentError } from 'commander'
import { parseApiAddress } from '../hubble/api/address.js'

/** `apiAddresses` absent: the default address, if it can be had; none at all: no API. */
export interface ApiOptions {
  readonly apiAddresses?: readonly string[]
  /** Flows to keep for it: a power of two minus one. */
  readonly flowBuffer: number
}

/** Of a command that asks a running Weir. */
export function addServerFlag(command: Command): Command {
  return command.option('--server <address>', `a flow API: unix:///PATH, HOST:PORT or tls://HOST:PORT`, serverAddress)
}

function serverAddress(text: string): string {
  try {
    parseApiAddress(text)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message.replace(/^.*?': allowed/, 'Allowed').concat('.'))
  }
  return text
}
