/**
 * entity-changes.ts - what became known of the cluster: the batches by which entities learn and forget names.
 *
 * In:    whoever knows a cluster: the Kubernetes watch (src/kubernetes), an inventory file.
 * Out:   changes of what stands at addresses, never the whole state; one batch is at most a few hundred entries.
 *
 * Rules: a batch is applied in the order identities, removals, upserts, forgotten.
 *        An upsert replaces all that was said of its key. An address told for a key is that key's from then on, whoever
 *        had it; a key that lets go of an address which is another's already changes nothing. So batches that split
 *        "A lets go of X, B takes X" are right in either order.
 *        A key's removal names an end, not a silence: its names may stay for a while, its addresses go at once.
 */
import type { Workload } from './workload.js'

export const ENDPOINT_KINDS = ['pod', 'node', 'service', 'apiserver', 'cidr'] as const
export type EndpointKind = (typeof ENDPOINT_KINDS)[number]

/** What stands at addresses, under a key that is never used for another. */
export interface EndpointFacts {
  /** A pod's uid; `node/NAME`, `service/NAMESPACE/NAME`, `apiserver`, `cidr/NAME`. */
  readonly key: string
  readonly kind: EndpointKind
  /**
   * The addresses that are its own, canonical text (RFC 5952, dotted for IPv4). A node's include its pod CIDRs'
   * gateways; a service's are its ClusterIPs, external and load balancer addresses.
   */
  readonly ips: readonly string[]
  /** A node's pod CIDRs (what is in them and unknown may become a pod); a CIDR group's own prefixes; else none. */
  readonly prefixes: readonly string[]
  readonly namespace: string
  /** Pods only. */
  readonly pod: string
  /** Pods only: who controls it, by Weir's rules for pods of any node. */
  readonly workload: Workload | undefined
  /** The same by Hubble's rules, for flows and hubble_*; missing where it is the same, null for none. */
  readonly hubbleWorkload?: Workload | null
  /** Of the labels app.kubernetes.io/name, k8s-app, app, the first that a pod has; '' without. */
  readonly app: string
  /** A service's own name; a pod's: the service that it is a backend of, the first by name of several; '' without. */
  readonly service: string
  /** The node that it runs on; a node's own name. */
  readonly node: string
  /** The node's topology.kubernetes.io/zone. */
  readonly zone: string
  /** 1 this node, 6 another, 7 the API server, a pod's as `identities` tell it; 0 for services and CIDR groups. */
  readonly identity: number
  /** A pod of this node, or this node. */
  readonly local: boolean
  /** The endpoint's number on this node, pods of this node only; else 0. */
  readonly endpoint: number
  /** A service's (protocol, port); none of anything else. Every one holds for every address of the service. */
  readonly ports: readonly ServicePort[]
}

export interface ServicePort {
  readonly protocol: 'TCP' | 'UDP' | 'SCTP'
  readonly port: number
}

/** Labels of an identity number. It never changes them, and is told before the first endpoint that has it. */
export interface IdentityFacts {
  readonly identity: number
  /** `k8s:key=value`, sorted. */
  readonly labels: readonly string[]
}

export interface EntityChanges {
  readonly identities: readonly IdentityFacts[]
  /** Keys of what is there no more. */
  readonly removals: readonly string[]
  readonly upserts: readonly EndpointFacts[]
  /** Identities that no endpoint has any more. */
  readonly forgotten: readonly number[]
  /** With the batch that completes the first picture of the cluster. */
  readonly synced: boolean
}

/** What is said of something of which nothing is known: that which says less than a pod adds to it. */
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

/** A batch that says nothing. */
export const NO_CHANGES: EntityChanges = { identities: [], removals: [], upserts: [], forgotten: [], synced: false }
