// SPDX-License-Identifier: Apache-2.0
/**
 * pod-identities.ts - the security identity of each pod.
 *
 * In:    pods, the labels of their namespaces, and Cilium's identities and endpoints where the cluster has them.
 * Out:   Cilium's number if the pod's CiliumEndpoint has one; else a number that Weir allocates for the pod's labels.
 */
import type { IdentityFacts } from '../../datapath/identity/entity-changes.js'
import type { CiliumEndpointFacts, CiliumIdentityFacts } from '../object/cilium.js'
import { identityLabels } from '../object/labels.js'
import type { NamespaceFacts } from '../object/namespace.js'
import type { PodFacts } from '../object/pod.js'
import { type Identity, IdentityTable } from './identity-table.js'

export interface IdentityEvents {
  /** The identity of pod `key` changed. */
  changed(key: string): void
  forgotten(identity: number): void
  pods(): Iterable<PodFacts>
}

const NO_IDENTITY = { identity: 0, endpoint: 0 } as const

export class PodIdentities {
  readonly #events: IdentityEvents
  readonly #table: IdentityTable
  readonly #namespaces = new Map<string, NamespaceFacts>()
  readonly #ofPod = new Map<string, Identity>()
  readonly #ciliumIdentities = new Map<string, Identity>()
  readonly #ciliumEndpoints = new Map<string, CiliumEndpointFacts>()
  readonly #endpointOfPod = new Map<string, CiliumEndpointFacts>()
  /** Cilium's identities to publish even if no known pod has them: a record may carry one. */
  #unpublished: Identity[] = []

  constructor(events: IdentityEvents, firstIdentity?: number) {
    this.#events = events
    this.#table = new IdentityTable(number => events.forgotten(number), firstIdentity)
  }

  /** The number of the next new label set. */
  get nextNumber(): number {
    return this.#table.nextNumber
  }

  of(pod: string): { readonly identity: number; readonly endpoint: number } {
    const identity = this.#ofPod.get(pod)
    if (identity === undefined) return NO_IDENTITY
    return { identity: identity.number, endpoint: this.#endpointOfPod.get(pod)?.endpoint ?? 0 }
  }

  /** The pod's identity if it must be published before the pod. Marks it as published. */
  publish(pod: string): IdentityFacts | undefined {
    const identity = this.#ofPod.get(pod)
    return identity === undefined || identity.published ? undefined : markPublished(identity)
  }

  /** At most `max` of Cilium's identities that were not published yet. Marks them as published. */
  publishCilium(max: number): IdentityFacts[] {
    const taken = this.#unpublished.splice(0, max)
    return taken.filter(identity => !identity.published && identity.users > 0).map(markPublished)
  }
  get pending(): number {
    return this.#unpublished.length
  }

  putPod(pod: PodFacts, before: PodFacts | undefined): void {
    if (before === undefined || !this.#ofPod.has(pod.key) || before.labels.join() !== pod.labels.join()) {
      this.#identify(pod)
    }
  }

  dropPod({ key }: PodFacts): void {
    const identity = this.#ofPod.get(key)
    this.#ofPod.delete(key)
    if (identity !== undefined) this.#table.release(identity)
  }

  putNamespace(namespace: NamespaceFacts): void {
    const before = this.#namespaces.get(namespace.key)
    this.#namespaces.set(namespace.key, namespace)
    if (JSON.stringify(before?.labels ?? {}) !== JSON.stringify(namespace.labels)) this.#reidentifyAll(namespace.name)
  }

  /** Deletion events of its pods arrive on their own. */
  dropNamespace(key: string): void {
    this.#namespaces.delete(key)
  }

  putCiliumIdentity({ key, identity: number, labels }: CiliumIdentityFacts): void {
    if (this.#ciliumIdentities.has(key)) return
    const identity = this.#table.useNumber(number, labels)
    this.#ciliumIdentities.set(key, identity)
    if (!identity.published) this.#unpublished.push(identity)
  }

  dropCiliumIdentity(key: string): void {
    const identity = this.#ciliumIdentities.get(key)
    this.#ciliumIdentities.delete(key)
    if (identity !== undefined) this.#table.release(identity)
  }

  putCiliumEndpoint(endpoint: CiliumEndpointFacts, pod: PodFacts | undefined): void {
    this.#ciliumEndpoints.set(endpoint.key, endpoint)
    const before = this.#endpointOfPod.get(endpoint.pod)
    this.#endpointOfPod.set(endpoint.pod, endpoint)
    if (before?.identity === endpoint.identity && before.endpoint === endpoint.endpoint) return
    if (pod !== undefined) this.#reidentify(pod)
  }

  dropCiliumEndpoint(key: string, podOf: (uid: string) => PodFacts | undefined): void {
    const endpoint = this.#ciliumEndpoints.get(key)
    this.#ciliumEndpoints.delete(key)
    // A pod's new endpoint may arrive before the deletion of the old one.
    if (endpoint === undefined || this.#endpointOfPod.get(endpoint.pod)?.key !== key) return
    this.#endpointOfPod.delete(endpoint.pod)
    const pod = podOf(endpoint.pod)
    if (pod !== undefined) this.#reidentify(pod)
  }

  #reidentifyAll(namespace: string): void {
    for (const pod of this.#events.pods()) if (pod.namespace === namespace) this.#reidentify(pod)
  }

  #reidentify(pod: PodFacts): void {
    this.#identify(pod)
    this.#events.changed(pod.key)
  }

  #identify(pod: PodFacts): void {
    const before = this.#ofPod.get(pod.key)
    this.#ofPod.set(pod.key, this.#use(pod))
    if (before !== undefined) this.#table.release(before)
  }

  #use({ key, namespace, labels }: PodFacts): Identity {
    const cilium = this.#endpointOfPod.get(key)
    if (cilium !== undefined) return this.#table.useNumber(cilium.identity, cilium.labels)
    const { labels: namespaceLabels } = this.#namespaces.get(`namespace/${namespace}`) ?? {}
    return this.#table.useLabels(identityLabels(labels, namespace, namespaceLabels))
  }
}

function markPublished(identity: Identity): IdentityFacts {
  identity.published = true
  return { identity: identity.number, labels: identity.labels }
}
