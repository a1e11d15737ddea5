// SPDX-License-Identifier: Apache-2.0
/**
 * cluster.ts - the current state of the cluster: which endpoint has which addresses and names.
 *
 * In:    the facts of one object, or the key of a deleted one.
 * Out:   keys of endpoints to publish again; facts(key), computed on demand, so that changes in between cost nothing.
 * Never: holds deleted objects. About 1 kB per pod, addresses and identity included.
 */
import { BARE_FACTS, type EndpointFacts } from '../../datapath/identity/entity-changes.js'
import { SERVICE_IDENTITY } from '../../datapath/identity/identity.js'
import type { SliceFacts } from '../object/endpoint-slice.js'
import { type NodeFacts, nodeKey } from '../object/node.js'
import { isSame, type PodFacts } from '../object/pod.js'
import type { FactsByResource, ResourceName } from '../object/resource.js'
import type { ServiceFacts } from '../object/service.js'
import { AddressBook, Priority } from './address-book.js'
import { Backends } from './backends.js'
import { EndpointNumbers } from './endpoint-numbers.js'
import { PodIdentities } from './pod-identities.js'

/** Cilium's reserved identities. */
const HOST = 1
const REMOTE_NODE = 6
const API_SERVER = 7
const API_SERVER_KEY = 'apiserver'
const NONE: readonly never[] = []

export interface ClusterEvents {
  /** The endpoint of `key` changed or was deleted. */
  changed(key: string): void
  /** No pod has this identity any more. */
  forgotten(identity: number): void
}

export class Cluster {
  readonly identities: PodIdentities
  readonly #thisNode: string
  readonly #changed: (key: string) => void
  readonly #pods = new Map<string, PodFacts>()
  readonly #nodes = new Map<string, NodeFacts>()
  readonly #services = new Map<string, ServiceFacts>()
  readonly #apiServers = new Map<string, SliceFacts>()
  readonly #podsOf = new Map<string, Set<string>>()
  readonly #backends: Backends
  readonly #book = new AddressBook()
  readonly #numbers = new EndpointNumbers()

