/**
 * network.ts - readers of the headers below the transport: Ethernet, IP, and the tunnels' own.
 *
 * In:    Layers, aimed at the header.
 * Out:   the flow's fields and the summary in it, and where the payload is.
 * Fail:  what is wrong, in a few words; the rules are gopacket's (layers/{ethernet,ip4,ip6,vxlan,geneve}.go).
 */
import { formatAddress, formatIpv4 } from '../../../lib/address.js'
import type { TunnelName } from '../tunnel-port.js'
import type { LayerName, Layers } from './layers.js'

const ETHERNET_HEADER = 14
/** Below it the field is a length, and LLC follows. */
const LEAST_ETHERTYPE = 0x0600
const ETHERTYPES: Readonly<Record<number, LayerName>> = { 2048: 'IPv4', 34525: 'IPv6', 25944: 'Ethernet' }
const PROTOCOLS: Readonly<Record<number, LayerName>> = {
  1: 'ICMPv4',
  2: 'IGMP',
  4: 'IPv4',
  6: 'TCP',
  17: 'UDP',
  41: 'IPv6',
  58: 'ICMPv6',
  94: 'IPv4',
  112: 'VRRP',
  132: 'SCTP',
}
const HOP_BY_HOP = 0
const JUMBO = 0xc2
const LEAST_JUMBO = 65_536
const VXLAN_HEADER = 8
const GENEVE_HEADER = 8
const HEX = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

export function readEthernet(layers: Layers): string | undefined {
  const { view, bytes, at } = layers
  if (layers.left < ETHERNET_HEADER) return 'packet too small'
  layers.ethernet = { source: mac(bytes, at + 6), destination: mac(bytes, at) }
  layers.summary = 'Ethernet'
  const type = view.getUint16(at + 12)
  if (type >= LEAST_ETHERTYPE) layers.next = ETHERTYPES[type]
  layers.at += ETHERNET_HEADER
  return undefined
}

export function readIpv4(layers: Layers): string | undefined {
  const { view, bytes, at } = layers
  if (layers.left < 20) return 'header too short'
  const headerLength = (bytes[at]! & 0x0f) * 4
  // 0 is what segmentation offload leaves there; uint16 as in gopacket.
  const total = view.getUint16(at + 2) || layers.left & 0xffff
  if (total < 20 || headerLength < 20 || headerLength > total) return 'length too small'
  layers.end = Math.min(layers.end, at + total)
  if (headerLength > layers.left) return 'not all header bytes available'
  const options = ipv4Options(bytes, at + 20, at + headerLength)
  if (options !== undefined) return options
  layers.ip = { source: formatIpv4(bytes, at + 12), destination: formatIpv4(bytes, at + 16), ipVersion: 'IPv4' }
  layers.summary = 'IPv4'
  // More fragments, or not the first: no transport, not even of the first.
  if ((view.getUint16(at + 6) & 0x3fff) === 0) layers.next = PROTOCOLS[bytes[at + 9]!]
  layers.at = at + headerLength
  return undefined
}

function ipv4Options(bytes: Uint8Array, from: number, to: number): string | undefined {
  for (let at = from; at < to; ) {
    const type = bytes[at]!
    if (type === 0) return undefined
    if (type === 1) at++
    else {
      if (at + 2 > to) return 'option too short'
      const length = bytes[at + 1]!
      if (length > to - at || length <= 2) return `option length ${length}`
      at += length
    }
  }
  return undefined
}

export function readIpv6(layers: Layers): string | undefined {
  const { view, bytes, at } = layers
  if (layers.left < 40) return 'header too short'
  const length = view.getUint16(at + 4)
  let protocol = bytes[at + 6]!
  layers.at = at + 40
  if (protocol === HOP_BY_HOP) {
    protocol = bytes[at + 40]!
    const error = hopByHop(layers, length)
    if (error !== undefined) return error
  } else if (length === 0) return 'length 0'
  if (length !== 0) layers.end = Math.min(layers.end, layers.at + length)
  layers.ip = { source: formatAddress(bytes, at + 8), destination: formatAddress(bytes, at + 24), ipVersion: 'IPv6' }
  layers.summary = 'IPv6'
  layers.next = PROTOCOLS[protocol]
  return undefined
}

/** gopacket leaves the payload of a jumbogram where the options begin, and a packet's where they end. */
function hopByHop(layers: Layers, length: number): string | undefined {
  const { view, bytes, at, end } = layers
  const size = bytes[at + 1]! * 8 + 8
  if (layers.left < 2 || size > layers.left) return 'hop-by-hop header too short'
  let jumbo = -1
  for (let option = at + 2; option < at + size; ) {
    if (option + 2 > end) return 'hop-by-hop option too short'
    const pad = bytes[option] === 0
    const next = pad ? option + 1 : option + 2 + bytes[option + 1]!
    if (next > end) return 'hop-by-hop option too short'
    if (bytes[option] === JUMBO && jumbo < 0) {
      if (next !== option + 6) return 'jumbo length is not 4 bytes'
      jumbo = view.getUint32(option + 2)
    }
    option = next
  }
  if (jumbo >= 0 && jumbo < LEAST_JUMBO) return 'jumbo length too small'
  if (jumbo >= 0 !== (length === 0)) return 'length and jumbo length contradict'
  if (jumbo >= 0) layers.end = Math.min(end, at + jumbo)
  else layers.at = at + size
  return undefined
}

export function readVxlan(layers: Layers): string | undefined {
  if (layers.left < VXLAN_HEADER) return 'packet too small'
  setTunnel(layers, 'VXLAN')
  layers.next = 'Ethernet'
  layers.at += VXLAN_HEADER
  return undefined
}

export function readGeneve(layers: Layers): string | undefined {
  const { view, bytes, at, left } = layers
  const options = left < GENEVE_HEADER ? 0 : (bytes[at]! & 0x3f) * 4
  if (left < GENEVE_HEADER || left < options + 7) return 'packet too short'
  setTunnel(layers, 'Geneve')
  let payload = at + GENEVE_HEADER
  for (let more = options; more > 0; ) {
    if (payload + 4 > layers.end) return 'option too small'
    const length = (bytes[payload + 3]! & 0x0f) * 4 + 4
    if (payload + length > layers.end) return 'option too small'
    payload += length
    more -= length
  }
  layers.next = ETHERTYPES[view.getUint16(at + 2)]
  layers.at = payload
  return undefined
}

/** Of tunnels of a kind in each other the innermost network is told. */
function setTunnel(layers: Layers, name: TunnelName): void {
  if (layers.tunnelName === name) layers.vni = layers.view.getUint32(layers.at + 4) >>> 8
  layers.summary = name
}

function mac(bytes: Uint8Array, at: number): string {
  let text = HEX[bytes[at]!]!
  for (let i = 1; i < 6; i++) text += `:${HEX[bytes[at + i]!]!}`
  return text
}
