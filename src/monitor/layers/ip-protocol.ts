// SPDX-License-Identifier: Apache-2.0
/**
 * ip-protocol.ts - the protocol field of an IP header: its name in a dump, and the next layer.
 *
 * Out:   gopacket's names (layers/enums.go), which differ from Hubble's (protocol.ts).
 */
import type { LayerName } from '../../cilium/layer-name.js'

const NAMES: Readonly<Record<number, string>> = {
  0: 'IPv6HopByHop',
  1: 'ICMPv4',
  2: 'IGMP',
  4: 'IPv4',
  6: 'TCP',
  17: 'UDP',
  27: 'RUDP',
  41: 'IPv6',
  43: 'IPv6Routing',
  44: 'IPv6Fragment',
  47: 'GRE',
  50: 'IPSecESP',
  51: 'IPSecAH',
  58: 'ICMPv6',
  59: 'NoNextHeader',
  60: 'IPv6Destination',
  89: 'OSPF',
  94: 'IPv4',
  97: 'EtherIP',
  112: 'VRRP',
  132: 'SCTP',
  136: 'UDPLite',
  137: 'MPLS',
}

const DECODED: ReadonlySet<string> = new Set(['ICMPv4', 'IGMP', 'IPv4', 'TCP', 'UDP', 'IPv6', 'ICMPv6', 'VRRP', 'SCTP'])

export function ipProtocolName(protocol: number): string {
  return NAMES[protocol] ?? 'UnknownIPProtocol'
}

/** The layer after an IP header; undefined when no decoder reads it. */
export function afterIpProtocol(protocol: number): LayerName | undefined {
  const name = NAMES[protocol]
  return name !== undefined && DECODED.has(name) ? (name as LayerName) : undefined
}
