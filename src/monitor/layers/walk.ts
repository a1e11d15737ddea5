// SPDX-License-Identifier: Apache-2.0
/**
 * walk.ts - decodes a captured packet header by header.
 *
 * In:    its bytes, and the record's flags about them.
 * Out:   the layers, outermost first; in a tunnel, the layers after the outer UDP header separately.
 * Fail:  `error` says why the walk stopped early. It ends without an error at headers that have no decoder: VLAN tags,
 *        ARP, ESP, GRE, fragments, most extension headers.
 */

import type { LayerName } from '../../cilium/layer-name.js'
import { Ethernet } from './ethernet.js'
import { Geneve } from './geneve.js'
import { Icmp } from './icmp.js'
import { Igmp } from './igmp.js'
import { Ipv4 } from './ipv4.js'
import { Ipv6 } from './ipv6.js'
import type { Capture, Decode, Layer } from './layer.js'
import { Sctp } from './sctp.js'
import type { Span } from './span.js'
import { Tcp } from './tcp.js'
import { Udp } from './udp.js'
import { Vrrp } from './vrrp.js'
import { Vxlan } from './vxlan.js'

/** The record's flags about the packet. */
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

/** Without a UDP header, the tunnel flags are ignored; upstream would decode the last UDP payload that it saw. */
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
