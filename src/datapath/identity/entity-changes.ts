// SPDX-License-Identifier: Apache-2.0
/**
 * entity-changes.ts - batches of changes that add, rename and remove entities.
 *
 * In:    a source of names: the Kubernetes watch (src/kubernetes) or an inventory file.
 * Out:   differences, never the whole state; a batch has a few hundred entries at most.
 *
 * Rules: a batch is applied in the order identities, removals, upserts, forgotten.
 *        An upsert replaces everything stored for its key. The latest upsert with an address owns it; removing an address
 *        that another key owns by then changes nothing. So a move of an address is right in either order.
 *        Removing a key frees its addresses at once; its names are kept for the TTL.
 */
import type { Workload } from './workload.js'

export const ENDPOINT_KINDS = ['pod', 'node', 'service', 'apiserver', 'cidr'] as const
export type EndpointKind = (typeof ENDPOINT_KINDS)[number]

/** An endpoint, under a key that is never reused. */
export interface EndpointFacts {
  /** A pod's uid; `node/NAME`, `service/NAMESPACE/NAME`, `apiserver`, `cidr/NAME`. */
  readonly key: string
  readonly kind: EndpointKind
  /**
   * Its addresses as canonical text (RFC 5952, dotted for IPv4). A node's include the gateways of its pod CIDRs; a
   * Service's are its ClusterIPs, external and load balancer addresses.
   */
  readonly ips: readonly string[]
  /** A node's pod CIDRs, in which an unknown address may become a pod; a CIDR group's prefixes; else none. */
  readonly prefixes: readonly string[]
  readonly namespace: string
  /** Pods only. */
  readonly pod: string
  /** Pods only: the controller, by Weir's rules, for pods of any node. */
  readonly workload: Workload | undefined
  /** The controller by Hubble's rules, for flows and hubble_*; missing if it is the same, null for none. */
  readonly hubbleWorkload?: Workload | null
  /** Value of the first of the labels app.kubernetes.io/name, k8s-app and app that a pod has; '' without one. */
  readonly app: string
  /** A Service's own name; of a pod the first Service, by name, that has it as a backend; '' without one. */
  readonly service: string
  /** The node that it runs on; a node's own name. */
  readonly node: string
  /** The node's topology.kubernetes.io/zone. */
  readonly zone: string
  /** 1 this node, 6 another node, 7 the API server; of a pod one in `identities`; SERVICE_IDENTITY; 0 for CIDR groups. */
  readonly identity: number
  /** A pod of this node, or this node. */
  readonly local: boolean
  /** The endpoint's number on this node, pods of this node only; else 0. */
  readonly endpoint: number
  /** Ports of a Service, valid at each of its addresses; empty for other kinds. */
  readonly ports: readonly ServicePort[]
}

export interface ServicePort {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP'
  readonly port: number
}

/** Labels of an identity. They never change, and come before the first endpoint with the identity. */
export interface IdentityFacts {
  readonly identity: number
  /** `k8s:key=value`, sorted. */
  readonly labels: readonly string[]
}

export interface EntityChanges {
  readonly identities: readonly IdentityFacts[]
  /** Keys of removed endpoints. */
  readonly removals: readonly string[]
  readonly upserts: readonly EndpointFacts[]
  /** Identities that no endpoint uses any longer. */
  readonly forgotten: readonly number[]
  /** Set in the batch that completes the first sync. */
  readonly synced: boolean
}

/** Facts about an endpoint without any; kinds with fewer facts than a pod start from it. */
export const BARE_FACTS = {
  ips: [],
  prefixes: [],
  namespace: '',
  pod: '',
  workload: undefined,
  app: '',
  service: '',
  node: '',
  zone: '',
  identity: 0,
  local: false,
  endpoint: 0,
  ports: [],
} as const satisfies Omit<EndpointFacts, 'key' | 'kind'>

/** An empty batch. */
export const NO_CHANGES: EntityChanges = { identities: [], removals: [], upserts: [], forgotten: [], synced: false }
