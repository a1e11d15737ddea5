// SPDX-License-Identifier: Apache-2.0
/**
 * protocol.ts - IP protocols and ICMP types: the numbers that code tests for, and names as Hubble's metrics spell them.
 *
 * In:    numbers from records and packets.
 * Out:   a name for every number: Hubble's or gopacket's (layers/icmp4.go, icmp6.go) where they have one.
 * Never: builds a string in a call; all names are in tables.
 */

/** IP protocol numbers, IPv6 extension headers among them (IANA). */
export const Protocol = {
  hopByHop: 0,
  icmp: 1,
  igmp: 2,
  ipip: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  routing: 43,
  fragment: 44,
  authentication: 51,
  icmpv6: 58,
  destinationOptions: 60,
  /** IP in IP under IANA's second number for it. */
  ipip94: 94,
  vrrp: 112,
  sctp: 132,
  mobility: 135,
  hip: 139,
  shim6: 140,
} as const

/** ICMP and ICMPv6 types of echo messages. */
export const IcmpType = { echoReply: 0, echo: 8, echo6: 128, echoReply6: 129 } as const

/** Whether the protocol is ICMP or ICMPv6. */
export function isIcmp(protocol: number): boolean {
  return protocol === Protocol.icmp || protocol === Protocol.icmpv6
}

/** Whether Weir's records have ports of the protocol, or an ICMP message in their place. */
export function hasTransport(protocol: number): boolean {
  return protocol === Protocol.tcp || protocol === Protocol.udp || protocol === Protocol.sctp || isIcmp(protocol)
}

/** The protocols that Hubble's flows name. It calls all others "Unknown L4", which hides GRE behind ESP. */
const PROTOCOLS: Readonly<Record<number, string>> = {
  1: 'ICMPv4',
  2: 'IGMP',
  6: 'TCP',
  17: 'UDP',
  58: 'ICMPv6',
  112: 'VRRP',
  132: 'SCTP',
}

const ICMP_TYPES: Readonly<Record<number, string>> = {
  0: 'EchoReply',
  3: 'DestinationUnreachable',
  4: 'SourceQuench',
  5: 'Redirect',
  8: 'EchoRequest',
  9: 'RouterAdvertisement',
  10: 'RouterSolicitation',
  11: 'TimeExceeded',
  12: 'ParameterProblem',
  13: 'TimestampRequest',
  14: 'TimestampReply',
  15: 'InfoRequest',
  16: 'InfoReply',
  17: 'AddressMaskRequest',
  18: 'AddressMaskReply',
}

const ICMPV6_TYPES: Readonly<Record<number, string>> = {
  1: 'DestinationUnreachable',
  2: 'PacketTooBig',
  3: 'TimeExceeded',
  4: 'ParameterProblem',
  128: 'EchoRequest',
  129: 'EchoReply',
  133: 'RouterSolicitation',
  134: 'RouterAdvertisement',
  135: 'NeighborSolicitation',
  136: 'NeighborAdvertisement',
  137: 'Redirect',
}

const UNKNOWN = 'unknown'
const protocols = table(PROTOCOLS, 'IP_')
const icmpTypes = table(ICMP_TYPES, '')
const icmpv6Types = table(ICMPV6_TYPES, '')

/** Hubble's name, else `IP_<number>` (`IP_47` is GRE); `unknown` for an invalid number. */
export function protocolName(protocol: number): string {
  return protocols[protocol] ?? UNKNOWN
}

/** gopacket's name of an ICMP type without its code, else the number. */
export function icmpTypeName(ipv6: boolean, type: number): string {
  return (ipv6 ? icmpv6Types : icmpTypes)[type] ?? UNKNOWN
}

function table(names: Readonly<Record<number, string>>, prefix: string): string[] {
  return Array.from({ length: 256 }, (_, number) => names[number] ?? `${prefix}${number}`)
}
