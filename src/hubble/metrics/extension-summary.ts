// SPDX-License-Identifier: Apache-2.0
/**
 * extension-summary.ts - the packet summary of a Weir record without packet bytes, from the record's extension.
 *
 * In:    trace and drop records with Weir's extension and no packet.
 * Out:   a filled PacketSummary, equal to what extension-packet.ts gives a flow. Addresses are 16 bytes, IPv4 mapped.
 * Never: allocates.
 */
import { Direction } from '../../datapath/record/abi.js'
import type { DropRecord, TraceRecord } from '../../datapath/record/decode.js'
import { icmpMessage } from '../../datapath/record/icmp-message.js'
import { isIcmp, Protocol } from '../../datapath/record/protocol.js'
import { isMapped } from '../../lib/address.js'
import { L4, type PacketSummary } from './packet-summary.js'

/** HOT: a connection, in the direction of its record. Guard: benches `reduce`, `reduce-workload`. */
export function summarizeConnection(packet: PacketSummary, record: TraceRecord): void {
  const { direction, proto } = record
  const forward = direction === Direction.aToB
  setAddresses(packet, record.bytes, forward ? record.aAt : record.bAt, forward ? record.bAt : record.aAt)
  if (isIcmp(proto)) setIcmp(packet, proto, icmpMessage(record, direction))
  else setTransport(packet, proto, forward ? record.bPort : record.aPort, record.flagsSince(direction))
}

/** A captured packet with the addresses and port behind translation, as translated-packet.ts gives a flow. */
export function translate(packet: PacketSummary, record: TraceRecord): void {
  if (packet.ipVersion === 0) return
  const forward = record.direction === Direction.aToB
  packet.wide = true
  packet.srcAt = forward ? record.aAt : record.bAt
  packet.dstAt = forward ? record.bAt : record.aAt
  if (packet.dstPort !== 0) packet.dstPort = forward ? record.bPort : record.aPort
}

/** See droppedPacket() in extension-packet.ts. */
export function summarizeDrop(packet: PacketSummary, record: DropRecord): void {
  setAddresses(packet, record.bytes, record.srcAt, record.dstAt)
  const { proto, dstPort } = record
  if (!isIcmp(proto)) setTransport(packet, proto, dstPort, 0)
  else if (dstPort !== 0) setIcmp(packet, proto, dstPort)
}

function setAddresses(packet: PacketSummary, bytes: Uint8Array, source: number, destination: number): void {
  packet.clear()
  packet.ipVersion = isMapped(bytes, source) ? 4 : 6
  packet.wide = true
  packet.srcAt = source
  packet.dstAt = destination
}

function setIcmp(packet: PacketSummary, proto: number, message: number): void {
  packet.l4 = proto === Protocol.icmp ? L4.icmp : L4.icmpv6
  packet.icmp = message
}

function setTransport(packet: PacketSummary, proto: number, port: number, flags: number): void {
  if (proto === Protocol.tcp) packet.l4 = L4.tcp
  else if (proto === Protocol.udp) packet.l4 = L4.udp
  else if (proto === Protocol.sctp) packet.l4 = L4.sctp
  else return
  packet.dstPort = port
  if (proto === Protocol.tcp) packet.tcpFlags = flags
}
