// SPDX-License-Identifier: Apache-2.0
/**
 * translated-packet.ts - a captured packet with the addresses and ports behind network address translation.
 *
 * In:    the packet as captured at the pod's interface, and its record's extension, which has the peer's own address: the
 *        backend of a Service, or the client before source NAT.
 * Out:   what Cilium shows, which translates before it traces: the peer itself. A source that the packet does not have is
 *        its original source, and the packet's is `source_xlated`, as for Cilium's own translations.
 */
import { Direction } from '../../datapath/record/abi.js'
import type { TraceRecord } from '../../datapath/record/trace-record.js'
import { formatAddress } from '../../lib/address.js'
import type { Ip, Layer4 } from './flow.js'
import type { FlowPacket } from './layers/cursor.js'

export function translatedPacket(packet: FlowPacket, record: TraceRecord): FlowPacket {
  const { ip, l4 } = packet
  if (ip === undefined) return packet
  const forward = record.direction === Direction.aToB
  const source = formatAddress(record.bytes, forward ? record.aAt : record.bAt)
  const destination = formatAddress(record.bytes, forward ? record.bAt : record.aAt)
  const { source: onWire, destination: _, ...rest } = ip
  const shown: Ip = { source, ...(onWire !== source && { source_xlated: onWire! }), destination, ...rest }
  const { ethernet, tunnel, summary } = packet
  const sender = forward ? record.aPort : record.bPort
  const receiver = forward ? record.bPort : record.aPort
  if (packet.srcPort === 0 && packet.dstPort === 0)
    return { ethernet, ip: shown, l4, tunnel, summary, srcPort: 0, dstPort: 0 }
  return {
    ethernet,
    ip: shown,
    l4: withPorts(l4, sender, receiver),
    tunnel,
    summary,
    srcPort: sender,
    dstPort: receiver,
  }
}

function withPorts(l4: Layer4 | undefined, sender: number, receiver: number): Layer4 | undefined {
  const ports = { source_port: sender, destination_port: receiver }
  if (l4?.TCP !== undefined) return { TCP: { ...l4.TCP, ...ports } }
  if (l4?.UDP !== undefined) return { UDP: { ...l4.UDP, ...ports } }
  if (l4?.SCTP !== undefined) return { SCTP: { ...l4.SCTP, ...ports } }
  return l4
}
