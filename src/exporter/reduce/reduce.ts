/**
 * reduce.ts - records to increments: which pair of entities, which family, by how much.
 *
 * In:    records from the decoder; what the datapath counted beside its records, as differences.
 * Out:   calls of Pairs. Every packet told is added once to each family that counts it.
 * Fail:  a record whose packet can't be read is counted in `unread`; nothing here throws.
 * Never: counts a connection as open that it can't count as closed.
 */

import { AddressCache, Cell, UNSET } from '../../datapath/identity/address-cache.js'
import type { Entities } from '../../datapath/identity/entities.js'
import { Direction, EventLane, Hook, SIZE_CLASSES, State, TcpFlagLane } from '../../datapath/record/abi.js'
import type { DropRecord, RecordWindow, TraceRecord, VerdictRecord } from '../../datapath/record/decode.js'
import { Packet } from '../../datapath/record/packet.js'
import { ciliumReason, type KernelReasons } from '../../datapath/record/reasons.js'
import type { FlowSink, OverflowName } from '../../datapath/source/source.js'
import type { Peers } from '../series/exemplar.js'
import type { Family } from '../series/family.js'
import type { SeriesStore } from '../series/series.js'
import type { PodId } from './deleted-pods.js'
import type { MetricsConfig } from './metrics-config.js'
import { UNKNOWN } from './packet-endpoints.js'
import { Action, CloseReason, type Pair, Pairs, Reporter, UNKNOWN_PROTOCOL } from './pair.js'

const TCP = 6
const ICMP = 1
const ICMPV6 = 58
/** Protocols whose first four bytes are ports. */
const PORTS: ReadonlySet<number> = new Set([TCP, 17, 132])
/** Why Cilium let a packet through (TraceRecord.reason): of these, the destination's port is the server's. */
const TO_SERVER: ReadonlySet<number> = new Set([0, 1, 4])
const SYN = 0x02
const ACK = 0x10
const FIN = 0x01
const RST = 0x04
const COUNTED_FLAGS = SYN | FIN | RST
const LANES = 4
/** bpf/parse.h PORT_FRAGMENT and bpf/track.h NO_MESSAGE: a fragment without an ICMP header is no message. */
const PORT_FRAGMENT = 0xffff
const NO_MESSAGE = 0xff

/** Cilium's observation points (bpf/lib/notify.h) at the two ends; what is in between is nobody's end. */
const POINT = { toEndpoint: 0, toProxy: 1, toHost: 2, toStack: 3, fromEndpoint: 5 } as const

