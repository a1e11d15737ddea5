// SPDX-License-Identifier: Apache-2.0
/**
 * packet.ts - a reusable window on the captured bytes of one packet: its addresses, ports and protocol.
 *
 * In:    bytes from `at`; Ethernet with up to two VLAN tags, unless from an L3 device; IPv4, IPv6 with
 *        extension headers; TCP, UDP, SCTP, ICMP, ICMPv6. Tunnels are not decapsulated.
 * Out:   numbers and offsets; -1 where unknown. Fields before the end of the capture stay known.
 * Fail:  `end` says where parsing stopped; parse() never throws.
 */

import { EtherType } from './ether-type.js'
import { Protocol } from './protocol.js'

/** 'transport': parsed up to ports or ICMP type. Otherwise the reason why parsing stopped. */
export type PacketEnd =
  | 'transport'
  | 'empty'
  | 'ethernet-short'
  | 'not-ip'
  | 'ip-short'
  | 'ip-malformed'
  | 'fragment'
  | 'extension-short'
  | 'transport-short'
  | 'transport-other'

/** A packet with more extension headers is malformed or an attack. */
const MAX_EXTENSIONS = 8
const MAX_VLAN_TAGS = 2

export class Packet {
  end: PacketEnd = 'empty'
  /** 4 or 6; 0 when the packet is not IP or is truncated before the version. */
  ipVersion = 0
  /** Offsets of the addresses in the same view: 4 bytes each, or 16. */
  srcAt = -1
  dstAt = -1
  /** IP protocol number after all extension headers. */
  protocol = -1
  /** A fragment, the first one included; others have no ports. */
  fragment = false
  srcPort = -1
  dstPort = -1
  /** Byte 13 of the TCP header: FIN 1, SYN 2, RST 4, PSH 8, ACK 16, URG 32, ECE 64, CWR 128. */
  tcpFlags = -1
  icmpType = -1
  icmpCode = -1
  /** Where the transport header starts and where the packet ends, as captured. */
  transportAt = -1
  endAt = 0
  #view: DataView = new DataView(new ArrayBuffer(0))

  /** HOT: parses `length` bytes from `at`, all inside `view`; true when `ok`. Guard: bench `reduce-weir`. */
  parse(view: DataView, at: number, length: number, l3Device: boolean): boolean {
    this.#view = view
    this.ipVersion = 0
    this.srcAt = this.dstAt = this.protocol = this.srcPort = this.dstPort = -1
    this.tcpFlags = this.icmpType = this.icmpCode = this.transportAt = -1
    this.fragment = false
    this.endAt = at + length
    this.end = length <= 0 ? 'empty' : l3Device ? this.#byVersion(at) : this.#ethernet(at)
    return this.end === 'transport'
  }

