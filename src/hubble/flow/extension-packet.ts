// SPDX-License-Identifier: Apache-2.0
/**
 * extension-packet.ts - the packet of a flow from Weir's extension, for records without a packet that Hubble reads.
 *
 * In:    a record with Weir's extension: a flush record or a drop record, or one with a packet that Hubble's rules refuse.
 * Out:   addresses, ports, protocol and the TCP flags seen, in the form of a decoded packet. A flush record counts many
 *        packets; the flow shows one, in the record's direction.
 */
import { Direction } from '../../datapath/record/abi.js'
import type { DropRecord } from '../../datapath/record/drop-record.js'
import { icmpMessage } from '../../datapath/record/icmp-message.js'
import { isIcmp, Protocol } from '../../datapath/record/protocol.js'
import type { TraceRecord } from '../../datapath/record/trace-record.js'
import { formatAddress, isMapped } from '../../lib/address.js'
import type { FlowPacket } from './layers/cursor.js'
import { ports, setIcmp, setTcp } from './layers/transport.js'

export function connectionPacket(record: TraceRecord): FlowPacket {
  const { direction, proto } = record
  const forward = direction === Direction.aToB
  const packet = ipPacket(record.bytes, forward ? record.aAt : record.bAt, forward ? record.bAt : record.aAt)
  if (isIcmp(proto)) return withIcmp(packet, proto, icmpMessage(record, direction))
  const sender = forward ? record.aPort : record.bPort
  const receiver = forward ? record.bPort : record.aPort
  return withTransport(packet, proto, sender, receiver, record.flagsSince(direction))
}

/** An ICMP drop has type and code in its destination port. 0 is an echo reply or a fragment, so it gets no type. */
export function droppedPacket(record: DropRecord): FlowPacket {
  const packet = ipPacket(record.bytes, record.srcAt, record.dstAt)
  const { proto, srcPort, dstPort } = record
  if (!isIcmp(proto)) return withTransport(packet, proto, srcPort, dstPort, 0)
  return dstPort === 0 ? packet : withIcmp(packet, proto, dstPort)
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

/** `message`: type << 8 | code. */
function withIcmp(packet: FlowPacket, proto: number, message: number): FlowPacket {
  setIcmp(packet, proto === Protocol.icmpv6, message >> 8, message & 0xff)
  return packet
}

function withTransport(packet: FlowPacket, proto: number, sender: number, receiver: number, flags: number): FlowPacket {
  if (proto !== Protocol.tcp && proto !== Protocol.udp && proto !== Protocol.sctp) return packet
  packet.srcPort = sender
  packet.dstPort = receiver
  if (proto === Protocol.tcp) setTcp(packet, flags)
  else if (proto === Protocol.udp) {
    packet.l4 = { UDP: ports(sender, receiver) }
    packet.summary = 'UDP'
  } else {
    packet.l4 = { SCTP: ports(sender, receiver) }
    packet.summary = 'SCTP'
  }
  return packet
}
