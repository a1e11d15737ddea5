/**
 * key.ts - what the labels of a record's flow depend on, in four numbers and a port.
 *
 * In:    windows on records; Needs, so that what no metric asks for is left out.
 * Out:   source and destination (numbers of Ends, 0 where nobody asks), kind and detail, port; equal keys mean equal
 *        label values.
 * Fail:  false where the packet is too unusual for Shape: the flow must be made.
 * Never: allocates. The rules are those of cilium/cilium pkg/hubble/parser/threefour, which flows are made by, too.
 */
import { Notify } from '../datapath/abi.js'
import { isMapped } from '../datapath/address.js'
import type { DropRecord, TraceRecord, VerdictRecord } from '../datapath/decode.js'
import type { Entities } from '../datapath/entities.js'
import { Ends } from './ends.js'
import { Needs } from './needs.js'
import { readConnection, readDrop } from './own-shape.js'
import { L4, Shape } from './shape.js'

/** Flags of trace and drop records (cilium/cilium bpf/lib/classifiers.h). */
const Flag = { ipv6: 1, l3Device: 2, vxlan: 4, geneve: 8 } as const
const REASON = { reply: 2, unknown: 5, srv6Encap: 6, srv6Decap: 7 } as const
const Reply = { unknown: 0, no: 1, yes: 2 } as const
const Direction = { unknown: 0, ingress: 1, egress: 2 } as const
const Verdict = { forwarded: 0, redirected: 1, audit: 2, dropped: 3 } as const
/** Drop reasons are one byte; a policy verdict could hold more. */
const MOST_REASON = 0xff
const CONTROL = 0x07
const ACK = 0x10

/** Bits of a kind: type 3, subtype 8, IP version 2, layer 4 3, direction 2, reply 2, flags 4, match 3, verdict 2, own 1. */
const SHIFT = { subtype: 3, ip: 11, l4: 13, direction: 16, reply: 18, flags: 20, match: 24, verdict: 27 } as const
const OWN = 1 << 29

export class Key {
  source = 0
  destination = 0
  kind = 0
  detail = 0
  /** Destination port; 0 for what has none. */
  port = 0
  readonly ends: Ends
  readonly #shape = new Shape()
  readonly #entities: Entities
  readonly #source: boolean
  readonly #destination: boolean
  readonly #flags: boolean
  readonly #icmp: boolean
  readonly #chunk: boolean
  readonly #point: boolean
  readonly #direction: boolean
  readonly #match: boolean

  constructor(entities: Entities, needs: number) {
    this.ends = new Ends(entities, (needs & Needs.address) !== 0)
    this.#entities = entities
    this.#source = (needs & Needs.source) !== 0
    this.#destination = (needs & Needs.destination) !== 0
    this.#flags = (needs & Needs.tcpFlags) !== 0
    this.#icmp = (needs & Needs.icmp) !== 0
    this.#chunk = (needs & Needs.chunk) !== 0
    this.#point = (needs & Needs.point) !== 0
    this.#direction = (needs & Needs.direction) !== 0
    this.#match = (needs & Needs.match) !== 0
  }

  /** Type of the first SCTP chunk, 0 without one. */
  get chunk(): number {
    return this.#shape.chunk
  }

