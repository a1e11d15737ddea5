// SPDX-License-Identifier: Apache-2.0
/**
 * shared-flags.ts - flags that several commands have.
 */
import { type Command, InvalidArgumentError, Option } from 'commander'
import { DEFAULT_ADDRESS, parseApiAddress } from '../hubble/api/address.js'
import { file } from './values.js'

const SERVER_HELP = `flow API to connect to: unix:///PATH, HOST:PORT or tls://HOST:PORT (default: ${DEFAULT_ADDRESS})`
const INVENTORY_HELP =
  'inventory file with endpoints, identities and CIDRs, JSON or YAML (default: only the host and world identities)'

/** The flow API that a client command connects to. */
export function addServerFlag(command: Command): Command {
  return command.option('--server <address>', SERVER_HELP, serverAddress)
}

export function addInventoryFlag(command: Command): Command {
  return command.option('--inventory <file>', INVENTORY_HELP, file)
}

/** The recording that a client command reads in place of a flow API. */
export function inputFileOption(): Option {
  return new Option('--input-file <file>', 'read a recording instead: pcap, link type 147, may be gzipped').argParser(
    file,
  )
}

function serverAddress(text: string): string {
  try {
    parseApiAddress(text)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message.replace(/^.*?': allowed/, 'Allowed').concat('.'))
  }
  return text
}
