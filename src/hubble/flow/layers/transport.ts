/**
 * transport.ts - readers of the headers behind IP: TCP, UDP, SCTP, ICMP, VRRP, IGMP.
 *
 * In:    Layers, aimed at the header.
 * Out:   the flow's l4, the ports and the summary in it.
 * Fail:  what is wrong, in a few words; the rules are gopacket's (layers/{tcp,udp,sctp,icmp4,icmp6,vrrp,igmp}.go).
 */

import { icmpText } from '../../../cilium/icmp-text.js'
import { formatIpv4 } from '../../../lib/address.js'
import type { Icmp, Ports, TcpFlags } from '../flow.js'
import { tunnelOf } from '../tunnel-port.js'
import type { Layers } from './layers.js'

const UDP_HEADER = 8
const ICMPV4_HEADER = 8
const ICMPV6_HEADER = 4
const SCTP_HEADER = 12
const VRRP_HEADER = 8
const VRRP_ADVERTISEMENT = 1
const IGMP_HEADER = 8

/** The order of proto and JSON; bits of the header's bytes 12 and 13 together. */
const FLAG_FIELDS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'NS'] as const
/** The order of the summary. */
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

export function readTcp(layers: Layers): string | undefined {
  const { view, bytes, at } = layers
  if (layers.left < 20) return 'header too short'
  const headerLength = (bytes[at + 12]! >> 4) * 4
  if (headerLength < 20 || headerLength > layers.left) return `data offset ${headerLength / 4}`
  const options = tcpOptions(bytes, at + 20, at + headerLength)
  if (options !== undefined) return options
  const flags = view.getUint16(at + 12) & 0x1ff
  setPorts(layers)
  setTcp(layers, flags)
  return undefined
}

/** For those who know the ports and flags without a packet, too. */
export function setTcp(layers: Pick<Layers, 'l4' | 'summary' | 'srcPort' | 'dstPort'>, bits: number): void {
  const flags: TcpFlags = {}
  for (const name of FLAG_FIELDS) if ((bits & FLAG_BITS[name]) !== 0) flags[name] = true
  layers.l4 = { TCP: { ...ports(layers.srcPort, layers.dstPort), flags } }
  layers.summary = tcpSummary(bits)
}

const summaries = new Map<number, string>()

/** At most 512 of them. */
function tcpSummary(bits: number): string {
  let text = summaries.get(bits)
  if (text === undefined) {
    text = `TCP Flags: ${FLAG_TEXTS.filter(name => (bits & FLAG_BITS[name]) !== 0).join(', ')}`
    summaries.set(bits, text)
  }
  return text
}

function tcpOptions(bytes: Uint8Array, from: number, to: number): string | undefined {
  for (let at = from; at < to; ) {
    const kind = bytes[at]!
    if (kind === 0) return undefined
    if (kind === 1) at++
    else {
      if (at + 2 > to) return 'option too short'
      const length = bytes[at + 1]!
      if (length < 2 || length > to - at) return `option length ${length}`
      at += length
    }
  }
  return undefined
}

export function readUdp(layers: Layers): string | undefined {
  const { view, at } = layers
  if (layers.left < UDP_HEADER) return 'header too short'
  const length = view.getUint16(at + 4)
  // 0 is a jumbogram, which goes on to the end.
  if (length !== 0 && length < UDP_HEADER) return `length ${length}`
  setPorts(layers)
  layers.l4 = { UDP: ports(layers.srcPort, layers.dstPort) }
  layers.summary = 'UDP'
  layers.udpAt = at + UDP_HEADER
  layers.udpEnd = length === 0 ? layers.end : Math.min(layers.end, at + length)
  if (layers.tunnelName !== undefined) enterTunnel(layers)
  return undefined
}

function enterTunnel(layers: Layers): void {
  layers.next = tunnelOf(layers.srcPort, layers.dstPort)
  layers.at = layers.udpAt
  layers.end = layers.udpEnd
}

/** Cilium 1.19 does not tell the chunk. */
export function readSctp(layers: Layers): string | undefined {
  if (layers.left < SCTP_HEADER) return 'header too short'
  setPorts(layers)
  layers.l4 = { SCTP: ports(layers.srcPort, layers.dstPort) }
  layers.summary = 'SCTP'
  return undefined
}

export function readIcmp(layers: Layers, ipv6: boolean): string | undefined {
  if (layers.left < (ipv6 ? ICMPV6_HEADER : ICMPV4_HEADER)) return 'header too short'
  setIcmp(layers, ipv6, layers.bytes[layers.at]!, layers.bytes[layers.at + 1]!)
  return undefined
}

export function setIcmp(layers: Pick<Layers, 'l4' | 'summary'>, ipv6: boolean, type: number, code: number): void {
  const icmp: Icmp = {}
  if (type !== 0) icmp.type = type
  if (code !== 0) icmp.code = code
  layers.l4 = ipv6 ? { ICMPv6: icmp } : { ICMPv4: icmp }
  layers.summary = `${ipv6 ? 'ICMPv6' : 'ICMPv4'} ${icmpText(ipv6, type, code)}`
}

export function readVrrp(layers: Layers): string | undefined {
  const { bytes, at, left } = layers
  const type = bytes[at]! & 0x0f
  if (type !== VRRP_ADVERTISEMENT) return `type ${type}`
  if (left < VRRP_HEADER || bytes[at + 3] === 0 || left < VRRP_HEADER + bytes[at + 3]! * 4) return 'packet too short'
  const vrrp: { type: number; vrid?: number; priority?: number } = { type }
  if (bytes[at + 1] !== 0) vrrp.vrid = bytes[at + 1]!
  if (bytes[at + 2] !== 0) vrrp.priority = bytes[at + 2]!
  layers.l4 = { VRRP: vrrp }
  layers.summary = 'VRRP VRRPv2 Advertisement'
  return undefined
}

export function readIgmp(layers: Layers): string | undefined {
  const { bytes, at } = layers
  if (layers.left < IGMP_HEADER) return 'packet too small'
  const type = bytes[at]!
  const igmp: { type?: number; group_address: string } = { group_address: formatIpv4(bytes, at + 4) }
  layers.l4 = { IGMP: type === 0 ? igmp : { type, ...igmp } }
  layers.summary = `IGMP ${IGMP_TEXTS[type] ?? ''}`
  return undefined
}

function setPorts(layers: Layers): void {
  layers.srcPort = layers.view.getUint16(layers.at)
  layers.dstPort = layers.view.getUint16(layers.at + 2)
}

/** A port 0 is absent. */
export function ports(source: number, destination: number): Ports {
  const both: Ports = {}
  if (source !== 0) both.source_port = source
  if (destination !== 0) both.destination_port = destination
  return both
}
