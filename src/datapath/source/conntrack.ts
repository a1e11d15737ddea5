// SPDX-License-Identifier: Apache-2.0
/**
 * conntrack.ts - asks the kernel's connection tracking for the entries of single connections.
 *
 * In:    addresses (16 bytes, IPv4 mapped), ports and protocol of packets before translation.
 * Out:   both tuples of the entry: `original` as the client sent it, `reply` as the server answers.
 * Fail:  undefined for a connection that has no entry, or a protocol that conntrack does not know. ask() throws an error of
 *        the system, and EPERM or any other answer that a whole batch got.
 *        Source: linux/netfilter/nfnetlink_conntrack.h.
 */
import { isMapped } from '../../lib/address.js'
import type { ConntrackQuery } from './native.js'

/** Addresses have 16 bytes, IPv4 mapped; ports are in host order. */
export interface Tuple {
  readonly src: Uint8Array
  readonly dst: Uint8Array
  readonly srcPort: number
  readonly dstPort: number
  readonly proto: number
}

export interface ConntrackEntry {
  readonly original: Tuple
  readonly reply: Tuple
}

const HEADER = 16
const FAMILY_HEADER = 4
const ATTRIBUTE = 4
const NLMSG_ERROR = 2
const NLM_F_REQUEST = 1
const CT_NEW = 0x100
const CT_GET = 0x101
const AF_INET = 2
const AF_INET6 = 10
const NESTED = 0x8000
const TYPE = 0x3fff
const CTA = { original: 1, reply: 2, ip: 1, proto: 2 } as const
const CTA_IP = { src4: 1, dst4: 2, src6: 3, dst6: 4 } as const
const CTA_PROTO = { number: 1, srcPort: 2, dstPort: 3 } as const
const ENOENT = -2
/** Requests of one system call. Their answers, some 400 bytes each, fit the default receive buffer. */
const BATCH = 64
const MAX_SEQUENCE = 2 ** 31
const REQUEST_BYTES = 128
const ANSWER_BYTES = 2048
const MAPPED_AT = 12

export class Conntrack {
  readonly #query: ConntrackQuery
  readonly #request = new Uint8Array(BATCH * REQUEST_BYTES)
  readonly #answers = new Uint8Array(BATCH * ANSWER_BYTES)
  /** Sequence number of the next request: an answer that a failed batch left in the socket is not the next one's. */
  #sequence = 0

  constructor(query: ConntrackQuery) {
    this.#query = query
  }