  /** `firstIdentity`: the first identity number that Weir allocates itself. */
  constructor(thisNode: string, events: ClusterEvents, firstIdentity?: number) {
    this.#thisNode = thisNode
    this.#changed = key => events.changed(key)
    this.#backends = new Backends(this.#changed)
    this.identities = new PodIdentities(
      { changed: this.#changed, forgotten: number => events.forgotten(number), pods: () => this.#pods.values() },
      firstIdentity,
    )
  }

  /** Adds or updates an object. */
  put<Name extends ResourceName>(name: Name, facts: FactsByResource[Name]): void {
    this.#puts[name](facts)
  }

  /** Removes an object. */
  drop(name: ResourceName, key: string): void {
    this.#drops[name](key)
  }

  /** The endpoint of `key`; undefined when it does not exist, or is a pod without an address. */
  facts(key: string): EndpointFacts | undefined {
    const pod = this.#pods.get(key)
    if (pod !== undefined) return pod.ips.length === 0 ? undefined : this.#podFacts(pod)
    const node = this.#nodes.get(key)
    if (node !== undefined) return this.#nodeFacts(node)
    const service = this.#services.get(key)
    if (service !== undefined) return this.#serviceFacts(service)
    return key === API_SERVER_KEY && this.#apiServers.size > 0 ? this.#apiServerFacts() : undefined
  }

  readonly #puts: { readonly [Name in ResourceName]: (facts: FactsByResource[Name]) => void } = {
    pods: pod => this.#putPod(pod),
    nodes: node => this.#putNode(node),
    services: service => this.#putService(service),
    endpointslices: slice => this.#putSlice(slice),
    namespaces: namespace => this.identities.putNamespace(namespace),
    ciliumidentities: identity => this.identities.putCiliumIdentity(identity),
    ciliumendpoints: endpoint => this.identities.putCiliumEndpoint(endpoint, this.#pods.get(endpoint.pod)),
  }

  readonly #drops: { readonly [Name in ResourceName]: (key: string) => void } = {
    pods: key => this.#dropPod(key),
    nodes: key => this.#dropNode(key),
    services: key => this.#dropService(key),
    endpointslices: key => this.#dropSlice(key),
    namespaces: key => this.identities.dropNamespace(key),
    ciliumidentities: key => this.identities.dropCiliumIdentity(key),
    ciliumendpoints: key => this.identities.dropCiliumEndpoint(key, uid => this.#pods.get(uid)),
  }

  #putPod(pod: PodFacts): void {
    const before = this.#pods.get(pod.key)
    if (before !== undefined && isSamePod(before, pod)) return
    this.#pods.set(pod.key, pod)
    this.identities.putPod(pod, before)
    this.#claim(before?.ips ?? NONE, pod.ips, pod, Priority.pod)
    if (before?.node !== pod.node) {
      this.#podsOf.get(before?.node ?? '')?.delete(pod.key)
      addTo(this.#podsOf, pod.node, pod.key)
    }
    if (pod.node === this.#thisNode) this.#numbers.take(pod.key)
    // Most pods are seen before they have an address; there is nothing to publish then.
    if (hasAddress(before) || hasAddress(pod)) this.#changed(pod.key)
  }

  #dropPod(key: string): void {
    const pod = this.#pods.get(key)
    if (pod === undefined) return
    // Must be published as removed before its address is published for another pod.
    if (hasAddress(pod)) this.#changed(key)
    this.#pods.delete(key)
    this.#claim(pod.ips, NONE, pod, Priority.pod)
    this.identities.dropPod(pod)
    this.#podsOf.get(pod.node)?.delete(key)
    if (this.#podsOf.get(pod.node)?.size === 0) this.#podsOf.delete(pod.node)
    this.#numbers.free(key)
  }

  #putNode(node: NodeFacts): void {
    const before = this.#nodes.get(node.key)
    if (before !== undefined && sameJson(before, node)) return
    this.#nodes.set(node.key, node)
    const priority = node.name === this.#thisNode ? Priority.thisNode : Priority.node
    this.#claim(before?.gateways ?? NONE, node.gateways, node, Priority.gateway)
    this.#claim(before?.ips ?? NONE, node.ips, node, priority)
    if ((before?.zone ?? '') !== node.zone) this.#podsOf.get(node.name)?.forEach(this.#changed)
    this.#changed(node.key)
  }

  #dropNode(key: string): void {
    const node = this.#nodes.get(key)
    if (node === undefined) return
    this.#changed(key)
    this.#nodes.delete(key)
    this.#claim([...node.gateways, ...node.ips], NONE, node, Priority.node)
    if (node.zone !== '') this.#podsOf.get(node.name)?.forEach(this.#changed)
  }