  /** HOT. Guard: bench `hubble`. */
  trace(record: TraceRecord): boolean {
    const shape = this.#shape
    const { view, bytes, packetAt, packetLength, flags, reason } = record
    if (packetLength === 0 && record.hasExtension) readConnection(shape, record)
    else if (!this.#read(view, packetAt, packetLength, flags)) return false
    const origAt = originalAt(record)
    if (origAt < 0 || shape.ipVersion === 0) this.#from(bytes, shape.srcAt, shape.wide, record.srcLabel)
    else this.#from(bytes, origAt, (flags & Flag.ipv6) !== 0, record.srcLabel)
    let kind = Notify.trace | (replyOf(reason) << SHIFT.reply)
    if (this.#point) kind |= record.subtype << SHIFT.subtype
    if (this.#direction && record.source !== 0 && reason !== REASON.unknown) {
      const fromSource = record.source === this.#entities.endpoint(this.ends.entity)
      const egress = fromSource !== (reason === REASON.reply) || origAt >= 0
      kind |= (egress ? Direction.egress : Direction.ingress) << SHIFT.direction
    }
    this.#to(bytes, record.dstLabel)
    this.#finish(kind)
    return true
  }

  drop(record: DropRecord): boolean {
    const own = record.hasExtension
    const { view, bytes, packetAt, packetLength, flags } = record
    if (packetLength === 0 && own) readDrop(this.#shape, record)
    else if (own || !this.#read(view, packetAt, packetLength, flags)) return false
    // The detail is the kernel's reason: no room for a type.
    if (own && this.#icmp && (this.#shape.l4 === L4.icmp || this.#shape.l4 === L4.icmpv6)) return false
    this.#from(bytes, this.#shape.srcAt, this.#shape.wide, record.srcLabel)
    let kind = Notify.drop | (record.subtype << SHIFT.subtype)
    if (this.#direction && record.source !== 0) {
      const fromSource = record.source === this.#entities.endpoint(this.ends.entity)
      kind |= (fromSource ? Direction.egress : Direction.ingress) << SHIFT.direction
    }
    this.#to(bytes, record.dstLabel)
    this.#finish(kind)
    if (own) {
      // The kernel's reason stands for Cilium's.
      this.kind |= OWN
      this.detail = record.kernelReason | 0
    }
    return true
  }

  /** HOT. Guard: bench `hubble`. */
  verdict(record: VerdictRecord): boolean {
    const { view, bytes, verdict, ingress, remoteLabel } = record
    const shape = this.#shape
    if (!shape.read(view, record.packetAt, record.packetLength, record.l3Device, record.ipv6)) return false
    // The subtype is always 0; what has another is no verdict of Cilium's, but still a flow.
    if (-verdict > MOST_REASON || record.subtype !== 0) return false
    this.#from(bytes, shape.srcAt, shape.wide, ingress ? remoteLabel : 0)
    this.#to(bytes, ingress ? 0 : remoteLabel)
    let kind = Notify.policyVerdict | (verdictOf(record) << SHIFT.verdict)
    if (verdict < 0) kind |= -verdict << SHIFT.subtype
    else kind |= Reply.no << SHIFT.reply
    if (this.#direction) kind |= (ingress ? Direction.ingress : Direction.egress) << SHIFT.direction
    if (this.#match) kind |= record.matchType << SHIFT.match
    this.#finish(kind)
    return true
  }

  #read(view: DataView, at: number, length: number, flags: number): boolean {
    const shape = this.#shape
    if (!shape.read(view, at, length, (flags & Flag.l3Device) !== 0, (flags & Flag.ipv6) !== 0)) return false
    return (flags & (Flag.vxlan | Flag.geneve)) === 0 || shape.readInner((flags & Flag.vxlan) === 0)
  }

  /** The source may be looked up for the direction alone. */
  #from(bytes: Uint8Array, at: number, wide: boolean, identity: number): void {
    if (!this.#source && !this.#direction) return
    const source = at < 0 ? this.ends.nowhere(identity) : this.ends.at(bytes, at, wide, identity)
    if (this.#source) this.source = source
  }

  #to(bytes: Uint8Array, identity: number): void {
    if (!this.#destination) return
    const { dstAt, wide } = this.#shape
    this.destination = dstAt < 0 ? this.ends.nowhere(identity) : this.ends.at(bytes, dstAt, wide, identity)
  }

  /** What the packet adds. */
  #finish(kind: number): void {
    const { ipVersion, l4, tcpFlags } = this.#shape
    let whole = kind | ((ipVersion >> 1) << SHIFT.ip) | (l4 << SHIFT.l4)
    if (this.#flags) whole |= ((tcpFlags & CONTROL) | ((tcpFlags & ACK) >> 1)) << SHIFT.flags
    this.kind = whole
    this.port = this.#shape.dstPort
    this.detail = 0
    if (l4 === L4.icmp || l4 === L4.icmpv6) this.detail = this.#icmp ? this.#shape.icmp : 0
    else if (l4 === L4.sctp) this.detail = this.#chunk ? this.#shape.chunk : 0
  }
}

/** As the flow has it: -1 when the address before NAT is not told. */
function originalAt(record: TraceRecord): number {
  const at = record.origIpAt
  if (at < 0) return at
  if (!record.ipv6) return record.view.getUint32(at) === 0 ? -1 : at
  return record.view.getUint32(at + 12) === 0 && isMapped(record.bytes, at) ? -1 : at
}

function replyOf(reason: number): number {
  if (reason === REASON.reply) return Reply.yes
  const known = reason !== REASON.unknown && reason !== REASON.srv6Encap && reason !== REASON.srv6Decap
  return known ? Reply.no : Reply.unknown
}

function verdictOf(record: VerdictRecord): number {
  const { verdict } = record
  if (verdict < 0) return Verdict.dropped
  if (verdict > 0) return Verdict.redirected
  return record.audited ? Verdict.audit : Verdict.forwarded
}