export class Reducer implements FlowSink {
  /** Records that the decoder told and no series counts: they show no IP packet. */
  readonly unreadOf = { trace: 0, drop: 0, policyVerdict: 0 }
  readonly #pairs: Pairs
  readonly #entities: Entities
  readonly #reasons: KernelReasons
  readonly #live: boolean
  readonly #packet = new Packet()
  readonly #addresses: AddressCache
  readonly #peers: { -readonly [Key in keyof Peers]: Peers[Key] } = {
    bytes: new Uint8Array(0),
    sourceAt: 0,
    destinationAt: 0,
    sourcePort: 0,
    destinationPort: 0,
  }

  /** `live`: entity numbers in Weir's extension are rows of `entities`; else they are another process's. */
  constructor(store: SeriesStore, entities: Entities, reasons: KernelReasons, live: boolean) {
    this.#pairs = new Pairs(store, entities)
    this.#entities = entities
    this.#addresses = new AddressCache(entities)
    this.#reasons = reasons
    this.#live = live
  }

  /** All of unreadOf. */
  get unread(): number {
    return this.unreadOf.trace + this.unreadOf.drop + this.unreadOf.policyVerdict
  }

  /** HOT: `npm run bench reduce-weir` */
  trace(record: TraceRecord): void {
    if (record.hasExtension) this.#connection(record)
    else this.#sample(record)
  }

  drop(record: DropRecord): void {
    if (record.hasExtension) this.#kernelDrop(record)
    else this.#ciliumDrop(record)
  }

  verdict(record: VerdictRecord): void {
    if (!this.#read(record, 'policyVerdict')) return
    const { ingress, remoteLabel } = record
    const source = this.#packetEntity(record, this.#packet.srcAt, ingress ? remoteLabel : 0)
    const destination = this.#packetEntity(record, this.#packet.dstAt, ingress ? 0 : remoteLabel)
    const pair = this.#pairs.pair(
      source,
      destination,
      Reporter.node,
      this.#packet.protocol,
      this.#packetEndpoints(record, true),
    )
    this.#pairs.verdict(pair, ingress, record.matchType, action(record))
  }

  /** Another configuration of the flow families from now on; what has been counted stays counted. */
  apply(config: MetricsConfig): void {
    this.#pairs.apply(config)
  }

  /** The flow families that are on. */
  families(): readonly Family[] {
    return this.#pairs.families()
  }

  /** Entities stand for others than before: find every series by its names anew. */
  invalidate(): void {
    this.#pairs.invalidate()
  }

  /**
   * Remove flow series that rest: call it every few seconds, `ttlMs` 0 for never. What they had counted is told as
   * weir_series_expired_value_total, and they begin at 0 when they come back.
   */
  expire(ttlMs: number): void {
    this.#pairs.expire(ttlMs)
  }

  /** These pods are gone: remove the flow series that name one of them. Those of its workload stay. */
  removePods(pods: readonly PodId[]): void {
    this.#pairs.removePods(pods)
  }

  /** Other budgets, by family name, from now on; a smaller one refuses new series only. */
  setBudgets(budgetOf: (name: string) => number): void {
    this.#pairs.setBudgets(budgetOf)
  }

  /** Packets that the datapath counted without a connection, since the last time. */
  overflowed(name: OverflowName, packets: number, bytes: number): void {
    const reporter = reporterOf(name.hook, name.direction)
    const pair = this.#pairs.pair(name.srcEntity, name.dstEntity, reporter, name.proto)
    const flagsOnly = name.size > SIZE_CLASSES.length
    if (!flagsOnly) {
      this.#pairs.traffic(pair, packets, bytes)
      this.#pairs.sizes(pair, name.size, packets, bytes)
    }
    if (name.proto === TCP) {
      for (let lane = 0; lane < LANES; lane++) if (name.detail & (1 << lane)) this.#pairs.flag(pair, lane, packets)
    } else if (isIcmp(name.proto) && name.detail !== NO_MESSAGE) {
      this.#pairs.icmp(pair, name.detail, packets)
    }
  }

  /** Packets for which the datapath had no place to keep a name. */
  unnamed(hook: number, direction: number, packets: number, bytes: number): void {
    this.#pairs.traffic(this.#pairs.pair(0, 0, reporterOf(hook, direction), UNKNOWN_PROTOCOL), packets, bytes)
  }

  /** Drops for which the datapath had no place to keep more than the reason. */
  unnamedDrops(reason: number, packets: number, bytes: number): void {
    this.#pairs.dropped(this.#pairs.droppedPair(0, 0, UNKNOWN_PROTOCOL), this.#reasons.name(reason), packets, bytes)
  }

  /** HOT: what one connection owes; `npm run bench reduce-weir`. */
  #connection(record: TraceRecord): void {
    const sent = record.direction === Direction.aToB
    const a = this.#live
      ? record.aEntity
      : this.#entityAt(record, record.aAt, true, sent ? record.srcLabel : record.dstLabel)
    const b = this.#live
      ? record.bEntity
      : this.#entityAt(record, record.bAt, true, sent ? record.dstLabel : record.srcLabel)
    // The opener's direction comes last: its pair is also the events'.
    if (record.initiator === Direction.aToB) {
      this.#direction(record, Direction.bToA, b, a)
      this.#events(record, this.#direction(record, Direction.aToB, a, b))
    } else {
      this.#direction(record, Direction.aToB, a, b)
      this.#events(record, this.#direction(record, Direction.bToA, b, a))
    }
  }

  #direction(record: TraceRecord, direction: number, source: number, destination: number): Pair {
    const endpoints = this.#pairs.usesPacketFields ? this.#connectionEndpoints(record, direction) : 0
    const pair = this.#pairs.pair(source, destination, reporterOf(record.hook, direction), record.proto, endpoints)
    let packets = 0
    let bytes = 0
    for (let size = 0; size <= SIZE_CLASSES.length; size++) {
      const n = record.packetCount(direction, size)
      if (n === 0) continue
      const sum = record.byteCount(direction, size)
      this.#pairs.sizes(pair, size, n, sum)
      packets += n
      bytes += sum
    }
    if (packets > 0) this.#pairs.traffic(pair, packets, bytes)
    if (record.proto === TCP) this.#flags(record, direction, pair)
    else if (packets > 0 && isIcmp(record.proto)) this.#messages(record, direction, pair, packets)
    return pair
  }

  /** Answers go to a port that was made up for the connection: no label names it. */
  #connectionEndpoints(record: TraceRecord, direction: number): number {
    const forward = direction === Direction.aToB
    const port = forward ? record.bPort : record.aPort
    const named = direction === record.initiator && PORTS.has(record.proto) && port !== PORT_FRAGMENT
    const [from, to] = forward ? [record.aAt, record.bAt] : [record.bAt, record.aAt]
    return this.#pairs.endpoints(record.bytes, from, to, true, named ? port : UNKNOWN)
  }

  /** Of the packet that a record of Cilium's shows. */
  #packetEndpoints(record: RecordWindow, toServer: boolean): number {
    if (!this.#pairs.usesPacketFields) return 0
    const { srcAt, dstAt, ipVersion, dstPort, protocol } = this.#packet
    const port = toServer && PORTS.has(protocol) ? dstPort : UNKNOWN
    return this.#pairs.endpoints(record.bytes, srcAt, dstAt, ipVersion === 6, port)
  }

  #flags(record: TraceRecord, direction: number, pair: Pair): void {
    if (!record.hasTcpFlags(direction)) return
    for (let lane = 0; lane < LANES; lane++) {
      const segments = record.tcpFlags(direction, lane)
      if (segments > 0) this.#pairs.flag(pair, lane, segments)
    }
  }

  /** An entry of the table holds one type a direction: echo from the opener, its reply, or one other. */
  #messages(record: TraceRecord, direction: number, pair: Pair, packets: number): void {
    const echo = record.proto === ICMPV6 ? 128 : 8
    const reply = record.proto === ICMPV6 ? 129 : 0
    const port = direction === Direction.aToB ? record.bPort : record.aPort
    if (record.state !== State.related) this.#pairs.icmp(pair, direction === record.initiator ? echo : reply, packets)
    else if (port !== PORT_FRAGMENT) this.#pairs.icmp(pair, port >> 8, packets)
  }

  #events(record: TraceRecord, pair: Pair): void {
    const opened = record.events(EventLane.opened)
    const came = opened + record.events(EventLane.adopted)
    const fin = record.events(EventLane.fin)
    const reset = record.events(EventLane.reset)
    const timeout = record.timedOut ? 1 : 0
    const left = fin + reset + timeout + (record.namesEnded ? 1 : 0)
    const { handshakeNs, durationNs } = record
    if (came + left === 0 && handshakeNs === 0 && durationNs === 0) return
    const pairs = this.#pairs
    if (opened > 0) pairs.opened(pair, opened)
    if (fin > 0) pairs.closed(pair, CloseReason.fin, fin)
    if (reset > 0) pairs.closed(pair, CloseReason.reset, reset)
    if (timeout > 0) pairs.closed(pair, CloseReason.timeout, timeout)
    if (came + left > 0) pairs.active(pair, came - left)
    if (handshakeNs + durationNs === 0) return
    const peers = this.#peersOf(record)
    if (handshakeNs > 0) pairs.handshake(pair, handshakeNs, peers)
    if (durationNs > 0) pairs.lifetime(pair, durationNs, record.closedBytes, peers)
  }

  /** The one that opened the connection first. Valid until the next call. */
  #peersOf(record: TraceRecord): Peers {
    const peers = this.#peers
    const forward = record.initiator === Direction.aToB
    peers.bytes = record.bytes
    peers.sourceAt = forward ? record.aAt : record.bAt
    peers.destinationAt = forward ? record.bAt : record.aAt
    peers.sourcePort = forward ? record.aPort : record.bPort
    peers.destinationPort = forward ? record.bPort : record.aPort
    return peers
  }

  /** HOT: a record of Cilium's stands for the one packet that it shows; `npm run bench reduce-weir`. */
  #sample(record: TraceRecord): void {
    if (!this.#read(record, 'trace')) return
    const packet = this.#packet
    const source = this.#packetEntity(record, packet.srcAt, record.srcLabel)
    const destination = this.#packetEntity(record, packet.dstAt, record.dstLabel)
    const endpoints = this.#pairs.usesPacketFields ? this.#packetEndpoints(record, TO_SERVER.has(record.reason)) : 0
    const pair = this.#pairs.pair(source, destination, reporterAt(record.point), packet.protocol, endpoints)
    this.#pairs.packet(pair, record.lenOrig)
    if (packet.tcpFlags > 0 && packet.tcpFlags & COUNTED_FLAGS) this.#sampleFlags(pair, packet.tcpFlags)
    if (packet.icmpType >= 0) this.#pairs.icmp(pair, packet.icmpType, 1)
  }

  #sampleFlags(pair: Pair, flags: number): void {
    if (flags & SYN) this.#pairs.flag(pair, flags & ACK ? TcpFlagLane.synAck : TcpFlagLane.syn, 1)
    if (flags & FIN) this.#pairs.flag(pair, TcpFlagLane.fin, 1)
    if (flags & RST) this.#pairs.flag(pair, TcpFlagLane.rst, 1)
  }

  #kernelDrop(record: DropRecord): void {
    // An example whose count still waits for a name.
    if (record.packets === 0) return
    const source = this.#live ? record.srcEntity : this.#entityAt(record, record.srcAt, true, record.srcLabel)
    const destination = this.#live ? record.dstEntity : this.#entityAt(record, record.dstAt, true, record.dstLabel)
    const port = PORTS.has(record.proto) ? record.dstPort : UNKNOWN
    // Its addresses are those of the first of many packets; the port is all theirs.
    const endpoints = this.#pairs.endpoints(record.bytes, UNKNOWN, UNKNOWN, true, port)
    const pair = this.#pairs.droppedPair(source, destination, record.proto, endpoints)
    this.#pairs.dropped(pair, this.#reasons.name(record.kernelReason), record.packets, record.bytesDropped)
  }

  #ciliumDrop(record: DropRecord): void {
    if (!this.#read(record, 'drop')) return
    const source = this.#packetEntity(record, this.#packet.srcAt, record.srcLabel)
    const destination = this.#packetEntity(record, this.#packet.dstAt, record.dstLabel)
    const pair = this.#pairs.droppedPair(
      source,
      destination,
      this.#packet.protocol,
      this.#packetEndpoints(record, true),
    )
    this.#pairs.dropped(pair, ciliumReason(record.reason), 1, record.lenOrig)
  }

  /** Whether the record shows an IP packet, which #packet then describes. */
  #read(record: RecordWindow, kind: keyof typeof this.unreadOf): boolean {
    this.#packet.parse(record.view, record.packetAt, record.packetLength, record.l3Device)
    if (this.#packet.ipVersion !== 0) return true
    this.unreadOf[kind]++
    return false
  }

  #packetEntity(record: RecordWindow, at: number, identity: number): number {
    return this.#entityAt(record, at, this.#packet.ipVersion === 6, identity)
  }

  /** HOT: as Entities.resolve, which is asked again for what it does not know. `npm run bench reduce-weir` */
  #entityAt(record: RecordWindow, at: number, wide: boolean, identity: number): number {
    const place = this.#addresses.place(record.view, at, wide, identity)
    const { cells } = this.#addresses
    const known = cells[place + Cell.number]!
    if (known !== UNSET) return known
    const entity = this.#entities.resolve(record.bytes, at, wide, identity)
    if (entity !== 0) cells[place + Cell.number] = entity
    return entity
  }
}

/** From the pod is the source's veth, to the pod the destination's. */
function reporterOf(hook: number, direction: number): Reporter {
  if (hook === Hook.uplink) return Reporter.uplink
  return direction === Direction.aToB ? Reporter.source : Reporter.destination
}

function reporterAt(point: number): Reporter {
  if (point === POINT.toEndpoint) return Reporter.destination
  const left =
    point === POINT.toProxy || point === POINT.toHost || point === POINT.toStack || point === POINT.fromEndpoint
  return left ? Reporter.source : Reporter.node
}

function isIcmp(protocol: number): boolean {
  return protocol === ICMP || protocol === ICMPV6
}

function action(record: VerdictRecord): number {
  if (record.audited) return Action.audit
  if (record.verdict < 0) return Action.dropped
  return record.verdict > 0 ? Action.redirected : Action.forwarded
}