  /** The entry of each tuple, in either direction of it. */
  ask(tuples: readonly Tuple[]): (ConntrackEntry | undefined)[] {
    const found: (ConntrackEntry | undefined)[] = []
    for (let at = 0; at < tuples.length; at += BATCH) found.push(...this.#batch(tuples.slice(at, at + BATCH)))
    return found
  }

  close(): void {
    this.#query.close()
  }

  #batch(tuples: readonly Tuple[]): (ConntrackEntry | undefined)[] {
    const view = new DataView(this.#request.buffer)
    const first = this.#sequence
    this.#sequence = (first + BATCH) % MAX_SEQUENCE
    let length = 0
    tuples.forEach((tuple, i) => {
      length += writeRequest(view, length, first + i, tuple)
    })
    const filled = this.#query.query(this.#request.subarray(0, length), this.#answers)
    const found = new Array<ConntrackEntry | undefined>(tuples.length)
    let refused = 0
    let reason = 0
    for (const { sequence, entry, error } of readAnswers(this.#answers, filled)) {
      const i = sequence - first
      if (i < 0 || i >= tuples.length) continue
      found[i] = entry
      if (error === 0 || error === ENOENT) continue
      refused++
      reason = error
    }
    if (refused === tuples.length) throw refusal(reason)
    return found
  }
}

/** Writes a CT_GET of a tuple; returns its length. */
export function writeRequest(view: DataView, at: number, sequence: number, tuple: Tuple): number {
  const ipv4 = isMapped(tuple.src)
  const start = at + HEADER + FAMILY_HEADER
  const writer = new AttributeWriter(view, start)
  writer.nested(CTA.original, () => {
    writer.nested(CTA.ip, () => {
      writer.bytes(ipv4 ? CTA_IP.src4 : CTA_IP.src6, ipv4 ? tuple.src.subarray(MAPPED_AT) : tuple.src)
      writer.bytes(ipv4 ? CTA_IP.dst4 : CTA_IP.dst6, ipv4 ? tuple.dst.subarray(MAPPED_AT) : tuple.dst)
    })
    writer.nested(CTA.proto, () => {
      writer.bytes(CTA_PROTO.number, Uint8Array.of(tuple.proto))
      writer.bytes(CTA_PROTO.srcPort, Uint8Array.of(tuple.srcPort >> 8, tuple.srcPort & 0xff))
      writer.bytes(CTA_PROTO.dstPort, Uint8Array.of(tuple.dstPort >> 8, tuple.dstPort & 0xff))
    })
  })
  view.setUint32(at, writer.at - at, true)
  view.setUint16(at + 4, CT_GET, true)
  view.setUint16(at + 6, NLM_F_REQUEST, true)
  view.setUint32(at + 8, sequence, true)
  view.setUint32(at + 12, 0, true)
  view.setUint32(at + HEADER, 0, true)
  view.setUint8(at + HEADER, ipv4 ? AF_INET : AF_INET6)
  return writer.at - at
}

class AttributeWriter {
  at: number
  readonly #view: DataView

  constructor(view: DataView, at: number) {
    this.#view = view
    this.at = at
  }

  bytes(type: number, value: Uint8Array): void {
    this.#view.setUint16(this.at, ATTRIBUTE + value.length, true)
    this.#view.setUint16(this.at + 2, type, true)
    value.forEach((byte, i) => {
      this.#view.setUint8(this.at + ATTRIBUTE + i, byte)
    })
    this.at += align(ATTRIBUTE + value.length)
  }

  nested(type: number, body: () => void): void {
    const start = this.at
    this.at += ATTRIBUTE
    body()
    this.#view.setUint16(start, this.at - start, true)
    this.#view.setUint16(start + 2, type | NESTED, true)
  }
}

/** Answers by the sequence number of their request; `error`: a negative errno, 0 with an entry. */
export function* readAnswers(
  bytes: Uint8Array,
  length: number,
): Generator<{ sequence: number; entry: ConntrackEntry | undefined; error: number }> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, length)
  for (let at = 0; at + HEADER <= length; ) {
    const size = view.getUint32(at, true)
    if (size < HEADER || at + size > length) return
    const type = view.getUint16(at + 4, true)
    const sequence = view.getUint32(at + 8, true)
    if (type === NLMSG_ERROR) {
      yield { sequence, entry: undefined, error: view.getInt32(at + HEADER, true) }
    } else if (type === CT_NEW) {
      yield { sequence, entry: readEntry(view, at + HEADER + FAMILY_HEADER, at + size), error: 0 }
    }
    at += align(size)
  }
}

function refusal(error: number): Error {
  return Object.assign(new Error(`conntrack refused a question: error ${-error}`), { syscall: 'ctnetlink(CT_GET)' })
}

function readEntry(view: DataView, from: number, to: number): ConntrackEntry | undefined {
  let original: Tuple | undefined
  let reply: Tuple | undefined
  for (const { type, at, end } of attributes(view, from, to)) {
    if (type === CTA.original) original = readTuple(view, at, end)
    else if (type === CTA.reply) reply = readTuple(view, at, end)
  }
  return original && reply && { original, reply }
}

function readTuple(view: DataView, from: number, to: number): Tuple | undefined {
  let [src, dst]: (Uint8Array | undefined)[] = []
  let [proto, srcPort, dstPort] = [0, 0, 0]
  for (const part of attributes(view, from, to)) {
    for (const { type, at, end } of attributes(view, part.at, part.end)) {
      if (part.type === CTA.ip) {
        if (type === CTA_IP.src4 || type === CTA_IP.src6) src = address(view, at, end)
        else if (type === CTA_IP.dst4 || type === CTA_IP.dst6) dst = address(view, at, end)
      } else if (part.type === CTA.proto) {
        if (type === CTA_PROTO.number) proto = view.getUint8(at)
        else if (type === CTA_PROTO.srcPort) srcPort = view.getUint16(at)
        else if (type === CTA_PROTO.dstPort) dstPort = view.getUint16(at)
      }
    }
  }
  return src && dst && { src, dst, srcPort, dstPort, proto }
}

function address(view: DataView, at: number, end: number): Uint8Array {
  const bytes = new Uint8Array(view.buffer, view.byteOffset + at, end - at)
  if (bytes.length === 16) return bytes.slice()
  return Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, ...bytes)
}

function* attributes(view: DataView, from: number, to: number): Generator<{ type: number; at: number; end: number }> {
  for (let at = from; at + ATTRIBUTE <= to; ) {
    const size = view.getUint16(at, true)
    if (size < ATTRIBUTE || at + size > to) return
    yield { type: view.getUint16(at + 2, true) & TYPE, at: at + ATTRIBUTE, end: at + size }
    at += align(size)
  }
}

function align(size: number): number {
  return (size + 3) & ~3
}
