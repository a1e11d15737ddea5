// SPDX-License-Identifier: Apache-2.0
/**
 * address.ts - matches a flow's address against addresses and prefixes.
 *
 * In:    addresses (`10.0.0.1`, `fd00::1`) and prefixes (`10.0.0.0/8`).
 */
import { isMapped, type Prefix, parseAddress, parsePrefix } from '../../../lib/address.js'
import type { Flow } from '../../flow/flow.js'
import type { FlowPredicate } from './predicate.js'

const MAPPED_BITS = 96

export function matchAddress(
  addressOf: (flow: Flow) => string | undefined,
): (values: readonly string[]) => FlowPredicate {
  return values => {
    const prefixes = values.map(value => (value.includes('/') ? parsePrefix(value) : single(value)))
    return flow => {
      const address = addressOf(flow)
      if (address === undefined) return false
      const bytes = bytesOf(address)
      return bytes !== undefined && prefixes.some(prefix => contains(prefix, bytes))
    }
  }
}

function single(text: string): Prefix {
  return { addr: parseAddress(text), bits: 128 }
}

/** Undefined for text that is not an address: a server may send any. */
function bytesOf(text: string): Uint8Array | undefined {
  try {
    return parseAddress(text)
  } catch {
    return undefined
  }
}

/** A prefix shorter than ::ffff:0:0/96 contains no IPv4 address: ::/0 means IPv6. */
function contains({ addr, bits }: Prefix, bytes: Uint8Array): boolean {
  if (bits < MAPPED_BITS && isMapped(bytes)) return false
  const whole = bits >> 3
  for (let i = 0; i < whole; i++) if (addr[i] !== bytes[i]) return false
  const rest = bits & 7
  return rest === 0 || (addr[whole]! ^ bytes[whole]!) >> (8 - rest) === 0
}
