/**
 * address.ts - is a flow's address one of these, or inside one of these prefixes?
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

/** A server may tell what is no address. */
function bytesOf(text: string): Uint8Array | undefined {
  try {
    return parseAddress(text)
  } catch {
    return undefined
  }
}

/** ::/0 has no IPv4 address in it. */
function contains({ addr, bits }: Prefix, bytes: Uint8Array): boolean {
  if (bits < MAPPED_BITS && isMapped(bytes)) return false
  const whole = bits >> 3
  for (let i = 0; i < whole; i++) if (addr[i] !== bytes[i]) return false
  const rest = bits & 7
  return rest === 0 || (addr[whole]! ^ bytes[whole]!) >> (8 - rest) === 0
}
