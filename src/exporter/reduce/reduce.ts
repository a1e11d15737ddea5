// SPDX-License-Identifier: Apache-2.0
/**
 * reduce.ts - turns records into increments: which pair of entities, which family, how much.
 *
 * In:    records from the decoder; counts that the datapath keeps outside records, as differences.
 * Out:   calls of Pairs. Every packet reported is added once to each family that counts it.
 * Fail:  a record with an unreadable packet is counted in `unread`; nothing here throws.
 * Never: counts a connection as open if it cannot count it as closed.
 */

import { AddressCache, Cell, UNSET } from '../../datapath/identity/address-cache.js'
import type { Entities } from '../../datapath/identity/entities.js'
import { Direction, EventLane, SIZE_CLASSES, TcpFlagLane } from '../../datapath/record/abi.js'
import type { DropRecord, RecordWindow, TraceRecord, VerdictRecord } from '../../datapath/record/decode.js'
import { icmpMessage } from '../../datapath/record/icmp-message.js'
import { Packet } from '../../datapath/record/packet.js'
import { isIcmp, Protocol } from '../../datapath/record/protocol.js'
import { ciliumReason, type KernelReasons } from '../../datapath/record/reasons.js'
import type { FlowSink, OverflowKey } from '../../datapath/source/source.js'
import type { Peers } from '../series/exemplar.js'
import type { Family } from '../series/family.js'
import type { SeriesStore } from '../series/series.js'
import type { PodId } from './deleted-pods.js'
import type { MetricsConfig } from './metrics-config.js'
import { UNKNOWN } from './packet-endpoints.js'
import { Action, type Pair, Pairs, UNKNOWN_PROTOCOL } from './pair.js'
import { CloseReason } from './pair-columns.js'
import { Reporter, reporterAt, reporterOf } from './reporter.js'

/** Protocols with ports in the first four bytes of their header. */
const PORTS: ReadonlySet<number> = new Set([Protocol.tcp, Protocol.udp, Protocol.sctp])
/** Trace reasons of Cilium (TraceRecord.reason) for packets to a server: the destination port is the server's. */
const TO_SERVER: ReadonlySet<number> = new Set([0, 1, 4])
const SYN = 0x02
const ACK = 0x10
const FIN = 0x01
const RST = 0x04
const COUNTED_FLAGS = SYN | FIN | RST
const LANES = 4
/** bpf/packet.h PORT_NO_MESSAGE and bpf/track.h NO_MESSAGE: an ICMP packet without a header of its family is no message. */
const PORT_NO_MESSAGE = 0xffff
const NO_MESSAGE = 0xff

export class Reducer implements FlowSink {
  /** Decoded records that no series counts because they have no readable IP packet. */
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

  readonly #services = { source: 0, destination: 0 }

  /** `live`: entity ids in Weir's extension are ids of `entities`. Otherwise another process assigned them. */
  constructor(store: SeriesStore, entities: Entities, reasons: KernelReasons, live: boolean) {
    this.#pairs = new Pairs(store, entities)
    this.#entities = entities
    this.#addresses = new AddressCache(entities)
    this.#reasons = reasons
    this.#live = live
  }

  /** Sum of unreadOf. */
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

  /** Switches to another configuration of the flow families. Earlier counts stay. */
  apply(config: MetricsConfig): void {
    this.#pairs.apply(config)
  }

  get showsDropPort(): boolean {
    return this.#pairs.showsDropPort
  }

  /** The enabled flow families. */
  families(): readonly Family[] {
    return this.#pairs.families()
  }

  /** Names of entities changed: drops all cached slots. */
  invalidate(): void {
    this.#pairs.invalidate()
  }

  /**
   * Removes flow series unchanged for `ttlMs`, 0 for never. Call it every few seconds. Their values are added to
   * weir_series_expired_value_total, and a removed series that comes back starts at 0.
   */
  expire(ttlMs: number): void {
    this.#pairs.expire(ttlMs)
  }

  /** Removes the flow series that name one of these deleted pods. Series of their workloads stay. */
  removePods(pods: readonly PodId[]): void {
    this.#pairs.removePods(pods)
  }

  /** Sets the budgets, by family name. A smaller budget only refuses new series. */
  setBudgets(budgetOf: (name: string) => number): void {
    this.#pairs.setBudgets(budgetOf)
  }

