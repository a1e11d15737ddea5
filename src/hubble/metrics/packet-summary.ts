// SPDX-License-Identifier: Apache-2.0
/**
 * packet-summary.ts - the fields of a captured packet that a key needs, read as Hubble reads them.
 *
 * In:    packet bytes of a record, all inside its view.
 * Out:   offsets and numbers. False for rare or damaged packets (IP in IP, hop-by-hop options, Geneve options, VRRP,
 *        bad lengths ...): only the full decoder knows what Hubble makes of those, or whether it makes a flow at all.
 * Never: allocates. Rules: cilium/cilium pkg/hubble/parser/threefour, gopacket's layers.
 */
import { EtherType } from '../../datapath/record/ether-type.js'
import { MIN_IPV4_OPTION, MIN_TCP_OPTION, malformedOption } from '../../datapath/record/header-options.js'
import { Protocol } from '../../datapath/record/protocol.js'

/** Layer 4 of a flow; fits three bits. */
export const L4 = { none: 0, tcp: 1, udp: 2, icmp: 3, icmpv6: 4, sctp: 5 } as const

const ETHERNET = 14
const FRAGMENT = 0x3fff
const TUNNEL_HEADER = 8

export class PacketSummary {
  /** 4, 6, or 0 without an IP header. */
  ipVersion = 0
  srcAt = -1
  dstAt = -1
  /** Addresses are 16 bytes, else 4. */
  wide = false
  l4: number = L4.none
  dstPort = 0
  /** FIN 1, SYN 2, RST 4, ACK 16. */
  tcpFlags = 0
  /** ICMP type << 8 | code. */
  icmp = 0
  /** First SCTP chunk type, 0 without one. */
  chunk = 0
  #view: DataView = new DataView(new ArrayBuffer(0))
  #end = 0
  #l4At = 0

  /**
   * HOT: reads the packet of `length` bytes at `at`; false if it needs the full decoder. Guard: benches `reduce`,
   * `reduce-workload`.
   */
  read(view: DataView, at: number, length: number, l3Device: boolean, ipv6: boolean): boolean {
    this.#view = view
    this.#end = at + length
    this.clear()
    if (length === 0) return true
    if (!l3Device) return this.#ethernet(at)
    return ipv6 ? this.#ipv6(at) : this.#ipv4(at)
  }

  /** Reads the inner packet of the VXLAN or Geneve packet that read() has just read. A packet without UDP has none. */
  readInner(geneve: boolean): boolean {
    if (this.l4 !== L4.udp) return true
    const view = this.#view
    const at = this.#l4At + 8
    const length = view.getUint16(this.#l4At + 4)
    if (length !== 0) this.#end = Math.min(this.#end, this.#l4At + length)
    if (at + TUNNEL_HEADER > this.#end) return false
    if (geneve && ((view.getUint8(at) & 0x3f) !== 0 || view.getUint16(at + 2) !== EtherType.bridged)) return false
    this.clear()
    return this.#ethernet(at + TUNNEL_HEADER)
  }

  /** Resets to no packet. */
  clear(): void {
    this.ipVersion = 0
    this.srcAt = this.dstAt = -1
    this.l4 = L4.none
    this.dstPort = this.tcpFlags = this.icmp = this.chunk = 0
  }

  #ethernet(at: number): boolean {
    if (at + ETHERNET > this.#end) return false
    const type = this.#view.getUint16(at + 12)
    if (type === EtherType.ipv4) return this.#ipv4(at + ETHERNET)
    return type === EtherType.ipv6 ? this.#ipv6(at + ETHERNET) : type !== EtherType.bridged
  }

  #ipv4(at: number): boolean {
    const view = this.#view
    if (at + 20 > this.#end) return false
    const total = view.getUint16(at + 2)
    // Segmentation offload leaves 0.
    if (total !== 0) this.#end = Math.min(this.#end, at + total)
    const header = (view.getUint8(at) & 0x0f) * 4
    if (header !== 20 && !this.#optionsFit(at + 20, at + header, MIN_IPV4_OPTION)) return false
    if (at + header > this.#end) return false
    this.ipVersion = 4
    this.wide = false
    this.srcAt = at + 12
    this.dstAt = at + 16
    if ((view.getUint16(at + 6) & FRAGMENT) !== 0) return true
    return this.#transport(view.getUint8(at + 9), at + header)
  }

  #ipv6(at: number): boolean {
    const view = this.#view
    if (at + 40 > this.#end) return false
    const payload = view.getUint16(at + 4)
    const next = view.getUint8(at + 6)
    if (payload === 0 || next === Protocol.hopByHop) return false
    this.#end = Math.min(this.#end, at + 40 + payload)
    this.ipVersion = 6
    this.wide = true
    this.srcAt = at + 8
    this.dstAt = at + 24
    return this.#transport(next, at + 40)
  }

  #transport(protocol: number, at: number): boolean {
    this.#l4At = at
    switch (protocol) {
      case Protocol.tcp:
        return this.#tcp(at)
      case Protocol.udp:
        return this.#udp(at)
      case Protocol.icmp:
        return this.#icmp(at, L4.icmp, 8)
      case Protocol.icmpv6:
        return this.#icmp(at, L4.icmpv6, 4)
      case Protocol.sctp:
        return this.#sctp(at)
      case Protocol.igmp:
      case Protocol.ipip:
      case Protocol.ipv6:
      case Protocol.ipip94:
      case Protocol.vrrp:
        return false
      default:
        return true
    }
  }

  #tcp(at: number): boolean {
    if (at + 20 > this.#end) return false
    const header = (this.#view.getUint8(at + 12) >> 4) * 4
    if (header !== 20 && !this.#optionsFit(at + 20, at + header, MIN_TCP_OPTION)) return false
    this.l4 = L4.tcp
    this.dstPort = this.#view.getUint16(at + 2)
    this.tcpFlags = this.#view.getUint8(at + 13)
    return true
  }

  #udp(at: number): boolean {
    if (at + 8 > this.#end) return false
    const length = this.#view.getUint16(at + 4)
    if (length !== 0 && length < 8) return false
    this.l4 = L4.udp
    this.dstPort = this.#view.getUint16(at + 2)
    return true
  }

  #icmp(at: number, l4: number, headerLength: number): boolean {
    if (at + headerLength > this.#end) return false
    this.l4 = l4
    this.icmp = this.#view.getUint16(at)
    return true
  }

  #sctp(at: number): boolean {
    if (at + 12 > this.#end) return false
    this.l4 = L4.sctp
    this.dstPort = this.#view.getUint16(at + 2)
    this.chunk = at + 12 < this.#end ? this.#view.getUint8(at + 12) : 0
    return true
  }

  /** Whether the options between `at` and `end` are all there and as long as they say; else Hubble drops the event. */
  #optionsFit(at: number, end: number, minLength: number): boolean {
    return end >= at && end <= this.#end && malformedOption(this.#view, at, end, minLength) < 0
  }
}
