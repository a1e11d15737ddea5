// SPDX-License-Identifier: Apache-2.0
/**
 * identity.ts - Cilium's security identities: reserved names, scopes, and the names in labels.
 *
 * In:    identity numbers, and their labels ("k8s:app=web", "reserved:host", "cidr:10.0.0.0/8").
 * Out:   names for series. Source: cilium/cilium pkg/identity/numericidentity.go, pkg/labels.
 */

import { parsePrefix } from '../../lib/address.js'

/** By number; 11 has no name in Cilium either. */
export const RESERVED = [
  'unknown',
  'host',
  'world',
  'unmanaged',
  'health',
  'init',
  'remote-node',
  'kube-apiserver',
  'ingress',
  'world-ipv4',
  'world-ipv6',
] as const

/** Labels of the reserved identities; the API server's also mark it as a remote node. */
const RESERVED_LABELS: readonly (readonly string[])[] = RESERVED.map(name =>
  name === 'kube-apiserver' ? [`reserved:${name}`, 'reserved:remote-node'] : [`reserved:${name}`],
)
export const HOST_IDENTITY = 1
/**
 * Weir's own identity of Services, in Cilium's scope of identities local to a node, in which Cilium counts from 1 up. A
 * Service is no endpoint, so Cilium has none: there it is translated before the identity is looked up.
 */
export const SERVICE_IDENTITY = 0x01ff_ff10
export const SERVICE_LABELS: readonly string[] = ['weir:service']
const WEIR = 'weir:'

const NO_LABELS: readonly string[] = []
const CLUSTER = 'io.cilium.k8s.policy.cluster'

const SCOPE_SHIFT = 24
const SCOPE_CIDR = 1
const SCOPE_REMOTE_NODE = 2

/** Weir's own identities, of addresses that belong to no single endpoint. Their label is `weir:NAME`. */
export const SPECIAL = {
  multicast: 0x01ff_ff01,
  broadcast: 0x01ff_ff02,
  'link-local': 0x01ff_ff03,
  unspecified: 0x01ff_ff04,
} as const

/** Precedence of an identity when several apply to an address: the highest names it. */
export const Precedence = { nothing: 0, world: 1, cidr: 2, node: 3, workload: 4 } as const
export type Precedence = (typeof Precedence)[keyof typeof Precedence]

/** world is the fallback; a CIDR is a part of it; nodes and pods are exact. */
export function precedence(identity: number): Precedence {
  if (identity === 0) return Precedence.nothing
  if (identity === 2 || identity === 9 || identity === 10) return Precedence.world
  if (identity < RESERVED.length) return Precedence.node
  const scope = identity >>> SCOPE_SHIFT
  if (scope === SCOPE_CIDR) return Precedence.cidr
  return scope === SCOPE_REMOTE_NODE ? Precedence.node : Precedence.workload
}

/** The labels of a reserved identity, sorted; none of any other. */
export function reservedLabels(identity: number): readonly string[] {
  return RESERVED_LABELS[identity] ?? NO_LABELS
}

/** Whether it is an identity of a CIDR or FQDN, which is local to its node. */
export function isLocalScope(identity: number): boolean {
  return identity >>> SCOPE_SHIFT === SCOPE_CIDR
}

/** The cluster that the labels name. */
export function clusterOf(labels: readonly string[]): string {
  return labelValue(labels, CLUSTER) ?? ''
}

/**
 * Of the CIDR labels only the longest, as Hubble shows a local identity (pkg/hubble/parser/common/labels.go); a length
 * of 0 and text that is not a prefix are left out. Sorted.
 */
export function withLongestCidr(labels: readonly string[]): string[] {
  const kept = labels.filter(label => !label.startsWith('cidr:'))
  let longest: string | undefined
  let most = 0
  for (const label of labels) {
    const bits = label.startsWith('cidr:') ? prefixBits(label.slice('cidr:'.length)) : 0
    if (bits > most) [longest, most] = [label, bits]
  }
  return longest === undefined ? kept : [...kept, longest].sort()
}

/** Prefix length; 0 for text that is not a prefix. */
function prefixBits(text: string): number {
  try {
    parsePrefix(text.replaceAll('-', ':'))
    return bitsOf(text)
  } catch {
    return 0
  }
}

/** Namespace and workload of an identity without a known endpoint. */
export function nameOf(identity: number, labels: readonly string[]): { namespace: string; workload: string } {
  const reserved = RESERVED[identity]
  if (reserved !== undefined) return { namespace: '', workload: reserved }
  const own = labels.find(label => label.startsWith(WEIR))
  if (own !== undefined) return { namespace: '', workload: own.slice(WEIR.length) }
  if (precedence(identity) === Precedence.cidr) return { namespace: '', workload: cidrOf(labels) ?? 'world' }
  return {
    namespace: labelValue(labels, 'io.kubernetes.pod.namespace') ?? '',
    workload:
      labelValue(labels, 'app.kubernetes.io/name') ??
      labelValue(labels, 'k8s-app') ??
      labelValue(labels, 'app') ??
      reservedOf(labels) ??
      (precedence(identity) === Precedence.node ? 'remote-node' : ''),
  }
}

/** The value of `SOURCE:KEY=VALUE`, for any source. */
function labelValue(labels: readonly string[], key: string): string | undefined {
  for (const label of labels) {
    const from = label.indexOf(':') + 1
    if (label.startsWith(`${key}=`, from)) return label.slice(from + key.length + 1)
  }
  return undefined
}

/** The longest of the `cidr:` labels; IPv6 colons are dashes in them. */
function cidrOf(labels: readonly string[]): string | undefined {
  let longest: string | undefined
  for (const label of labels) {
    if (!label.startsWith('cidr:')) continue
    const cidr = label.slice('cidr:'.length).replaceAll('-', ':')
    if (longest === undefined || bitsOf(cidr) > bitsOf(longest)) longest = cidr
  }
  return longest
}

function bitsOf(cidr: string): number {
  return Number(cidr.slice(cidr.indexOf('/') + 1))
}

/** Remote nodes and user-defined reserved identities carry their name in a label. */
function reservedOf(labels: readonly string[]): string | undefined {
  return labels.find(label => label.startsWith('reserved:'))?.slice('reserved:'.length)
}
