// SPDX-License-Identifier: Apache-2.0
/**
 * key.ts - the key of a record: everything that the labels of its flow depend on, in two words and a port.
 *
 * In:    windows on records; KeyField bits: fields that no metric needs are left out.
 * Out:   `first` and `second`: 17 bits for source and destination (EndpointNumbers; 0 if no metric needs them), and 15
 *        bits each of the kind of packet; the port. Equal keys mean equal label values, until clear().
 * Fail:  false for a packet that PacketSummary does not read: its flow must be made.
 * Never: allocates. The rules are those of cilium/cilium pkg/hubble/parser/threefour, as for flows.
 */

import type { Entities } from '../../datapath/identity/entities.js'
import { HDR, Notify, TRACE } from '../../datapath/record/abi.js'
import type { DropRecord, TraceRecord, VerdictRecord } from '../../datapath/record/decode.js'
import { Cache } from '../../exporter/reduce/cache.js'
import { ENDPOINT_KINDS, ENTRIES_PER_ENDPOINT, EndpointNumbers } from './endpoint-numbers.js'
import { summarizeConnection, summarizeDrop, translate } from './extension-summary.js'
import { KeyField } from './key-fields.js'
import { L4, PacketSummary } from './packet-summary.js'

/** Flags of trace and drop records (cilium/cilium bpf/lib/classifiers.h). */
const Flag = { ipv6: 1, l3Device: 2, vxlan: 4, geneve: 8 } as const
const REASON = { reply: 2, unknown: 5, srv6Encap: 6, srv6Decap: 7 } as const
const Reply = { unknown: 0, no: 1, yes: 2 } as const
/** Whether a trace is a reply, by its reason without the encrypted bit. */
const REPLIES = new Uint8Array(128).fill(Reply.no)
REPLIES[REASON.reply] = Reply.yes
for (const reason of [REASON.unknown, REASON.srv6Encap, REASON.srv6Decap]) REPLIES[reason] = Reply.unknown
/** The eighth bit of a reason is set if the packet was encrypted. */
const REASON_BITS = 0x7f
const MAPPED_PREFIX = 0xffff
const Direction = { unknown: 0, ingress: 1, egress: 2 } as const
const Verdict = { forwarded: 0, redirected: 1, audit: 2, dropped: 3 } as const
/** A key has one byte for a drop reason; a policy verdict could hold more. */
const MAX_REASON = 0xff
const CONTROL = 0x07
const ACK = 0x10

/**
 * Bits of a kind: type 3, subtype 8, IP version 2, layer 4 3, direction 2, reply 2, flags 4, match 3, verdict 2, kernel
 * drop 1.
 */
const SHIFT = { subtype: 3, ip: 11, l4: 13, direction: 16, reply: 18, flags: 20, match: 24, verdict: 27 } as const
const KERNEL_DROP = 1 << 29
/** No record type has this value. In its place it marks a kind with a detail: the other bits are a cache entry. */
const DETAILED = 2
const DETAILED_SHIFT = 3
/** Bits of a cache entry's index. Endpoints, and kinds with a detail, are entries of one cache. */
const ENDPOINT_BITS = 17
const MAX_ENTRIES = 1 << ENDPOINT_BITS
const HALF_KIND = 15

/** By record type: KeyField bits of all metrics that may count its flows. */
export interface KeyFieldsByKind {
  readonly trace: number
  readonly drop: number
  readonly verdict: number
}

export class Key {
  first = 0
  second = 0
  /** Destination port; 0 without one. */
  port = 0
  readonly #cache: Cache
  readonly #max: number
  readonly #endpoints: EndpointNumbers
  readonly #packet = new PacketSummary()
  readonly #keyFields: KeyFieldsByKind

  /** `max`: cache entries, MAX_ENTRIES at most. */
  constructor(entities: Entities, fields: KeyFieldsByKind, max = MAX_ENTRIES) {
    this.#cache = new Cache(0, max)
    this.#max = max
    const byAddress = ((fields.trace | fields.drop | fields.verdict) & KeyField.address) !== 0
    this.#endpoints = new EndpointNumbers(entities, byAddress, this.#cache)
    this.#keyFields = fields
  }

  /** The cache may have no room for another record: the owner must clear() this and everything that holds keys. */
  get full(): boolean {
    return this.#cache.size + 2 * ENTRIES_PER_ENDPOINT + 1 > this.#max
  }

