// SPDX-License-Identifier: Apache-2.0
/**
 * igmp-type.ts - names of IGMP message types, as Hubble and `cilium monitor` print them (gopacket layers/igmp.go).
 */

const NAMES: Readonly<Record<number, string>> = {
  17: 'IGMP Membership Query',
  18: 'IGMPv1 Membership Report',
  22: 'IGMPv2 Membership Report',
  23: 'Leave Group',
  34: 'IGMPv3 Membership Report',
}

/** The name of an IGMP message type; empty if it has none. */
export function igmpTypeName(type: number): string {
  return NAMES[type] ?? ''
}
