/**
 * extension-summary.ts - the shape of a record of Weir's own that carries no packet, from its extension.
 *
 * In:    trace and drop records with hasExtension and without packet bytes.
 * Out:   a Shape filled as weir-packet.ts fills the flow's packet; addresses have 16 bytes, IPv4 mapped.
 * Never: allocates.
 */
import { Direction, State } from '../../datapath/record/abi.js'
import type { DropRecord, TraceRecord } from '../../datapath/record/decode.js'
import { isMapped } from '../../lib/address.js'
import { L4, type PacketSummary } from './packet-summary.js'

const PROTO = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 } as const
const ECHO = 8
const ECHO_V6 = 128
const ECHO_REPLY_V6 = 129

/** HOT: a connection, in the direction that its record names. Guard: benches `reduce`, `reduce-workload`. */
export function readConnection(packet: PacketSummary, record: TraceRecord): void {
  const { direction, proto } = record
  const out = direction === Direction.aToB
  setAddresses(packet, record.bytes, out ? record.aAt : record.bAt, out ? record.bAt : record.aAt)
  const sender = out ? record.aPort : record.bPort
  const receiver = out ? record.bPort : record.aPort
  if (proto !== PROTO.icmp && proto !== PROTO.icmpv6) {
    setTransport(packet, proto, receiver, record.flagsSince(direction))
    return
  }
  const asked = direction === record.initiator || record.state === State.related ? receiver : sender
  packet.l4 = proto === PROTO.icmp ? L4.icmp : L4.icmpv6
  packet.icmp = asked === receiver ? asked : answerOf(asked)
}

export function readDrop(packet: PacketSummary, record: DropRecord): void {
  setAddresses(packet, record.bytes, record.srcAt, record.dstAt)
  const { proto, dstPort } = record
  if (proto !== PROTO.icmp && proto !== PROTO.icmpv6) setTransport(packet, proto, dstPort, 0)
  else if (dstPort !== 0) {
    packet.l4 = proto === PROTO.icmp ? L4.icmp : L4.icmpv6
    packet.icmp = dstPort
  }
}

function setAddresses(packet: PacketSummary, bytes: Uint8Array, source: number, destination: number): void {
  packet.clear()
  packet.ipVersion = isMapped(bytes, source) ? 4 : 6
  packet.wide = true
  packet.srcAt = source
  packet.dstAt = destination
}

function setTransport(packet: PacketSummary, proto: number, port: number, flags: number): void {
  if (proto === PROTO.tcp) packet.l4 = L4.tcp
  else if (proto === PROTO.udp) packet.l4 = L4.udp
  else if (proto === PROTO.sctp) packet.l4 = L4.sctp
  else return
  packet.dstPort = port
  if (proto === PROTO.tcp) packet.tcpFlags = flags
}

/** Type and code of the answer to an echo. */
function answerOf(asked: number): number {
  const type = asked >> 8
  if (type === ECHO) return asked & 0xff
  return type === ECHO_V6 ? (ECHO_REPLY_V6 << 8) | (asked & 0xff) : asked
}