  #ethernet(at: number): PacketEnd {
    let typeAt = at + 12
    for (let tags = 0; typeAt + 2 <= this.endAt; tags++, typeAt += 4) {
      const type = this.#view.getUint16(typeAt)
      if (type === EtherType.ipv4) return this.#ipv4(typeAt + 2)
      if (type === EtherType.ipv6) return this.#ipv6(typeAt + 2)
      const tagged = type === EtherType.vlan || type === EtherType.qinq || type === EtherType.oldQinq
      if (!tagged || tags === MAX_VLAN_TAGS) return 'not-ip'
    }
    return 'ethernet-short'
  }

  /** Without an Ethernet header the version nibble decides, because Cilium before 1.18 has no IPv6 flag. */
  #byVersion(at: number): PacketEnd {
    const version = this.#view.getUint8(at) >> 4
    if (version === 4) return this.#ipv4(at)
    return version === 6 ? this.#ipv6(at) : 'not-ip'
  }

  #ipv4(at: number): PacketEnd {
    const view = this.#view
    if (at + 20 > this.endAt) return 'ip-short'
    const headerLength = (view.getUint8(at) & 0x0f) * 4
    if (view.getUint8(at) >> 4 !== 4 || headerLength < 20) return 'ip-malformed'
    const total = view.getUint16(at + 2)
    // Segmentation offload leaves 0.
    if (total !== 0 && total < headerLength) return 'ip-malformed'
    this.ipVersion = 4
    this.srcAt = at + 12
    this.dstAt = at + 16
    this.protocol = view.getUint8(at + 9)
    if (total !== 0) this.endAt = Math.min(this.endAt, at + total)
    const fragment = view.getUint16(at + 6)
    this.fragment = (fragment & 0x3fff) !== 0
    return (fragment & 0x1fff) === 0 ? this.#transport(at + headerLength) : 'fragment'
  }

  #ipv6(at: number): PacketEnd {
    const view = this.#view
    if (at + 40 > this.endAt) return 'ip-short'
    if (view.getUint8(at) >> 4 !== 6) return 'ip-malformed'
    this.ipVersion = 6
    this.srcAt = at + 8
    this.dstAt = at + 24
    this.protocol = view.getUint8(at + 6)
    // 0 means a jumbogram or segmentation offload.
    const payload = view.getUint16(at + 4)
    if (payload !== 0) this.endAt = Math.min(this.endAt, at + 40 + payload)
    let header = at + 40
    for (let left = MAX_EXTENSIONS; isExtension(this.protocol); left--) {
      if (left === 0) return 'ip-malformed'
      if (header + 8 > this.endAt) return 'extension-short'
      const laterFragment = this.protocol === Protocol.fragment && this.#fragmentHeader(header)
      const length = extensionLength(this.protocol, view.getUint8(header + 1))
      this.protocol = view.getUint8(header)
      if (laterFragment) return 'fragment'
      header += length
    }
    return this.#transport(header)
  }

  /** True for a fragment other than the first. */
  #fragmentHeader(at: number): boolean {
    const offset = this.#view.getUint16(at + 2)
    this.fragment ||= (offset & 0xfff9) !== 0
    return (offset & 0xfff8) !== 0
  }

  #transport(at: number): PacketEnd {
    this.transportAt = at
    switch (this.protocol) {
      case Protocol.tcp:
        return this.#tcp(at)
      case Protocol.udp:
      case Protocol.sctp:
        return this.#ports(at) ? 'transport' : 'transport-short'
      case Protocol.icmp:
      case Protocol.icmpv6:
        return this.#icmp(at)
      default:
        return 'transport-other'
    }
  }

  #tcp(at: number): PacketEnd {
    if (!this.#ports(at) || at + 14 > this.endAt) return 'transport-short'
    this.tcpFlags = this.#view.getUint8(at + 13)
    return 'transport'
  }

  #ports(at: number): boolean {
    if (at + 4 > this.endAt) return false
    this.srcPort = this.#view.getUint16(at)
    this.dstPort = this.#view.getUint16(at + 2)
    return true
  }

  #icmp(at: number): PacketEnd {
    if (at + 2 > this.endAt) return 'transport-short'
    this.icmpType = this.#view.getUint8(at)
    this.icmpCode = this.#view.getUint8(at + 1)
    return 'transport'
  }
}

/** IPv6 headers that another may follow (RFC 7045); ESP hides the rest, so it is a transport here. */
function isExtension(protocol: number): boolean {
  switch (protocol) {
    case Protocol.hopByHop:
    case Protocol.routing:
    case Protocol.fragment:
    case Protocol.authentication:
    case Protocol.destinationOptions:
    case Protocol.mobility:
    case Protocol.hip:
    case Protocol.shim6:
      return true
    default:
      return false
  }
}

/** Bytes of an extension header: (field + 1) units of 8, or (field + 2) units of 4 for the authentication header. */
function extensionLength(protocol: number, field: number): number {
  if (protocol === Protocol.fragment) return 8
  return protocol === Protocol.authentication ? (field + 2) * 4 : (field + 1) * 8
}