  /** Keys from before have no meaning afterwards. */
  clear(): void {
    this.#cache.clear()
    this.#endpoints.clear()
  }

  /** Type of the first SCTP chunk, 0 without one. */
  get chunk(): number {
    return this.#packet.chunk
  }

  /**
   * HOT: reads the record's fields from the view. V8 does not inline getters of their size, and a call costs more than
   * the read. Guard: benches `reduce`, `reduce-workload`.
   */
  trace(record: TraceRecord): boolean {
    const packet = this.#packet
    const fields = this.#keyFields.trace
    const { view, at, packetLength } = record
    const flags = view.getUint8(at + TRACE.flags)
    const reason = view.getUint8(at + TRACE.reason) & REASON_BITS
    if (packetLength === 0 && record.hasExtension) summarizeConnection(packet, record)
    else if (!this.#read(view, record.packetAt, packetLength, flags)) return false
    else if (record.hasExtension) this.#completeOwn(record)
    let kind = Notify.trace | (REPLIES[reason]! << SHIFT.reply)
    let from = 0
    if ((fields & KeyField.point) !== 0) kind |= view.getUint8(at + HDR.subtype) << SHIFT.subtype
    if ((fields & (KeyField.source | KeyField.direction)) !== 0) {
      const ipv6 = (flags & Flag.ipv6) !== 0
      const origAt = originalAt(view, at, ipv6)
      const useOriginal = origAt >= 0 && packet.ipVersion !== 0
      const identity = view.getUint32(at + TRACE.srcLabel, true)
      from = this.#source(view, useOriginal ? origAt : packet.srcAt, useOriginal ? ipv6 : packet.wide, fields, identity)
      if ((fields & KeyField.direction) !== 0) kind |= this.#traceDirection(record, reason, origAt >= 0)
    }
    const to = this.#destination(view, fields, view.getUint32(at + TRACE.dstLabel, true))
    this.#finish(kind, fields, this.#detail(fields), from, to)
    return true
  }

  /** Where the packet shows less than the record knows, the record counts: as in the flow, see FlowMaker. */
  #completeOwn(record: TraceRecord): void {
    const packet = this.#packet
    if (packet.l4 === L4.none && record.knowsTransport) summarizeConnection(packet, record)
    else if (record.translated) translate(packet, record)
  }

  drop(record: DropRecord): boolean {
    const packet = this.#packet
    const fields = this.#keyFields.drop
    const fromKernel = record.hasExtension
    const { view, packetLength, flags } = record
    if (packetLength === 0 && fromKernel) summarizeDrop(packet, record)
    else if (fromKernel || !this.#read(view, record.packetAt, packetLength, flags)) return false
    // The detail is the kernel's reason, so there is no room for an ICMP type.
    if (fromKernel && (fields & KeyField.icmp) !== 0 && (packet.l4 === L4.icmp || packet.l4 === L4.icmpv6)) return false
    let kind = Notify.drop | (record.subtype << SHIFT.subtype)
    let from = 0
    if ((fields & (KeyField.source | KeyField.direction)) !== 0) {
      from = this.#source(view, packet.srcAt, packet.wide, fields, record.srcLabel)
      if ((fields & KeyField.direction) !== 0 && record.source !== 0) {
        kind |= directionOf(record.source === this.#endpoints.endpointId) << SHIFT.direction
      }
    }
    // Cilium's reason follows from the kernel's.
    const detail = fromKernel ? record.kernelReason : this.#detail(fields)
    if (fromKernel) kind |= KERNEL_DROP
    this.#finish(kind, fields, detail, from, this.#destination(view, fields, record.dstLabel))
    return true
  }

  /** HOT. Guard: benches `reduce`, `reduce-workload`. */
  verdict(record: VerdictRecord): boolean {
    const packet = this.#packet
    const fields = this.#keyFields.verdict
    const { view, verdict, ingress, remoteLabel } = record
    if (!packet.read(view, record.packetAt, record.packetLength, record.l3Device, record.ipv6)) return false
    // Cilium's verdicts have subtype 0. A record with another subtype is still a flow.
    if (-verdict > MAX_REASON || record.subtype !== 0) return false
    let kind = Notify.policyVerdict | (verdictOf(record) << SHIFT.verdict)
    let from = 0
    if (verdict < 0) kind |= -verdict << SHIFT.subtype
    else kind |= Reply.no << SHIFT.reply
    if ((fields & KeyField.direction) !== 0) kind |= directionOf(!ingress) << SHIFT.direction
    if ((fields & KeyField.match) !== 0) kind |= record.matchType << SHIFT.match
    if ((fields & KeyField.source) !== 0)
      from = this.#endpoint(view, packet.srcAt, packet.wide, ingress ? remoteLabel : 0)
    this.#finish(kind, fields, this.#detail(fields), from, this.#destination(view, fields, ingress ? 0 : remoteLabel))
    return true
  }

  #read(view: DataView, at: number, length: number, flags: number): boolean {
    const packet = this.#packet
    if (!packet.read(view, at, length, (flags & Flag.l3Device) !== 0, (flags & Flag.ipv6) !== 0)) return false
    return (flags & (Flag.vxlan | Flag.geneve)) === 0 || packet.readInner((flags & Flag.vxlan) === 0)
  }

  #endpoint(view: DataView, at: number, wide: boolean, identity: number): number {
    return at < 0 ? this.#endpoints.withoutAddress(identity) : this.#endpoints.at(view, at, wide, identity)
  }

