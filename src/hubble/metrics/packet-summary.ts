/**
 * packet-summary.ts - what a memo key takes from a captured packet, read as Hubble reads it.
 *
 * In:    packet bytes of a record, all inside its view.
 * Out:   offsets and numbers; false for what is rare or damaged (IP in IP, hop-by-hop, Geneve options, VRRP, bad lengths ...): there
 *        only the full flow knows what Hubble would say, or whether it says anything.
 * Never: allocates. Rules: cilium/cilium pkg/hubble/parser/threefour, gopacket's layers.
 */

/** Layer 4 of a flow, in three bits. */
export const L4 = { none: 0, tcp: 1, udp: 2, icmp: 3, icmpv6: 4, sctp: 5 } as const

const ETHERNET = 14
const ETHERTYPE = { ipv4: 0x0800, ipv6: 0x86dd } as const
const PROTO = {
  icmp: 1,
  igmp: 2,
  ipip: 4,
  tcp: 6,
  udp: 17,
  ipv6: 41,
  icmpv6: 58,
  ipip94: 94,
  vrrp: 112,
  sctp: 132,
} as const
const HOP_BY_HOP = 0
const FRAGMENT = 0x3fff
const TUNNEL_HEADER = 8
const BRIDGED = 0x6558
const END_OF_OPTIONS = 0
const NO_OPERATION = 1
/** gopacket refuses an IPv4 option of 2 bytes, which has no data. */
const LEAST_IPV4_OPTION = 3
const LEAST_TCP_OPTION = 2

export class PacketSummary {
  /** 4, 6, or 0 without an IP header. */
  ipVersion = 0
  srcAt = -1
  dstAt = -1
  /** The addresses have 16 bytes, else 4. */
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

  /** HOT: the packet of `length` bytes at `at`; false where the flow must tell. Guard: benches `reduce`, `reduce-workload`. */
  read(view: DataView, at: number, length: number, l3Device: boolean, ipv6: boolean): boolean {
    this.#view = view
    this.#end = at + length
    this.clear()
    if (length === 0) return true
    if (!l3Device) return this.#ethernet(at)
    return ipv6 ? this.#ipv6(at) : this.#ipv4(at)
  }

  /** The packet inside a VXLAN or Geneve packet that read() has just read. Without UDP there is no tunnel. */
  readInner(geneve: boolean): boolean {
    if (this.l4 !== L4.udp) return true
    const view = this.#view
    const at = this.#l4At + 8
    const length = view.getUint16(this.#l4At + 4)
    if (length !== 0) this.#end = Math.min(this.#end, this.#l4At + length)
    if (at + TUNNEL_HEADER > this.#end) return false
    if (geneve && ((view.getUint8(at) & 0x3f) !== 0 || view.getUint16(at + 2) !== BRIDGED)) return false
    this.clear()
    return this.#ethernet(at + TUNNEL_HEADER)
  }

  /** No packet. */
  clear(): void {
    this.ipVersion = 0
    this.srcAt = this.dstAt = -1
    this.l4 = L4.none
    this.dstPort = this.tcpFlags = this.icmp = this.chunk = 0
  }

  #ethernet(at: number): boolean {
    if (at + ETHERNET > this.#end) return false
    const type = this.#view.getUint16(at + 12)
    if (type === ETHERTYPE.ipv4) return this.#ipv4(at + ETHERNET)
    return type === ETHERTYPE.ipv6 ? this.#ipv6(at + ETHERNET) : type !== BRIDGED
  }

  #ipv4(at: number): boolean {
    const view = this.#view
    if (at + 20 > this.#end) return false
    const total = view.getUint16(at + 2)
    // 0 is what segmentation offload leaves there.
    if (total !== 0) this.#end = Math.min(this.#end, at + total)
    const header = (view.getUint8(at) & 0x0f) * 4
    if (header !== 20 && !this.#options(at + 20, at + header, LEAST_IPV4_OPTION)) return false
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
    if (payload === 0 || next === HOP_BY_HOP) return false
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
      case PROTO.tcp:
        return this.#tcp(at)
      case PROTO.udp:
        return this.#udp(at)
      case PROTO.icmp:
        return this.#icmp(at, L4.icmp, 8)
      case PROTO.icmpv6:
        return this.#icmp(at, L4.icmpv6, 4)
      case PROTO.sctp:
        return this.#sctp(at)
      case PROTO.igmp:
      case PROTO.ipip:
      case PROTO.ipv6:
      case PROTO.ipip94:
      case PROTO.vrrp:
        return false
      default:
        return true
    }
  }

  #tcp(at: number): boolean {
    if (at + 20 > this.#end) return false
    const header = (this.#view.getUint8(at + 12) >> 4) * 4
    if (header !== 20 && !this.#options(at + 20, at + header, LEAST_TCP_OPTION)) return false
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

  #icmp(at: number, l4: number, least: number): boolean {
    if (at + least > this.#end) return false
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

  /** Whether options from `at` to `end`, of IPv4 or TCP, are as long as they say: else Hubble drops the event. */
  #options(at: number, end: number, least: number): boolean {
    if (end < at || end > this.#end) return false
    for (let option = at; option < end; ) {
      const kind = this.#view.getUint8(option)
      if (kind === END_OF_OPTIONS) return true
      if (kind === NO_OPERATION) {
        option++
        continue
      }
      const length = option + 1 < end ? this.#view.getUint8(option + 1) : 0
      if (length < least || option + length > end) return false
      option += length
    }
    return true
  }
}