  #putService(service: ServiceFacts): void {
    const before = this.#services.get(service.key)
    if (before !== undefined && sameJson(before, service)) return
    this.#services.set(service.key, service)
    this.#claim(before?.ips ?? NONE, service.ips, service, Priority.service)
    this.#changed(service.key)
  }

  #dropService(key: string): void {
    const service = this.#services.get(key)
    if (service === undefined) return
    this.#changed(key)
    this.#services.delete(key)
    this.#claim(service.ips, NONE, service, Priority.service)
  }

  #putSlice(slice: SliceFacts): void {
    this.#backends.put(slice)
    if (slice.ips.length === 0 && !this.#apiServers.has(slice.key)) return
    const before = this.#apiServerIps()
    this.#apiServers.set(slice.key, slice)
    this.#claim(before, this.#apiServerIps(), { key: API_SERVER_KEY }, Priority.apiserver)
    this.#changed(API_SERVER_KEY)
  }

  #dropSlice(key: string): void {
    this.#backends.drop(key)
    if (!this.#apiServers.has(key)) return
    const before = this.#apiServerIps()
    this.#apiServers.delete(key)
    this.#claim(before, this.#apiServerIps(), { key: API_SERVER_KEY }, Priority.apiserver)
    this.#changed(API_SERVER_KEY)
  }

  #claim(
    before: readonly string[],
    after: readonly string[],
    claimant: { readonly key: string },
    priority: Priority,
  ): void {
    for (const ip of before) if (!after.includes(ip)) this.#book.release(ip, claimant.key, this.#changed)
    for (const ip of after) this.#book.claim(ip, claimant, priority, this.#changed)
  }

  #owned(ips: readonly string[], key: string): readonly string[] {
    return ips.every(ip => this.#book.isOwner(ip, key)) ? ips : ips.filter(ip => this.#book.isOwner(ip, key))
  }

  #podFacts(pod: PodFacts): EndpointFacts {
    const local = pod.node === this.#thisNode
    const { identity, endpoint } = this.identities.of(pod.key)
    return {
      key: pod.key,
      kind: 'pod',
      ips: this.#owned(pod.ips, pod.key),
      prefixes: NONE,
      namespace: pod.namespace,
      pod: pod.name,
      workload: pod.workload,
      ...(!isSame(pod.workload, pod.hubble) && { hubbleWorkload: pod.hubble ?? null }),
      app: pod.app,
      service: this.#backends.serviceOf(pod.key),
      node: pod.node,
      zone: this.#zoneOf(pod.node),
      identity,
      local,
      endpoint: local ? endpoint || this.#numbers.of(pod.key) : 0,
      ports: NONE,
    }
  }

  #nodeFacts(node: NodeFacts): EndpointFacts {
    const local = node.name === this.#thisNode
    const ips = this.#owned([...new Set([...node.ips, ...node.gateways])], node.key)
    const { key, name, zone, prefixes } = node
    const identity = local ? HOST : REMOTE_NODE
    return { ...BARE_FACTS, key, kind: 'node', ips, prefixes, node: name, zone, identity, local }
  }

  #serviceFacts({ key, namespace, name, ips, ports }: ServiceFacts): EndpointFacts {
    const identity = SERVICE_IDENTITY
    return {
      ...BARE_FACTS,
      key,
      kind: 'service',
      ips: this.#owned(ips, key),
      namespace,
      service: name,
      identity,
      ports,
    }
  }

  #apiServerFacts(): EndpointFacts {
    const ips = this.#owned(this.#apiServerIps(), API_SERVER_KEY)
    return { ...BARE_FACTS, key: API_SERVER_KEY, kind: 'apiserver', ips, identity: API_SERVER }
  }

  #apiServerIps(): string[] {
    return [...new Set([...this.#apiServers.values()].flatMap(slice => slice.ips))]
  }

  #zoneOf(node: string): string {
    return this.#nodes.get(nodeKey(node))?.zone ?? ''
  }
}

function hasAddress(pod: PodFacts | undefined): boolean {
  return pod !== undefined && pod.ips.length > 0
}

/** Most pod status updates do not touch fields we store. */
function isSamePod(a: PodFacts, b: PodFacts): boolean {
  return (
    a.node === b.node &&
    a.started === b.started &&
    a.terminating === b.terminating &&
    a.app === b.app &&
    isSame(a.workload, b.workload) &&
    isSame(a.hubble, b.hubble) &&
    sameList(a.ips, b.ips) &&
    sameList(a.labels, b.labels)
  )
}

function sameList(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((text, i) => text === b[i])
}

function sameJson(a: object, b: object): boolean {
  return JSON.stringify(a) === JSON.stringify(b)
}

function addTo(sets: Map<string, Set<string>>, name: string, key: string): void {
  const set = sets.get(name)
  if (set === undefined) sets.set(name, new Set([key]))
  else set.add(key)
}
