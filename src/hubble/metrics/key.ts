/**
 * key.ts - what the labels of a record's flow depend on, in two words and a port.
 *
 * In:    windows on records; Needs, so that what no metric asks for is left out.
 * Out:   `first` and `second`: source and destination (numbers of Ends, 17 bits, 0 where nobody asks), and 15 bits each
 *        of what kind of packet it is; the port. Equal keys mean equal label values, until forget().
 * Fail:  false where the packet is too unusual for Shape: the flow must be made.
 * Never: allocates. The rules are those of cilium/cilium pkg/hubble/parser/threefour, which flows are made by, too.
 */

import type { Entities } from '../../datapath/identity/entities.js'
import { HDR, Notify, TRACE } from '../../datapath/record/abi.js'
import type { DropRecord, TraceRecord, VerdictRecord } from '../../datapath/record/decode.js'
import { Cache } from '../../exporter/reduce/cache.js'
import { ENDPOINT_KINDS, EndpointNumbers, ROWS_PER_ENDPOINT } from './endpoint-numbers.js'
import { summarizeConnection, summarizeDrop } from './extension-summary.js'
import { KeyField } from './key-fields.js'
import { L4, PacketSummary } from './packet-summary.js'

/** Flags of trace and drop records (cilium/cilium bpf/lib/classifiers.h). */
const Flag = { ipv6: 1, l3Device: 2, vxlan: 4, geneve: 8 } as const
const REASON = { reply: 2, unknown: 5, srv6Encap: 6, srv6Decap: 7 } as const
const Reply = { unknown: 0, no: 1, yes: 2 } as const
/** By a trace's reason, seven bits. */
const REPLIES = new Uint8Array(128).fill(Reply.no)
REPLIES[REASON.reply] = Reply.yes
for (const reason of [REASON.unknown, REASON.srv6Encap, REASON.srv6Decap]) REPLIES[reason] = Reply.unknown
/** The eighth bit of a reason says that the packet was encrypted. */
const REASON_BITS = 0x7f
const MAPPED_PREFIX = 0xffff
const Direction = { unknown: 0, ingress: 1, egress: 2 } as const
const Verdict = { forwarded: 0, redirected: 1, audit: 2, dropped: 3 } as const
/** Drop reasons are one byte; a policy verdict could hold more. */
const MAX_REASON = 0xff
const CONTROL = 0x07
const ACK = 0x10

/** Bits of a kind: type 3, subtype 8, IP version 2, layer 4 3, direction 2, reply 2, flags 4, match 3, verdict 2, own 1. */
const SHIFT = { subtype: 3, ip: 11, l4: 13, direction: 16, reply: 18, flags: 20, match: 24, verdict: 27 } as const
const OWN = 1 << 29
/** In place of a type, which has no such value: the rest is the number of a kind with its detail. */
const DETAILED = 2
const DETAILED_SHIFT = 3
/** Ends and kinds with details: rows of the memo, which takes END_BITS bits. */
const ENDPOINT_BITS = 17
const MAX_ROWS = 1 << ENDPOINT_BITS
const HALF_KIND = 15

/** Of the metrics that may count the flows of such records. */
export interface KeyFieldsByKind {
  readonly trace: number
  readonly drop: number
  readonly verdict: number
}

export class Key {
  first = 0
  second = 0
  /** Destination port; 0 for what has none. */
  port = 0
  readonly #cache: Cache
  readonly #max: number
  readonly #endpoints: EndpointNumbers
  readonly #packet = new PacketSummary()
  readonly #keyFields: KeyFieldsByKind

  /** `max`: ends and details that it tells apart, MAX_ROWS at most. */
  constructor(entities: Entities, fields: KeyFieldsByKind, max = MAX_ROWS) {
    this.#cache = new Cache(0, max)
    this.#max = max
    const byAddress = ((fields.trace | fields.drop | fields.verdict) & KeyField.address) !== 0
    this.#endpoints = new EndpointNumbers(entities, byAddress, this.#cache)
    this.#keyFields = fields
  }

  /** No room for what another record may bring: the owner must forget() together with all that holds keys. */
  get full(): boolean {
    return this.#cache.size + 2 * ROWS_PER_ENDPOINT + 1 > this.#max
  }

  /** Keys mean something else from now on. */
  clear(): void {
    this.#cache.clear()
    this.#endpoints.clear()
  }

  /** Type of the first SCTP chunk, 0 without one. */
  get chunk(): number {
    return this.#packet.chunk
  }

