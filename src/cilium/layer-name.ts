// SPDX-License-Identifier: Apache-2.0
/**
 * layer-name.ts - the headers that Hubble and `cilium monitor` decode, by gopacket's names.
 */

export type LayerName =
  | 'Ethernet'
  | 'IPv4'
  | 'IPv6'
  | 'TCP'
  | 'UDP'
  | 'SCTP'
  | 'ICMPv4'
  | 'ICMPv6'
  | 'VRRP'
  | 'IGMP'
  | 'VXLAN'
  | 'Geneve'
