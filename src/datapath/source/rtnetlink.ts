// SPDX-License-Identifier: Apache-2.0
/**
 * rtnetlink.ts - the framing of rtnetlink messages: messages, and attributes inside them.
 *
 * In:    messages that start with struct nlmsghdr, back to back (linux/netlink.h).
 * Fail:  parsing stops at a truncated message or attribute; the kernel sends whole ones.
 * Never: makes a system call.
 */
import { formatAddress } from '../../lib/address.js'

export interface Message {
  readonly type: number
  /** NLM_F_* */
  readonly flags: number
  readonly view: DataView
  /** First byte after the nlmsghdr: the header of the family. */
  readonly body: number
  readonly end: number
}

export interface Attribute {
  readonly type: number
  readonly at: number
  readonly end: number
}

export const NLMSG_DONE = 3
/** The new object replaces another with the same key. */
export const NLM_F_REPLACE = 0x100
/** Set on the messages of a dump during which objects changed. */
export const NLM_F_DUMP_INTERRUPTED = 0x10
export const AF_UNSPEC = 0
export const AF_INET = 2
export const AF_INET6 = 10
export const MAPPED_BITS = 96
const NLMSG_HEADER = 16
const ATTRIBUTE_HEADER = 4
const ATTRIBUTE_TYPE = 0x3fff
const IPV4_BYTES = 4
const IPV6_BYTES = 16

export function* messages(bytes: Uint8Array, length: number): Generator<Message> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, length)
  for (let at = 0; at + NLMSG_HEADER <= length; ) {
    const size = view.getUint32(at, true)
    if (size < NLMSG_HEADER || at + size > length) return
    const [type, flags] = [view.getUint16(at + 4, true), view.getUint16(at + 6, true)]
    yield { type, flags, view, body: at + NLMSG_HEADER, end: at + size }
    at += align(size)
  }
}

export function* attributes(view: DataView, from: number, to: number): Generator<Attribute> {
  for (let at = from; at + ATTRIBUTE_HEADER <= to; ) {
    const size = view.getUint16(at, true)
    if (size < ATTRIBUTE_HEADER || at + size > to) return
    yield { type: view.getUint16(at + 2, true) & ATTRIBUTE_TYPE, at: at + ATTRIBUTE_HEADER, end: at + size }
    at += align(size)
  }
}

/** A string up to its terminating zero, if it has one. */
export function text(view: DataView, { at, end }: Attribute): string {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, end - at)
  const zero = bytes.indexOf(0)
  return new TextDecoder().decode(zero < 0 ? bytes : bytes.subarray(0, zero))
}

/** An IPv4 or IPv6 address as canonical text; undefined for another length. */
export function address(view: DataView, { at, end }: Attribute): string | undefined {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, end - at)
  if (bytes.length === IPV6_BYTES) return formatAddress(bytes)
  return bytes.length === IPV4_BYTES ? bytes.join('.') : undefined
}

export function align(size: number): number {
  return (size + 3) & ~3
}
