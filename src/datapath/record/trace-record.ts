// SPDX-License-Identifier: Apache-2.0
/**
 * trace-record.ts - TraceNotify versions 0 to 2, and struct weir_trace after version 2.
 *
 * In:    a record aimed by the decoder.
 * Out:   its fields; what a version lacks reads as 0. Fields of weir_trace need hasExtension.
 */
import { INITIATOR_UNKNOWN, SERVICE_ENTITY, TcpFlagLane, TRACE, TRANSLATED, WEIR_TRACE } from './abi.js'
import { NotifyRecord } from './notify-record.js'
import { hasTransport } from './protocol.js'

const U32 = 4_294_967_296
const SIZE_CLASS_BYTES = 8
const DIRECTION_BYTES = 64
const LANE_BYTES = 2
const LANES_BYTES = 8
const FIN = 0x01
const SYN = 0x02
const RST = 0x04
const ACK = 0x10

export class TraceRecord extends NotifyRecord {
  /** Cilium's observation point: the subtype. */
  get point(): number {
    return this.subtype
  }
  /** Endpoint id at to-endpoint, proxy port at to-proxy. */
  get dstId(): number {
    return this.view.getUint16(this.at + TRACE.dstId, true)
  }
  /** 0 new, 1 established, 2 reply, 3 related, 5 unknown, ... */
  get reason(): number {
    return this.view.getUint8(this.at + TRACE.reason) & 0x7f
  }
  get encrypted(): boolean {
    return (this.view.getUint8(this.at + TRACE.reason) & 0x80) !== 0
  }
  get flags(): number {
    return this.view.getUint8(this.at + TRACE.flags)
  }
  get ifindex(): number {
    return this.view.getUint32(this.at + TRACE.ifindex, true)
  }
  /** Where the address before source NAT is (4 bytes, or 16 with ipv6); -1 when none was recorded. */
  get origIpAt(): number {
    if (this.version < 1) return -1
    const at = this.at + TRACE.origIp
    for (let word = 0; word < 16; word += 4) if (this.view.getUint32(at + word, true) !== 0) return at
    return -1
  }
  get ipTraceId(): number {
    return this.version < 2 ? 0 : this.u64(this.at + TRACE.ipTraceId)
  }

