/**
 * address-text.ts - addresses and prefixes of the API in the one spelling that is compared.
 *
 * In:    text, some of it written by people: an annotation, an old service with leading zeros.
 * Out:   the address as formatAddress() writes it; undefined for what is none, `None` and '' among it.
 */
import { formatAddress, isMapped, parseAddress, parsePrefix } from '../../lib/address.js'

/** What is spelled so already: nearly all. */
const PLAIN_IPV4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.(?!$)|$)){4}$/
const MAPPED_BITS = 96

export function canonical(text: string | undefined): string | undefined {
  if (text === undefined || PLAIN_IPV4.test(text)) return text
  try {
    return formatAddress(parseAddress(text))
  } catch {
    return undefined
  }
}

/** The prefix's own first address and the next: where CNIs put their bridge (.1) and their tunnel's device (.0). */
export function gateways(prefix: string): string[] {
  try {
    const { addr, bits } = parsePrefix(prefix)
    const first = Uint8Array.from(addr)
    const next = Uint8Array.from(addr)
    next[15]! |= 1
    return bits >= 127 ? [formatAddress(first)] : [formatAddress(first), formatAddress(next)]
  } catch {
    return []
  }
}

/** The prefix in one spelling, without bits past its length; undefined for what is none. */
export function canonicalPrefix(text: string | undefined): string | undefined {
  try {
    const { addr, bits } = parsePrefix(text ?? '')
    const isIpv4 = bits >= MAPPED_BITS && isMapped(addr)
    return `${formatAddress(addr)}/${isIpv4 ? bits - MAPPED_BITS : bits}`
  } catch {
    return undefined
  }
}
