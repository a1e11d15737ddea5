/**
 * extension-packet.ts - the packet of a record that carries none: from Weir's extension.
 *
 * In:    a trace record of a sweep or a drop record of Weir's own, with hasExtension.
 * Out:   addresses, ports, protocol and the TCP flags seen, in the form in which Layers has a packet's.
 *        A sweep tells of many packets at once; it is shown as one in the direction that the record names.
 */
import { State } from '../../datapath/record/abi.js'
import type { DropRecord } from '../../datapath/record/drop-record.js'
import type { TraceRecord } from '../../datapath/record/trace-record.js'
import { formatAddress, isMapped } from '../../lib/address.js'
import type { Layers } from './layers/layers.js'
import { ports, setIcmp, setTcp } from './layers/transport.js'

/** What a flow takes from its packet. */
export type FlowPacket = Pick<Layers, 'ethernet' | 'ip' | 'l4' | 'tunnel' | 'summary' | 'srcPort' | 'dstPort'>

const PROTO = { icmp: 1, tcp: 6, udp: 17, icmpv6: 58, sctp: 132 } as const
/** Echo request to reply. */
const REPLIES: Readonly<Record<number, number>> = { 8: 0, 128: 129 }

export function connectionPacket(record: TraceRecord): FlowPacket {
  const { direction, initiator, state, proto } = record
  const out = direction === 0
  const packet = ipPacket(record.bytes, out ? record.aAt : record.bAt, out ? record.bAt : record.aAt)
  const sender = out ? record.aPort : record.bPort
  const receiver = out ? record.bPort : record.aPort
  if (proto !== PROTO.icmp && proto !== PROTO.icmpv6) {
    return withTransport(packet, proto, sender, receiver, record.flagsSince(direction))
  }
  // Type and code stand in the port of the one who is asked, or of the receiver of what is no echo.
  const asked = direction === initiator || state === State.related ? receiver : sender
  const type = asked >> 8
  const reply = asked === receiver ? undefined : REPLIES[type]
  setIcmp(packet, proto === PROTO.icmpv6, reply ?? type, asked & 0xff)
  return packet
}

/** The port of an ICMP drop is its type and code. 0 may be an echo reply or a fragment: it stays without a name. */
export function droppedPacket(record: DropRecord): FlowPacket {
  const packet = ipPacket(record.bytes, record.srcAt, record.dstAt)
  const { proto, dstPort } = record
  if (dstPort !== 0 && (proto === PROTO.icmp || proto === PROTO.icmpv6)) {
    setIcmp(packet, proto === PROTO.icmpv6, dstPort >> 8, dstPort & 0xff)
    return packet
  }
  return withTransport(packet, record.proto, record.srcPort, record.dstPort, 0)
}

function ipPacket(bytes: Uint8Array, source: number, destination: number): FlowPacket {
  const ipVersion = isMapped(bytes, source) ? 'IPv4' : 'IPv6'
  return {
    ethernet: undefined,
    ip: { source: formatAddress(bytes, source), destination: formatAddress(bytes, destination), ipVersion },
    l4: undefined,
    tunnel: undefined,
    summary: ipVersion,
    srcPort: 0,
    dstPort: 0,
  }
}

function withTransport(packet: FlowPacket, proto: number, sender: number, receiver: number, flags: number): FlowPacket {
  if (proto !== PROTO.tcp && proto !== PROTO.udp && proto !== PROTO.sctp) return packet
  packet.srcPort = sender
  packet.dstPort = receiver
  if (proto === PROTO.tcp) setTcp(packet, flags)
  else if (proto === PROTO.udp) {
    packet.l4 = { UDP: ports(sender, receiver) }
    packet.summary = 'UDP'
  } else {
    packet.l4 = { SCTP: ports(sender, receiver) }
    packet.summary = 'SCTP'
  }
  return packet
}
