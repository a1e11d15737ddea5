// SPDX-License-Identifier: Apache-2.0
/**
 * headers-length.ts - how much of a captured packet is headers.
 *
 * In:    the captured bytes of one of Weir's records, and whether they lack an Ethernet header.
 * Out:   the number of bytes that decoding needs: up to the transport header's end, and the headers that an ICMP error or IP in
 *        IP carries. What is in UDP tunnels is payload: Weir's records have no tunnel flags. Where the headers cannot be read, no more than the shortest ones.
 */
import { Packet } from './packet.js'
import { Protocol } from './protocol.js'

const ETHERNET = 14
const IPV6 = 40
const FRAGMENT_HEADER = 8
/** A tag, and an address of a neighbour: what follows ARP's Ethernet header. */
const MIN_FRAME = 46
const TCP_MIN = 20
const UDP = 8
/** The common header and the first chunk's. */
const SCTP = 16
const ICMP = 8
/** The packet that caused an ICMP error: its IP header with options, and the first 8 bytes after it. */
const ICMP_CAUSE = 68
/** IP in IP in IP in IP. */
const MAX_NESTING = 3
const ICMP_ERRORS: readonly number[] = [3, 4, 5, 11, 12]
const ICMP6_ERROR_BIT = 0x80
const ICMP6_FIRST_NEIGHBOUR = 130

export class HeadersLength {
  readonly #packet = new Packet()

  /** Bytes from `at`, at most `length`. */
  of(view: DataView, at: number, length: number, l3Device: boolean): number {
    return Math.min(length, this.#end(view, at, length, l3Device, MAX_NESTING) - at)
  }

  #end(view: DataView, at: number, length: number, l3Device: boolean, nesting: number): number {
    const packet = this.#packet
    packet.parse(view, at, length, l3Device)
    const { transportAt, protocol, end } = packet
    const left = at + length - transportAt
    switch (end) {
      case 'transport':
        return transportAt + this.#transport(view, transportAt, left)
      case 'transport-other':
        if (nesting > 0 && isIpInIp(protocol)) return this.#end(view, transportAt, left, true, nesting - 1)
        return isControl(protocol) ? at + length : transportAt
      case 'fragment':
        return packet.ipVersion === 4 ? ipv4End(view, packet.srcAt) : fragmentEnd(view, packet.srcAt - 8, at + length)
      case 'not-ip':
        return at + (l3Device ? 0 : MIN_FRAME)
      case 'ip-malformed':
        return at + (l3Device ? 0 : ETHERNET) + IPV6
      default:
        // The capture ends in a header.
        return at + length
    }
  }

  #transport(view: DataView, at: number, left: number): number {
    const { protocol, icmpType } = this.#packet
    if (protocol === Protocol.tcp) return Math.max(TCP_MIN, (view.getUint8(at + 12) >> 4) * 4)
    if (protocol === Protocol.udp) return UDP
    if (protocol === Protocol.sctp) return SCTP
    if (protocol === Protocol.icmp) return ICMP_ERRORS.includes(icmpType) ? ICMP + ICMP_CAUSE : ICMP
    if (icmpType >= ICMP6_FIRST_NEIGHBOUR) return left
    return (icmpType & ICMP6_ERROR_BIT) === 0 ? ICMP + ICMP_CAUSE : ICMP
  }
}

function ipv4End(view: DataView, srcAt: number): number {
  const at = srcAt - 12
  return at + (view.getUint8(at) & 0x0f) * 4
}

/** The end of the fragment header of an IPv6 packet at `at`. */
function fragmentEnd(view: DataView, at: number, end: number): number {
  let next = view.getUint8(at + 6)
  let header = at + IPV6
  while (next !== Protocol.fragment && header + 2 <= end) {
    next = view.getUint8(header)
    header += (view.getUint8(header + 1) + 1) * 8
  }
  return header + FRAGMENT_HEADER
}

function isIpInIp(protocol: number): boolean {
  return protocol === Protocol.ipip || protocol === Protocol.ipv6 || protocol === Protocol.ipip94
}

/** Protocols of which the whole packet is a message of routers. */
function isControl(protocol: number): boolean {
  return protocol === Protocol.igmp || protocol === Protocol.vrrp
}