  /** Packets counted in the datapath's overflow table, without a connection, since the last call. */
  overflowed(key: OverflowKey, packets: number, bytes: number): void {
    const reporter = reporterOf(key.hook, key.direction)
    const pair = this.#pairs.pair(key.srcEntity, key.dstEntity, reporter, key.proto)
    const flagsOnly = key.size > SIZE_CLASSES.length
    if (!flagsOnly) {
      this.#pairs.traffic(pair, packets, bytes)
      this.#pairs.sizes(pair, key.size, packets, bytes)
    }
    if (key.proto === Protocol.tcp) {
      for (let lane = 0; lane < LANES; lane++) if (key.detail & (1 << lane)) this.#pairs.flag(pair, lane, packets)
    } else if (isIcmp(key.proto) && key.detail !== NO_MESSAGE) {
      this.#pairs.icmp(pair, key.detail, packets)
    }
  }

  /** Packets counted by the datapath without names: its overflow table was full. */
  unnamed(hook: number, direction: number, packets: number, bytes: number): void {
    this.#pairs.traffic(this.#pairs.pair(0, 0, reporterOf(hook, direction), UNKNOWN_PROTOCOL), packets, bytes)
  }

  /** Drops counted by the datapath by reason only: its drop table was full. */
  unnamedDrops(reason: number, packets: number, bytes: number): void {
    this.#pairs.dropped(this.#pairs.droppedPair(0, 0, UNKNOWN_PROTOCOL), this.#reasons.name(reason), packets, bytes)
  }

  /** HOT: the pending counts of one connection; `npm run bench reduce-weir`. */
  #connection(record: TraceRecord): void {
    const sent = record.direction === Direction.aToB
    const a = this.#live
      ? record.aEntity
      : this.#entityAt(record, record.aAt, true, sent ? record.srcLabel : record.dstLabel)
    const b = this.#live
      ? record.bEntity
      : this.#entityAt(record, record.bAt, true, sent ? record.dstLabel : record.srcLabel)
    // The initiator's direction comes last: events are counted on its pair.
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
    if (record.proto === Protocol.tcp) this.#flags(record, direction, pair)
    else if (packets > 0 && isIcmp(record.proto)) this.#messages(record, direction, pair, packets)
    return pair
  }

  /** Replies go to an ephemeral port, which no label shows. So may the packets of an unknown initiator. */
  #connectionEndpoints(record: TraceRecord, direction: number): number {
    const forward = direction === Direction.aToB
    const port = forward ? record.bPort : record.aPort
    const named =
      direction === record.initiator && record.initiatorKnown && PORTS.has(record.proto) && port !== PORT_NO_MESSAGE
    const [from, to] = forward ? [record.aAt, record.bAt] : [record.bAt, record.aAt]
    const service = this.#live ? record.serviceEntity : 0
    const services = this.#services
    services.source = direction === record.initiator ? 0 : service
    services.destination = direction === record.initiator ? service : 0
    return this.#pairs.endpoints(record.bytes, from, to, true, named ? port : UNKNOWN, services)
  }

  /** The endpoints number of the packet in a Cilium record. */
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

  /** A connection table entry holds one ICMP type per direction. */
  #messages(record: TraceRecord, direction: number, pair: Pair, packets: number): void {
    const message = icmpMessage(record, direction)
    if (message !== PORT_NO_MESSAGE) this.#pairs.icmp(pair, message >> 8, packets)
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

  /** The connection's endpoints, the initiator as the source. Valid until the next call. */
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

  /** HOT: a Cilium record counts as one packet; `npm run bench reduce-weir`. */
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
    // A sample record: its counts are still in the kernel, until an endpoint has a name.
    if (record.packets === 0) return
    const source = this.#live ? record.srcEntity : this.#entityAt(record, record.srcAt, true, record.srcLabel)
    const destination = this.#live ? record.dstEntity : this.#entityAt(record, record.dstAt, true, record.dstLabel)
    const port = PORTS.has(record.proto) && record.hasPort ? record.dstPort : UNKNOWN
    // The addresses are those of one of many packets; the port, too, unless a label shows it.
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

  /** Parses the record's packet into #packet. Returns whether it is an IP packet, and counts it as unread otherwise. */
  #read(record: RecordWindow, kind: keyof typeof this.unreadOf): boolean {
    this.#packet.parse(record.view, record.packetAt, record.packetLength, record.l3Device)
    if (this.#packet.ipVersion !== 0) return true
    this.unreadOf[kind]++
    return false
  }

  #packetEntity(record: RecordWindow, at: number, identity: number): number {
    return this.#entityAt(record, at, this.#packet.ipVersion === 6, identity)
  }

  /** HOT: Entities.resolve() with a cache. Unknown addresses are not cached. `npm run bench reduce-weir` */
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

function action(record: VerdictRecord): number {
  if (record.audited) return Action.audit
  if (record.verdict < 0) return Action.dropped
  return record.verdict > 0 ? Action.redirected : Action.forwarded
}
