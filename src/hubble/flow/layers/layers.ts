/**
 * layers.ts - all headers of one captured packet, as Hubble's decoder (gopacket) walks them.
 *
 * In:    the captured bytes, and what the record says of them: no Ethernet, IPv6, VXLAN or Geneve inside.
 * Out:   the flow's ethernet, IP, l4, tunnel and Summary, and the ports; the innermost header of a kind decides.
 * Fail:  read() is false and `error` says why: Hubble drops such a record. A header that nobody here reads (VLAN, ARP,
 *        ESP, fragments) ends the walk without an error.
 * Never: keeps the bytes. The reduce path has its own, cheaper look at a packet (packet.ts).
 */
import type { Ethernet, Ip, Layer4, Tunnel } from '../flow.js'
import type { TunnelName } from '../tunnel-port.js'
import { readEthernet, readGeneve, readIpv4, readIpv6, readVxlan } from './network.js'
import { readIcmp, readIgmp, readSctp, readTcp, readUdp, readVrrp } from './transport.js'

/** A header that somebody here reads. */
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

/** Flags of a record; trace and drop records have them all. */
export interface PacketFlags {
  readonly l3Device: boolean
  readonly ipv6: boolean
  readonly vxlan?: boolean
  readonly geneve?: boolean
}

/** Reads the header at `at`; moves `at`, `end` and `next` to its payload, or returns what is wrong. */
type Reader = (layers: Layers) => string | undefined

const READERS: Readonly<Record<LayerName, Reader>> = {
  Ethernet: readEthernet,
  IPv4: readIpv4,
  IPv6: readIpv6,
  TCP: readTcp,
  UDP: readUdp,
  SCTP: readSctp,
  ICMPv4: layers => readIcmp(layers, false),
  ICMPv6: layers => readIcmp(layers, true),
  VRRP: readVrrp,
  IGMP: readIgmp,
  VXLAN: readVxlan,
  Geneve: readGeneve,
}

export class Layers {
  ethernet: Ethernet | undefined
  ip: Ip | undefined
  l4: Layer4 | undefined
  tunnel: Tunnel | undefined
  summary = ''
  srcPort = 0
  dstPort = 0
  /** Why read() returned false. */
  error = ''

  /** For the readers: the bytes from `at` to `end`, and who reads them. */
  view: DataView = new DataView(new ArrayBuffer(0))
  bytes: Uint8Array = new Uint8Array(0)
  at = 0
  end = 0
  next: LayerName | undefined
  /** The last UDP header's payload; -1 without one. */
  udpAt = -1
  udpEnd = -1
  vni = 0
  /** The tunnel whose inside is read. */
  tunnelName: TunnelName | undefined

  /** Bytes that are left. */
  get left(): number {
    return this.end - this.at
  }

  /** Look at `length` bytes from `at`; `bytes` are those of `view`, same offsets. */
  read(view: DataView, bytes: Uint8Array, at: number, length: number, flags: PacketFlags): boolean {
    this.view = view
    this.bytes = bytes
    this.tunnel = undefined
    this.#reset()
    if (length <= 0) return true
    if (!this.#walk(at, at + length, flags.l3Device ? (flags.ipv6 ? 'IPv6' : 'IPv4') : 'Ethernet')) return false
    // A packet flagged as tunnelled that is no UDP is told as it is; Hubble would decode an earlier packet's payload.
    if (this.udpAt < 0 || !(flags.vxlan || flags.geneve)) return true
    return this.#unwrap(flags.vxlan ? 'VXLAN' : 'Geneve')
  }

  /** What was read becomes the tunnel, and its payload the packet. */
  #unwrap(name: TunnelName): boolean {
    const { ip, l4, udpAt, udpEnd } = this
    this.#reset()
    this.tunnelName = name
    if (!this.#walk(udpAt, udpEnd, name)) return false
    // Its own header is no part of the summary, but that of a tunnel inside it is.
    if (this.ethernet === undefined && this.ip === undefined) this.summary = ''
    this.tunnel = { protocol: name === 'VXLAN' ? 'VXLAN' : 'GENEVE' }
    if (ip !== undefined) this.tunnel.IP = ip
    if (l4 !== undefined) this.tunnel.l4 = l4
    if (this.vni !== 0) this.tunnel.vni = this.vni
    return true
  }

  #walk(at: number, end: number, first: LayerName): boolean {
    this.at = at
    this.end = end
    this.next = first
    do {
      const name: LayerName = this.next
      this.next = undefined
      const error = READERS[name](this)
      if (error !== undefined) {
        this.error = `${name}: ${error}`
        return false
      }
    } while (this.next !== undefined && this.at < this.end)
    return true
  }

  #reset(): void {
    this.ethernet = this.ip = this.l4 = undefined
    this.summary = this.error = ''
    this.srcPort = this.dstPort = this.vni = 0
    this.udpAt = this.udpEnd = -1
    this.tunnelName = undefined
  }
}
