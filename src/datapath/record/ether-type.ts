// SPDX-License-Identifier: Apache-2.0
/**
 * ether-type.ts - EtherTypes (IEEE 802) of the frames that Weir reads.
 */
export const EtherType = {
  ipv4: 0x0800,
  /** Transparent Ethernet bridging: an Ethernet frame follows, as in Geneve. */
  bridged: 0x6558,
  vlan: 0x8100,
  ipv6: 0x86dd,
  qinq: 0x88a8,
  /** Q-in-Q before 802.1ad. */
  oldQinq: 0x9100,
} as const
