// SPDX-License-Identifier: Apache-2.0
/**
 * summary.ts - the `summary` object of a JSON line: dumps of a packet's layers, and its addresses.
 *
 * Out:   the keys of `cilium monitor -j`, in its order; keys without a value are omitted.
 */
import type { LayerName } from '../cilium/layer-name.js'
import type { Flow, Layer } from './layers/layer.js'
import type { Span } from './layers/span.js'
import { dissect, type PacketKind } from './layers/walk.js'

type Key = Lowercase<LayerName>

export type Summary = { readonly [key in Key | 'l2' | 'l3' | 'l4' | 'tunnel']?: string | Flow | Summary }

const KEYS: readonly LayerName[] = [
  'Ethernet',
  'IPv4',
  'IPv6',
  'TCP',
  'UDP',
  'SCTP',
  'ICMPv4',
  'ICMPv6',
  'VRRP',
  'IGMP',
]
/** A tunnel's outer headers have fewer keys, in another order. */
const TUNNEL_KEYS: readonly LayerName[] = ['Ethernet', 'IPv4', 'IPv6', 'UDP', 'VXLAN', 'Geneve']
/** The network layer (L2 to L4) that a header's addresses belong to. */
const LEVELS: readonly (readonly ['l2' | 'l3' | 'l4', readonly LayerName[]])[] = [
  ['l2', ['Ethernet']],
  ['l3', ['IPv4', 'IPv6']],
  ['l4', ['TCP', 'UDP', 'SCTP']],
]

/** Undefined for an empty or malformed packet. If only the inner packet is malformed: the outer one's summary. */
export function summaryOf(packet: Span, kind: PacketKind): Summary | undefined {
  if (packet.length === 0) return undefined
  const { outer, inner } = dissect(packet, kind)
  if (outer.error !== undefined) return undefined
  const [tunnel, ...layers] = inner === undefined || inner.error !== undefined ? [] : inner.layers
  if (tunnel === undefined) return summary(outer.layers, KEYS)
  return { ...summary(layers, KEYS), tunnel: summary([...outer.layers, tunnel], TUNNEL_KEYS) }
}

function summary(layers: readonly Layer[], keys: readonly LayerName[]): Summary {
  const found: Record<string, string | Flow> = {}
  for (const key of keys) {
    const layer = layers.findLast(({ name }) => name === key)
    if (layer !== undefined) found[key.toLowerCase()] = layer.dump()
  }
  for (const [level, names] of LEVELS) {
    const layer = layers.findLast(({ name, flow }) => flow !== undefined && names.includes(name))
    if (layer?.flow !== undefined) found[level] = layer.flow
  }
  return found as Summary
}
