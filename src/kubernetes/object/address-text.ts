// SPDX-License-Identifier: Apache-2.0
/**
 * address-text.ts - addresses and prefixes of the API in canonical form.
 *
 * In:    text, some of it typed by people: an annotation, an old service with leading zeros.
 * Out:   the address as formatAddress() writes it; undefined for anything else, such as `None` and ''.
 */
import { formatAddress, isMapped, parseAddress, parsePrefix } from '../../lib/address.js'

/** Nearly all addresses are in canonical form already. */
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

/** The first two addresses of a prefix, where CNIs put their tunnel device (.0) and their bridge (.1). */
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

/** The prefix in canonical form, without bits past its length; undefined if it is none. */
export function canonicalPrefix(text: string | undefined): string | undefined {
  try {
    const { addr, bits } = parsePrefix(text ?? '')
    const isIpv4 = bits >= MAPPED_BITS && isMapped(addr)
    return `${formatAddress(addr)}/${isIpv4 ? bits - MAPPED_BITS : bits}`
  } catch {
    return undefined
  }
}