  /**
   * HOT: reads the record's fields itself, as V8 does not build getters of their size into their callers, and each call
   * costs more than the field. Guard: benches `reduce`, `reduce-workload`.
   */
  trace(record: TraceRecord): boolean {
    const packet = this.#packet
    const fields = this.#keyFields.trace
    const { view, at, packetLength } = record
    const flags = view.getUint8(at + TRACE.flags)
    const reason = view.getUint8(at + TRACE.reason) & REASON_BITS
    if (packetLength === 0 && record.hasExtension) summarizeConnection(packet, record)
    else if (!this.#read(view, record.packetAt, packetLength, flags)) return false
    let kind = Notify.trace | (REPLIES[reason]! << SHIFT.reply)
    let from = 0
    if ((fields & KeyField.point) !== 0) kind |= view.getUint8(at + HDR.subtype) << SHIFT.subtype
    if ((fields & (KeyField.source | KeyField.direction)) !== 0) {
      const ipv6 = (flags & Flag.ipv6) !== 0
      const origAt = originalAt(view, at, ipv6)
      const told = origAt >= 0 && packet.ipVersion !== 0
      const identity = view.getUint32(at + TRACE.srcLabel, true)
      from = this.#source(view, told ? origAt : packet.srcAt, told ? ipv6 : packet.wide, fields, identity)
      if ((fields & KeyField.direction) !== 0) kind |= this.#traceDirection(record, reason, origAt >= 0)
    }
    const to = this.#destination(view, fields, view.getUint32(at + TRACE.dstLabel, true))
    this.#finish(kind, fields, this.#detail(fields), from, to)
    return true
  }

  drop(record: DropRecord): boolean {
    const packet = this.#packet
    const fields = this.#keyFields.drop
    const own = record.hasExtension
    const { view, packetLength, flags } = record
    if (packetLength === 0 && own) summarizeDrop(packet, record)
    else if (own || !this.#read(view, record.packetAt, packetLength, flags)) return false
    // The detail is the kernel's reason: no room for a type.
    if (own && (fields & KeyField.icmp) !== 0 && (packet.l4 === L4.icmp || packet.l4 === L4.icmpv6)) return false
    let kind = Notify.drop | (record.subtype << SHIFT.subtype)
    let from = 0
    if ((fields & (KeyField.source | KeyField.direction)) !== 0) {
      from = this.#source(view, packet.srcAt, packet.wide, fields, record.srcLabel)
      if ((fields & KeyField.direction) !== 0 && record.source !== 0) {
        kind |= directionOf(record.source === this.#endpoints.endpointId) << SHIFT.direction
      }
    }
    // The kernel's reason stands for Cilium's.
    const detail = own ? record.kernelReason : this.#detail(fields)
    if (own) kind |= OWN
    this.#finish(kind, fields, detail, from, this.#destination(view, fields, record.dstLabel))
    return true
  }

  /** HOT. Guard: benches `reduce`, `reduce-workload`. */
  verdict(record: VerdictRecord): boolean {
    const packet = this.#packet
    const fields = this.#keyFields.verdict
    const { view, verdict, ingress, remoteLabel } = record
    if (!packet.read(view, record.packetAt, record.packetLength, record.l3Device, record.ipv6)) return false
    // The subtype is always 0; what has another is no verdict of Cilium's, but still a flow.
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

  /** For the direction alone it gets no number: no key would be new, and so nobody would see that there are too many. */
  #source(view: DataView, at: number, wide: boolean, fields: number, identity: number): number {
    if ((fields & KeyField.source) !== 0) return this.#endpoint(view, at, wide, identity)
    this.#endpoints.lookUp(view, at, wide)
    return 0
  }

  #destination(view: DataView, fields: number, identity: number): number {
    if ((fields & KeyField.destination) === 0) return 0
    return this.#endpoint(view, this.#packet.dstAt, this.#packet.wide, identity)
  }

  /** As the flow's (flow-facts.ts), once the source was looked up. */
  #traceDirection(record: TraceRecord, reason: number, translated: boolean): number {
    if (record.source === 0 || reason === REASON.unknown) return 0
    const fromSource = record.source === this.#endpoints.endpointId
    return directionOf(fromSource !== (reason === REASON.reply) || translated) << SHIFT.direction
  }

  /** What few packets have: a type of ICMP or of an SCTP chunk. */
  #detail(fields: number): number {
    const { l4, icmp, chunk } = this.#packet
    if (l4 === L4.icmp || l4 === L4.icmpv6) return (fields & KeyField.icmp) === 0 ? 0 : icmp
    return l4 === L4.sctp && (fields & KeyField.chunk) !== 0 ? chunk : 0
  }

  /** What the packet adds. */
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

/** As the flow has it (flow-facts.ts): -1 when the address before NAT is not told. */
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
