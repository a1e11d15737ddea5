/**
 * walk.ts - from header to header through a captured packet.
 *
 * In:    its bytes, and what the record says of them.
 * Out:   the layers, outermost first; with a tunnel, those behind the outer UDP header on their own.
 * Fail:  `error` says why the walk stopped early. It ends without one at what nobody here reads: VLAN tags, ARP,
 *        ESP, GRE, fragments, most extension headers.
 */
import { Ethernet } from './ethernet.js'
import { Geneve } from './geneve.js'
import { Icmp } from './icmp.js'
import { Igmp } from './igmp.js'
import { Ipv4 } from './ipv4.js'
import { Ipv6 } from './ipv6.js'
import type { Capture, Decode, Layer, LayerName } from './layer.js'
import { Sctp } from './sctp.js'
import type { Span } from './span.js'
import { Tcp } from './tcp.js'
import { Udp } from './udp.js'
import { Vrrp } from './vrrp.js'
import { Vxlan } from './vxlan.js'

/** What the record's flags say of the packet. */
export interface PacketKind {
  /** No Ethernet header. */
  readonly l3Device: boolean
  readonly ipv6: boolean
  readonly vxlan: boolean
  readonly geneve: boolean
}

/** Debug captures have no flags. */
export const NO_FLAGS: PacketKind = { l3Device: false, ipv6: false, vxlan: false, geneve: false }

export interface Walk {
  readonly layers: readonly Layer[]
  readonly truncated: boolean
  readonly error?: string
}

export interface Dissection {
  readonly outer: Walk
  /** The tunnel's header first. */
  readonly inner?: Walk
}

const DECODERS: Readonly<Record<LayerName, Decode>> = {
  Ethernet: Ethernet.decode,
  IPv4: Ipv4.decode,
  IPv6: Ipv6.decode,
  TCP: Tcp.decode,
  UDP: Udp.decode,
  SCTP: Sctp.decode,
  ICMPv4: Icmp.decodeV4,
  ICMPv6: Icmp.decodeV6,
  VRRP: Vrrp.decode,
  IGMP: Igmp.decode,
  VXLAN: Vxlan.decode,
  Geneve: Geneve.decode,
}

/** Upstream would look at the last UDP payload it saw if a tunnelled packet had no UDP header; here it is no tunnel. */
export function dissect(packet: Span, kind: PacketKind): Dissection {
  const outer = walk(packet, kind.l3Device ? (kind.ipv6 ? 'IPv6' : 'IPv4') : 'Ethernet', false)
  const udp = kind.vxlan || kind.geneve ? outer.layers.findLast(layer => layer.name === 'UDP') : undefined
  if (udp === undefined) return { outer }
  return { outer, inner: walk(udp.payload, kind.vxlan ? 'VXLAN' : 'Geneve', true) }
}

function walk(packet: Span, first: LayerName, inTunnel: boolean): Walk {
  const layers: Layer[] = []
  const capture: Capture = { truncated: false }
  let rest = packet
  for (let name: LayerName | undefined = first; name !== undefined; ) {
    const layer: Layer | string = DECODERS[name](rest, capture)
    if (typeof layer === 'string') return { layers, truncated: capture.truncated, error: layer }
    layers.push(layer)
    rest = layer.payload
    name = rest.length === 0 || (isTunnel(layer.next) && !inTunnel) ? undefined : layer.next
  }
  return { layers, truncated: capture.truncated }
}

function isTunnel(name: LayerName | undefined): boolean {
  return name === 'VXLAN' || name === 'Geneve'
}