  /**
   * The source's number, or 0 if only the direction needs the source. Then it takes no cache entry: the key would not
   * show it, so no key would be new, and `full` is checked only for new keys.
   */
  #source(view: DataView, at: number, wide: boolean, fields: number, identity: number): number {
    if ((fields & KeyField.source) !== 0) return this.#endpoint(view, at, wide, identity)
    this.#endpoints.lookUp(view, at, wide)
    return 0
  }

  #destination(view: DataView, fields: number, identity: number): number {
    if ((fields & KeyField.destination) === 0) return 0
    return this.#endpoint(view, this.#packet.dstAt, this.#packet.wide, identity)
  }

  /** Same rule as traceDirection() in facts.ts. To be called after #source(). */
  #traceDirection(record: TraceRecord, reason: number, translated: boolean): number {
    if (record.source === 0 || reason === REASON.unknown) return 0
    const fromSource = record.source === this.#endpoints.endpointId
    return directionOf(fromSource !== (reason === REASON.reply) || translated) << SHIFT.direction
  }

  /** ICMP type and code, or SCTP chunk type; 0 for other packets. */
  #detail(fields: number): number {
    const { l4, icmp, chunk } = this.#packet
    if (l4 === L4.icmp || l4 === L4.icmpv6) return (fields & KeyField.icmp) === 0 ? 0 : icmp
    return l4 === L4.sctp && (fields & KeyField.chunk) !== 0 ? chunk : 0
  }

  /** Adds the packet's fields to the kind, and sets the key. */
  #finish(kind: number, fields: number, detail: number, from: number, to: number): void {
    const { ipVersion, l4, tcpFlags, dstPort } = this.#packet
    let whole = kind | ((ipVersion >> 1) << SHIFT.ip) | (l4 << SHIFT.l4)
    if ((fields & KeyField.tcpFlags) !== 0) whole |= ((tcpFlags & CONTROL) | ((tcpFlags & ACK) >> 1)) << SHIFT.flags
    if (detail !== 0) whole = DETAILED | (this.#cache.entry(whole, detail, ENDPOINT_KINDS) << DETAILED_SHIFT)
    this.port = dstPort
    this.first = from | (whole << ENDPOINT_BITS)
    this.second = to | ((whole >>> HALF_KIND) << ENDPOINT_BITS)
  }
}

/** Where the source address before NAT is; -1 if the record has none. Same rule as originalAddress() in facts.ts. */
function originalAt(view: DataView, record: number, ipv6: boolean): number {
  if (view.getUint8(record + HDR.version) < 1) return -1
  const at = record + TRACE.origIp
  const a = view.getInt32(at)
  if (!ipv6) return a === 0 ? -1 : at
  const c = view.getInt32(at + 8)
  const others = a | view.getInt32(at + 4) | view.getInt32(at + 12)
  return others === 0 && (c === 0 || c === MAPPED_PREFIX) ? -1 : at
}

function directionOf(egress: boolean): number {
  return egress ? Direction.egress : Direction.ingress
}

function verdictOf(record: VerdictRecord): number {
  const { verdict } = record
  if (verdict < 0) return Verdict.dropped
  if (verdict > 0) return Verdict.redirected
  return record.audited ? Verdict.audit : Verdict.forwarded
}
