// SPDX-License-Identifier: Apache-2.0
/**
 * address.ts - IP addresses and prefixes as 16 bytes, IPv4 mapped (::ffff:a.b.c.d).
 *
 * In:    text from configuration; bytes from records and packets.
 * Fail:  parsing throws an Error that names the text and what is allowed; formatting never throws.
 */
import { isIPv4, isIPv6 } from 'node:net'

/** A prefix of the mapped address: an IPv4 /n has 96 + n bits. Host bits of addr are zero. */
export interface Prefix {
  readonly bits: number
  readonly addr: Uint8Array
}

const MAPPED_BITS = 96
const DOT = 0x2e
const ZERO = 0x30
const NINE = 0x39
const ADDRESS = 'an IPv4 address (10.0.0.1) or an IPv6 address without zone (fd00::1)'
const PREFIX = 'ADDRESS/BITS with 0-32 bits for IPv4 (10.0.0.0/8), 0-128 for IPv6 (fd00::/64)'

/** 16 bytes in network order; throws when `text` is not an address. */
export function parseAddress(text: string): Uint8Array {
  const bytes = new Uint8Array(16)
  if (writeIpv4(bytes, text)) return bytes
  if (isIPv6(text) && !text.includes('%')) writeIpv6(bytes, text)
  else throw new Error(`"${text}" is not an address; allowed: ${ADDRESS}`)
  return bytes
}

/** Host bits are cleared, so that 10.1.2.3/8 is 10.0.0.0/8; throws when `text` is not a prefix. */
export function parsePrefix(text: string): Prefix {
  const slash = text.indexOf('/')
  const address = text.slice(0, slash)
  const length = text.slice(slash + 1)
  const most = isIPv4(address) ? 32 : isIPv6(address) && !address.includes('%') ? 128 : -1
  if (slash < 0 || !/^(0|[1-9]\d{0,2})$/.test(length) || Number(length) > most) {
    throw new Error(`"${text}" is not a prefix; allowed: ${PREFIX}`)
  }
  const bits = Number(length) + (most === 32 ? MAPPED_BITS : 0)
  const addr = parseAddress(address)
  for (let bit = bits; bit < 128; bit++) addr[bit >> 3]! &= ~(0x80 >> (bit & 7))
  return { bits, addr }
}

/** Whether 16 bytes hold a mapped IPv4 address. */
export function isMapped(bytes: Uint8Array, at = 0): boolean {
  for (let i = 0; i < 10; i++) if (bytes[at + i] !== 0) return false
  return bytes[at + 10] === 0xff && bytes[at + 11] === 0xff
}

/** Text of 16 bytes: RFC 5952, and dotted for a mapped IPv4 address, as Hubble prints them. */
export function formatAddress(bytes: Uint8Array, at = 0): string {
  return isMapped(bytes, at) ? formatIpv4(bytes, at + 12) : formatIpv6(bytes, at)
}

/** Text of 4 bytes. */
export function formatIpv4(bytes: Uint8Array, at = 0): string {
  return `${bytes[at]}.${bytes[at + 1]}.${bytes[at + 2]}.${bytes[at + 3]}`
}

export function formatPrefix(prefix: Prefix): string {
  // A prefix shorter than 96 bits never holds ::ffff in full, so mapped means IPv4 here.
  const ipv4 = prefix.bits >= MAPPED_BITS && isMapped(prefix.addr)
  return `${formatAddress(prefix.addr)}/${ipv4 ? prefix.bits - MAPPED_BITS : prefix.bits}`
}

function formatIpv6(bytes: Uint8Array, at: number): string {
  const run = longestZeroRun(bytes, at)
  let text = ''
  for (let i = 0; i < 8; i++) {
    if (i === run.start) {
      text += '::'
      i += run.length - 1
    } else {
      text += (text === '' || text.endsWith(':') ? '' : ':') + group(bytes, at, i).toString(16)
    }
  }
  return text
}

/** RFC 5952 4.2: the longest run of zero groups, the first of equals, and never a single one. */
function longestZeroRun(bytes: Uint8Array, at: number): { start: number; length: number } {
  let best = { start: -1, length: 1 }
  for (let i = 0; i < 8; ) {
    let end = i
    while (end < 8 && group(bytes, at, end) === 0) end++
    if (end - i > best.length) best = { start: i, length: end - i }
    i = end + 1
  }
  return best
}

function group(bytes: Uint8Array, at: number, index: number): number {
  return (bytes[at + index * 2]! << 8) | bytes[at + index * 2 + 1]!
}

/**
 * Parses a dotted address into bytes; returns whether it is one, by the rule of net.isIPv4(), which takes four times as
 * long; a cluster has some hundred thousand. An IPv6 address writes nothing, as none has a dot before its first colon.
 */
function writeIpv4(bytes: Uint8Array, text: string): boolean {
  let at = 12
  let part = -1
  for (let i = 0; i <= text.length; i++) {
    const code = i < text.length ? text.charCodeAt(i) : DOT
    if (code === DOT) {
      if (part < 0 || at === 16) return false
      bytes[at++] = part
      part = -1
    } else {
      // No digit follows a zero at the front.
      if (code < ZERO || code > NINE || part === 0) return false
      part = Math.max(part, 0) * 10 + code - ZERO
      if (part > 255) return false
    }
  }
  if (at !== 16) return false
  bytes[10] = bytes[11] = 0xff
  return true
}

function writeIpv6(bytes: Uint8Array, text: string): void {
  const [head = '', tail] = text.split('::')
  bytes.set(ipv6Bytes(head))
  if (tail !== undefined) {
    const last = ipv6Bytes(tail)
    bytes.set(last, 16 - last.length)
  }
}

/** Bytes of "a:b:c", where the last group may be a dotted IPv4 address. */
function ipv6Bytes(text: string): number[] {
  if (text === '') return []
  return text.split(':').flatMap(part => {
    if (part.includes('.')) return part.split('.').map(Number)
    const value = Number.parseInt(part, 16)
    return [value >> 8, value & 0xff]
  })
}