  /** Packets of a direction and size class since the last record. A packed counter is packets << 40 | bytes. */
  packetCount(direction: number, sizeClass: number): number {
    return this.view.getUint32(this.#packedAt(direction, sizeClass) + 4, true) >>> 8
  }
  byteCount(direction: number, sizeClass: number): number {
    const at = this.#packedAt(direction, sizeClass)
    return (this.view.getUint32(at + 4, true) & 0xff) * U32 + this.view.getUint32(at, true)
  }
  /** TCP control flags of a direction, by TcpFlagLane. */
  tcpFlags(direction: number, lane: number): number {
    const at = this.extensionAt + WEIR_TRACE.tcpFlags + direction * LANES_BYTES + lane * LANE_BYTES
    return this.view.getUint16(at, true)
  }
  /** Whether any lane of the direction is above 0. */
  hasTcpFlags(direction: number): boolean {
    const at = this.extensionAt + WEIR_TRACE.tcpFlags + direction * LANES_BYTES
    return this.view.getUint32(at, true) !== 0 || this.view.getUint32(at + 4, true) !== 0
  }
  /** Events of the connection, by EventLane. */
  events(lane: number): number {
    return this.view.getUint16(this.extensionAt + WEIR_TRACE.events + lane * LANE_BYTES, true)
  }
  get handshakeNs(): number {
    return this.u64(this.extensionAt + WEIR_TRACE.handshakeNs)
  }
  get durationNs(): number {
    return this.u64(this.extensionAt + WEIR_TRACE.durationNs)
  }
  get closedBytes(): number {
    return this.u64(this.extensionAt + WEIR_TRACE.closedBytes)
  }
  /** Offset of the 16-byte address (IPv4 mapped) of the interface's own side; bAt is that of the other side. */
  get aAt(): number {
    return this.extensionAt + WEIR_TRACE.a
  }
  get bAt(): number {
    return this.extensionAt + WEIR_TRACE.b
  }
  get aEntity(): number {
    return this.view.getUint32(this.extensionAt + WEIR_TRACE.aEntity, true)
  }
  get bEntity(): number {
    return this.view.getUint32(this.extensionAt + WEIR_TRACE.bEntity, true)
  }
  get aPort(): number {
    return this.view.getUint16(this.extensionAt + WEIR_TRACE.aPort, true)
  }
  get bPort(): number {
    return this.view.getUint16(this.extensionAt + WEIR_TRACE.bPort, true)
  }
  get proto(): number {
    return this.view.getUint8(this.extensionAt + WEIR_TRACE.proto)
  }
  get hook(): number {
    return this.view.getUint8(this.extensionAt + WEIR_TRACE.hook)
  }
  /** Direction of the side that opened the connection; where that is not known, of the first packet seen. */
  get initiator(): number {
    return this.view.getUint8(this.extensionAt + WEIR_TRACE.initiator) & 1
  }
  get initiatorKnown(): boolean {
    return this.view.getUint8(this.extensionAt + WEIR_TRACE.initiator) < INITIATOR_UNKNOWN
  }
  get direction(): number {
    return this.view.getUint8(this.extensionAt + WEIR_TRACE.direction)
  }
  get state(): number {
    return this.view.getUint8(this.extensionAt + WEIR_TRACE.state)
  }
  get timedOut(): boolean {
    return this.view.getUint8(this.extensionAt + WEIR_TRACE.timedOut) === 1
  }
  /** The entry ended because its names are stale. The connection may continue under other names. */
  get namesEnded(): boolean {
    return this.view.getUint8(this.extensionAt + WEIR_TRACE.timedOut) === 2
  }
  /** Entity of the Service that the initiator addressed; 0 for none. */
  get serviceEntity(): number {
    return this.view.getUint32(this.extensionAt + WEIR_TRACE.service, true) & SERVICE_ENTITY
  }
  /** Conntrack translates the connection: an address and port of the extension differ from the packet's. */
  get translated(): boolean {
    return (this.view.getUint32(this.extensionAt + WEIR_TRACE.service, true) & TRANSLATED) !== 0
  }
  /** The extension has ports, or an ICMP message. */
  get knowsTransport(): boolean {
    return this.hasExtension && hasTransport(this.proto) && (this.aPort | this.bPort) !== 0
  }
  /** OR of the TCP flags of a direction. */
  seen(direction: number): number {
    return this.view.getUint8(this.extensionAt + WEIR_TRACE.seen + direction)
  }
  /** TCP flags of a direction for a record without a packet: SYN, FIN and RST only if seen since the last record. */
  flagsSince(direction: number): number {
    const flags = this.seen(direction) & ~(SYN | FIN | RST)
    if (!this.hasTcpFlags(direction)) return flags
    const { syn, synAck, fin, rst } = TcpFlagLane
    let control = this.tcpFlags(direction, fin) > 0 ? FIN : 0
    if (this.tcpFlags(direction, rst) > 0) control |= RST
    if (this.tcpFlags(direction, synAck) > 0) return flags | control | SYN | ACK
    // A later ACK would turn the SYN into a SYN-ACK.
    return this.tcpFlags(direction, syn) > 0 ? (flags & ~ACK) | control | SYN : flags | control
  }
  /** Whether a packet went in that direction since the last record. */
  carried(direction: number): boolean {
    const from = this.extensionAt + WEIR_TRACE.packed + direction * DIRECTION_BYTES
    for (let at = from; at < from + DIRECTION_BYTES; at += LANE_BYTES * 2) {
      if (this.view.getUint32(at, true) !== 0) return true
    }
    return false
  }

  #packedAt(direction: number, sizeClass: number): number {
    return this.extensionAt + WEIR_TRACE.packed + direction * DIRECTION_BYTES + sizeClass * SIZE_CLASS_BYTES
  }
}
