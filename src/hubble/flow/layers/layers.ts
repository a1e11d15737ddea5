// SPDX-License-Identifier: Apache-2.0
/**
 * layers.ts - walks all headers of one captured packet, as Hubble's decoder (gopacket) does.
 *
 * In:    the captured bytes, and the record's flags: no Ethernet header, IPv6, VXLAN or Geneve payload.
 * Out:   the flow's ethernet, IP, l4, tunnel and Summary, and the ports. Of several headers of one kind the innermost
 *        wins.
 * Fail:  read() returns false and `error` says why; Hubble drops such a record. A header without a reader (VLAN, ARP,
 *        ESP, fragments) stops the walk without an error.
 * Never: keeps the bytes. The reduce path parses packets on its own, at a lower cost (packet.ts).
 */
import type { LayerName } from '../../../cilium/layer-name.js'
import type { TunnelName } from '../../../cilium/tunnel-port.js'
import { PacketCursor } from './cursor.js'
import { readEthernet, readGeneve, readIpv4, readIpv6, readVxlan } from './network.js'
import { readIcmp, readIgmp, readSctp, readTcp, readUdp, readVrrp } from './transport.js'

/** Flags of a record; only trace and drop records have the tunnel flags. */
export interface PacketFlags {
  readonly l3Device: boolean
  readonly ipv6: boolean
  readonly vxlan?: boolean
  readonly geneve?: boolean
}

/** Moves `at`, `end` and `next` to the header's payload, or returns what is wrong with the header. */
type LayerReader = (cursor: PacketCursor) => string | undefined

const READERS: Readonly<Record<LayerName, LayerReader>> = {
  Ethernet: readEthernet,
  IPv4: readIpv4,
  IPv6: readIpv6,
  TCP: readTcp,
  UDP: readUdp,
  SCTP: readSctp,
  ICMPv4: cursor => readIcmp(cursor, false),
  ICMPv6: cursor => readIcmp(cursor, true),
  VRRP: readVrrp,
  IGMP: readIgmp,
  VXLAN: readVxlan,
  Geneve: readGeneve,
}

export class Layers extends PacketCursor {
  /** Why read() returned false. */
  error = ''

  /** Reads the packet of `length` bytes at `at`. `bytes` are the bytes of `view`, same offsets. */
  read(view: DataView, bytes: Uint8Array, at: number, length: number, flags: PacketFlags): boolean {
    this.view = view
    this.bytes = bytes
    this.tunnel = undefined
    this.#reset()
    if (length <= 0) return true
    if (!this.#walk(at, at + length, flags.l3Device ? (flags.ipv6 ? 'IPv6' : 'IPv4') : 'Ethernet')) return false
    // A packet that is flagged as tunnelled but is not UDP keeps its own headers. Hubble would decode the payload of an
    // earlier packet here.
    if (this.udpAt < 0 || !(flags.vxlan || flags.geneve)) return true
    return this.#unwrap(flags.vxlan ? 'VXLAN' : 'Geneve')
  }

  /** Moves what was read to `tunnel` and reads the tunnel's payload as the packet. */
  #unwrap(name: TunnelName): boolean {
    const { ip, l4, udpAt, udpEnd } = this
    this.#reset()
    this.tunnelName = name
    if (!this.#walk(udpAt, udpEnd, name)) return false
    // The summary leaves out this tunnel's header, but shows a nested tunnel's.
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
