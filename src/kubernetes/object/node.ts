// SPDX-License-Identifier: Apache-2.0
/**
 * node.ts - facts of a node: its addresses, its pod CIDRs, its zone.
 *
 * In:    a Node of the API.
 * Out:   a NodeFacts. Addresses come from its status and from annotations of its network plugin.
 */
import { canonical, canonicalPrefix, gateways } from './address-text.js'
import type { ApiObject } from './api-object.js'
import type { Interner } from './interner.js'
import { managementAddresses } from './network-status.js'

export interface NodeFacts {
  readonly key: string
  readonly name: string
  readonly ips: readonly string[]
  /** Probably the node's own, unless another object claims them. */
  readonly gateways: readonly string[]
  readonly prefixes: readonly string[]
  readonly zone: string
}

export interface ApiNode extends ApiObject {
  readonly spec?: { readonly podCIDR?: string; readonly podCIDRs?: readonly string[] }
  readonly status?: { readonly addresses?: readonly { readonly type?: string; readonly address?: string }[] }
}

const ZONES = ['topology.kubernetes.io/zone', 'failure-domain.beta.kubernetes.io/zone'] as const
/** A node's own address in the pods' network: cilium_host, Calico's tunnel. */
const ANNOTATIONS = [
  'network.cilium.io/ipv4-cilium-host',
  'network.cilium.io/ipv6-cilium-host',
  'io.cilium.network.ipv4-cilium-host',
  'io.cilium.network.ipv6-cilium-host',
  'projectcalico.org/IPv4IPIPTunnelAddr',
  'projectcalico.org/IPv4VXLANTunnelAddr',
  'projectcalico.org/IPv6VXLANTunnelAddr',
] as const

export function nodeFacts({ metadata, spec, status }: ApiNode, intern: Interner): NodeFacts {
  const name = intern.of(metadata.name ?? '')
  const { labels = {}, annotations = {} } = metadata
  const reported = (status?.addresses ?? []).map(({ address }) => address)
  const prefixes = (spec?.podCIDRs ?? [spec?.podCIDR]).flatMap(cidr => canonicalPrefix(cidr) ?? [])
  return {
    key: nodeKey(name),
    name,
    ips: [
      ...new Set([
        ...[...reported, ...ANNOTATIONS.map(key => annotations[key])].flatMap(ip => canonical(ip) ?? []),
        ...managementAddresses(annotations),
      ]),
    ],
    gateways: prefixes.flatMap(gateways),
    prefixes,
    zone: intern.of(ZONES.map(key => labels[key]).find(zone => zone) ?? ''),
  }
}

export function nodeKey(name: string): string {
  return `node/${name}`
}
