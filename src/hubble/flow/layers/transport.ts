// SPDX-License-Identifier: Apache-2.0
/**
 * transport.ts - readers of the headers behind IP: TCP, UDP, SCTP, ICMP, VRRP, IGMP.
 *
 * In:    a cursor at the header.
 * Out:   the flow's l4, ports and summary in the cursor.
 * Fail:  a reader returns what is wrong in a few words. The rules are gopacket's
 *        (layers/{tcp,udp,sctp,icmp4,icmp6,vrrp,igmp}.go).
 */

import { icmpText } from '../../../cilium/icmp-text.js'
import { tunnelOf } from '../../../cilium/tunnel-port.js'
import { MIN_TCP_OPTION } from '../../../datapath/record/header-options.js'
import { formatIpv4 } from '../../../lib/address.js'
import type { Icmp, Ports, TcpFlags } from '../flow.js'
import type { FlowPacket, PacketCursor } from './cursor.js'
import { optionsError } from './network.js'

const UDP_HEADER = 8
const ICMPV4_HEADER = 8
const ICMPV6_HEADER = 4
const SCTP_HEADER = 12
const VRRP_HEADER = 8
const VRRP_ADVERTISEMENT = 1
const IGMP_HEADER = 8

/** In the order of flow.proto and JSON. Bits are those of the header's bytes 12 and 13. */
const FLAG_FIELDS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'NS'] as const
/** In the order of the summary. */
const FLAG_TEXTS = ['SYN', 'ACK', 'RST', 'FIN', 'PSH', 'URG', 'ECE', 'CWR', 'NS'] as const
const FLAG_BITS: Readonly<Record<keyof TcpFlags, number>> = {
  FIN: 0x001,
  SYN: 0x002,
  RST: 0x004,
  PSH: 0x008,
  ACK: 0x010,
  URG: 0x020,
  ECE: 0x040,
  CWR: 0x080,
  NS: 0x100,
}
const IGMP_TEXTS: Readonly<Record<number, string>> = {
  17: 'IGMP Membership Query',
  18: 'IGMPv1 Membership Report',
  22: 'IGMPv2 Membership Report',
  23: 'Leave Group',
  34: 'IGMPv3 Membership Report',
}

export function readTcp(cursor: PacketCursor): string | undefined {
  const { view, bytes, at } = cursor
  if (cursor.remaining < 20) return 'header too short'
  const headerLength = (bytes[at + 12]! >> 4) * 4
  if (headerLength < 20 || headerLength > cursor.remaining) return `data offset ${headerLength / 4}`
  const options = optionsError(view, at + 20, at + headerLength, MIN_TCP_OPTION)
  if (options !== undefined) return options
  const flags = view.getUint16(at + 12) & 0x1ff
  setPorts(cursor)
  setTcp(cursor, flags)
  return undefined
}

/** Also for records that have ports and flags but no packet. */
export function setTcp(packet: FlowPacket, bits: number): void {
  const flags: TcpFlags = {}
  for (const name of FLAG_FIELDS) if ((bits & FLAG_BITS[name]) !== 0) flags[name] = true
  packet.l4 = { TCP: { ...ports(packet.srcPort, packet.dstPort), flags } }
  packet.summary = tcpSummary(bits)
}

const summaries = new Map<number, string>()

/** At most 512 texts. */
function tcpSummary(bits: number): string {
  let text = summaries.get(bits)
  if (text === undefined) {
    text = `TCP Flags: ${FLAG_TEXTS.filter(name => (bits & FLAG_BITS[name]) !== 0).join(', ')}`
    summaries.set(bits, text)
  }
  return text
}

export function readUdp(cursor: PacketCursor): string | undefined {
  const { view, at } = cursor
  if (cursor.remaining < UDP_HEADER) return 'header too short'
  const length = view.getUint16(at + 4)
  // 0 is a jumbogram: it extends to the end of the packet.
  if (length !== 0 && length < UDP_HEADER) return `length ${length}`
  setPorts(cursor)
  cursor.l4 = { UDP: ports(cursor.srcPort, cursor.dstPort) }
  cursor.summary = 'UDP'
  cursor.udpAt = at + UDP_HEADER
  cursor.udpEnd = length === 0 ? cursor.end : Math.min(cursor.end, at + length)
  if (cursor.tunnelName !== undefined) enterTunnel(cursor)
  return undefined
}

function enterTunnel(cursor: PacketCursor): void {
  cursor.next = tunnelOf(cursor.srcPort, cursor.dstPort)
  cursor.at = cursor.udpAt
  cursor.end = cursor.udpEnd
}

/** Cilium 1.19 leaves the chunk type out. */
export function readSctp(cursor: PacketCursor): string | undefined {
  if (cursor.remaining < SCTP_HEADER) return 'header too short'
  setPorts(cursor)
  cursor.l4 = { SCTP: ports(cursor.srcPort, cursor.dstPort) }
  cursor.summary = 'SCTP'
  return undefined
}

export function readIcmp(cursor: PacketCursor, ipv6: boolean): string | undefined {
  if (cursor.remaining < (ipv6 ? ICMPV6_HEADER : ICMPV4_HEADER)) return 'header too short'
  setIcmp(cursor, ipv6, cursor.bytes[cursor.at]!, cursor.bytes[cursor.at + 1]!)
  return undefined
}

export function setIcmp(packet: FlowPacket, ipv6: boolean, type: number, code: number): void {
  const icmp: Icmp = {}
  if (type !== 0) icmp.type = type
  if (code !== 0) icmp.code = code
  packet.l4 = ipv6 ? { ICMPv6: icmp } : { ICMPv4: icmp }
  packet.summary = `${ipv6 ? 'ICMPv6' : 'ICMPv4'} ${icmpText(ipv6, type, code)}`
}

export function readVrrp(cursor: PacketCursor): string | undefined {
  const { bytes, at, remaining } = cursor
  const type = bytes[at]! & 0x0f
  if (type !== VRRP_ADVERTISEMENT) return `type ${type}`
  if (remaining < VRRP_HEADER || bytes[at + 3] === 0 || remaining < VRRP_HEADER + bytes[at + 3]! * 4)
    return 'packet too short'
  const vrrp: { type: number; vrid?: number; priority?: number } = { type }
  if (bytes[at + 1] !== 0) vrrp.vrid = bytes[at + 1]!
  if (bytes[at + 2] !== 0) vrrp.priority = bytes[at + 2]!
  cursor.l4 = { VRRP: vrrp }
  cursor.summary = 'VRRP VRRPv2 Advertisement'
  return undefined
}

export function readIgmp(cursor: PacketCursor): string | undefined {
  const { bytes, at } = cursor
  if (cursor.remaining < IGMP_HEADER) return 'packet too small'
  const type = bytes[at]!
  const igmp: { type?: number; group_address: string } = { group_address: formatIpv4(bytes, at + 4) }
  cursor.l4 = { IGMP: type === 0 ? igmp : { type, ...igmp } }
  cursor.summary = `IGMP ${IGMP_TEXTS[type] ?? ''}`
  return undefined
}

function setPorts(cursor: PacketCursor): void {
  cursor.srcPort = cursor.view.getUint16(cursor.at)
  cursor.dstPort = cursor.view.getUint16(cursor.at + 2)
}

/** Port 0 is left out. */
export function ports(source: number, destination: number): Ports {
  const both: Ports = {}
  if (source !== 0) both.source_port = source
  if (destination !== 0) both.destination_port = destination
  return both
}
