// SPDX-License-Identifier: Apache-2.0
/**
 * network.ts - readers of the headers below the transport: Ethernet, IPv4, IPv6, VXLAN and Geneve.
 *
 * In:    a cursor at the header.
 * Out:   the flow's fields and summary in the cursor, and the cursor at the payload.
 * Fail:  a reader returns what is wrong in a few words. The rules are gopacket's
 *        (layers/{ethernet,ip4,ip6,vxlan,geneve}.go).
 */

import type { LayerName } from '../../../cilium/layer-name.js'
import type { TunnelName } from '../../../cilium/tunnel-port.js'
import { EtherType } from '../../../datapath/record/ether-type.js'
import {
  geneveOptionSize,
  hopByHopOptionSize,
  MIN_IPV4_OPTION,
  malformedOption,
} from '../../../datapath/record/header-options.js'
import { Protocol } from '../../../datapath/record/protocol.js'
import { formatAddress, formatIpv4 } from '../../../lib/address.js'
import type { PacketCursor } from './cursor.js'

const ETHERNET_HEADER = 14
/** Smaller values are a length, and LLC follows. */
const MIN_ETHERTYPE = 0x0600
const ETHERTYPES: Readonly<Record<number, LayerName>> = {
  [EtherType.ipv4]: 'IPv4',
  [EtherType.ipv6]: 'IPv6',
  [EtherType.bridged]: 'Ethernet',
}
const PROTOCOLS: Readonly<Record<number, LayerName>> = {
  [Protocol.icmp]: 'ICMPv4',
  [Protocol.igmp]: 'IGMP',
  [Protocol.ipip]: 'IPv4',
  [Protocol.tcp]: 'TCP',
  [Protocol.udp]: 'UDP',
  [Protocol.ipv6]: 'IPv6',
  [Protocol.icmpv6]: 'ICMPv6',
  [Protocol.ipip94]: 'IPv4',
  [Protocol.vrrp]: 'VRRP',
  [Protocol.sctp]: 'SCTP',
}
const JUMBO = 0xc2
const MIN_JUMBO = 65_536
const VXLAN_HEADER = 8
const GENEVE_HEADER = 8
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

export function readEthernet(cursor: PacketCursor): string | undefined {
  const { view, bytes, at } = cursor
  if (cursor.remaining < ETHERNET_HEADER) return 'packet too small'
  cursor.ethernet = { source: mac(bytes, at + 6), destination: mac(bytes, at) }
  cursor.summary = 'Ethernet'
  const type = view.getUint16(at + 12)
  if (type >= MIN_ETHERTYPE) cursor.next = ETHERTYPES[type]
  cursor.at += ETHERNET_HEADER
  return undefined
}

export function readIpv4(cursor: PacketCursor): string | undefined {
  const { view, bytes, at } = cursor
  if (cursor.remaining < 20) return 'header too short'
  const headerLength = (bytes[at]! & 0x0f) * 4
  // Segmentation offload leaves 0. The length is a uint16 in gopacket.
  const total = view.getUint16(at + 2) || cursor.remaining & 0xffff
  if (total < 20 || headerLength < 20 || headerLength > total) return 'length too small'
  cursor.end = Math.min(cursor.end, at + total)
  if (headerLength > cursor.remaining) return 'not all header bytes available'
  const options = optionsError(view, at + 20, at + headerLength, MIN_IPV4_OPTION)
  if (options !== undefined) return options
  cursor.ip = { source: formatIpv4(bytes, at + 12), destination: formatIpv4(bytes, at + 16), ipVersion: 'IPv4' }
  cursor.summary = 'IPv4'
  // gopacket reads no transport header of a fragment, not even of the first.
  if ((view.getUint16(at + 6) & 0x3fff) === 0) cursor.next = PROTOCOLS[bytes[at + 9]!]
  cursor.at = at + headerLength
  return undefined
}

/** What is wrong with the options of an IPv4 or TCP header. */
export function optionsError(view: DataView, at: number, end: number, minLength: number): string | undefined {
  const bad = malformedOption(view, at, end, minLength)
  if (bad < 0) return undefined
  return bad + 2 > end ? 'option too short' : `option length ${view.getUint8(bad + 1)}`
}

export function readIpv6(cursor: PacketCursor): string | undefined {
  const { view, bytes, at } = cursor
  if (cursor.remaining < 40) return 'header too short'
  const length = view.getUint16(at + 4)
  let protocol = bytes[at + 6]!
  cursor.at = at + 40
  if (protocol === Protocol.hopByHop) {
    protocol = bytes[at + 40]!
    const error = hopByHop(cursor, length)
    if (error !== undefined) return error
  } else if (length === 0) return 'length 0'
  if (length !== 0) cursor.end = Math.min(cursor.end, cursor.at + length)
  cursor.ip = { source: formatAddress(bytes, at + 8), destination: formatAddress(bytes, at + 24), ipVersion: 'IPv6' }
  cursor.summary = 'IPv6'
  cursor.next = PROTOCOLS[protocol]
  return undefined
}

/** In gopacket the payload of a jumbogram starts at the hop-by-hop header, that of any other packet behind it. */
function hopByHop(cursor: PacketCursor, length: number): string | undefined {
  const { view, bytes, at, end } = cursor
  const size = bytes[at + 1]! * 8 + 8
  if (cursor.remaining < 2 || size > cursor.remaining) return 'hop-by-hop header too short'
  let jumbo = -1
  for (let option = at + 2; option < at + size; ) {
    const next = option + hopByHopOptionSize(view, option, end)
    if (next > end) return 'hop-by-hop option too short'
    if (bytes[option] === JUMBO && jumbo < 0) {
      if (next !== option + 6) return 'jumbo length is not 4 bytes'
      jumbo = view.getUint32(option + 2)
    }
    option = next
  }
  if (jumbo >= 0 && jumbo < MIN_JUMBO) return 'jumbo length too small'
  if (jumbo >= 0 !== (length === 0)) return 'length and jumbo length contradict'
  if (jumbo >= 0) cursor.end = Math.min(end, at + jumbo)
  else cursor.at = at + size
  return undefined
}

export function readVxlan(cursor: PacketCursor): string | undefined {
  if (cursor.remaining < VXLAN_HEADER) return 'packet too small'
  setTunnel(cursor, 'VXLAN')
  cursor.next = 'Ethernet'
  cursor.at += VXLAN_HEADER
  return undefined
}

export function readGeneve(cursor: PacketCursor): string | undefined {
  const { view, bytes, at, remaining } = cursor
  const options = remaining < GENEVE_HEADER ? 0 : (bytes[at]! & 0x3f) * 4
  if (remaining < GENEVE_HEADER || remaining < options + 7) return 'packet too short'
  setTunnel(cursor, 'Geneve')
  let payload = at + GENEVE_HEADER
  for (let more = options; more > 0; ) {
    const size = geneveOptionSize(view, payload, cursor.end)
    if (payload + size > cursor.end) return 'option too small'
    payload += size
    more -= size
  }
  cursor.next = ETHERTYPES[view.getUint16(at + 2)]
  cursor.at = payload
  return undefined
}

/** Nested tunnels of one kind: the innermost network id wins. */
function setTunnel(cursor: PacketCursor, name: TunnelName): void {
  if (cursor.tunnelName === name) cursor.vni = cursor.view.getUint32(cursor.at + 4) >>> 8
  cursor.summary = name
}

function mac(bytes: Uint8Array, at: number): string {
  let text = HEX[bytes[at]!]!
  for (let i = 1; i < 6; i++) text += `:${HEX[bytes[at + i]!]!}`
  return text
}
