// SPDX-License-Identifier: Apache-2.0
/**
 * outbox.ts - sends changes of the cluster to the main thread in small batches, no faster than it applies them.
 *
 * In:    pending changes; the cluster; acknowledgements.
 * Out:   batches with the state of each key at the time of the batch: a pod that changes many times while the main thread is busy
 *        is published once.
 * Never: has more than MAX_IN_FLIGHT batches in flight, so the main thread's queue is bounded.
 */
import type { EndpointFacts, EntityChanges, IdentityFacts } from '../../datapath/identity/entity-changes.js'
import type { Cluster } from './cluster.js'
import type { PendingChanges } from './pending-changes.js'

/** About 100 kB, and 2 ms of copying on either side. */
const MAX_KEYS = 250
const MAX_IN_FLIGHT = 2

export class Outbox {
  readonly #cluster: Cluster
  readonly #pending: PendingChanges
  readonly #send: (changes: EntityChanges) => void
  #inFlight = 0
  #open = false
  #synced: 'no' | 'due' | 'published' = 'no'
  #scheduled = false

  /** `pending`: where `cluster` reports its changes. */
  constructor(cluster: Cluster, pending: PendingChanges, send: (changes: EntityChanges) => void) {
    this.#cluster = cluster
    this.#pending = pending
    this.#send = send
    pending.listen(() => this.#schedule())
  }

  /** Keys that wait for a batch. */
  get pending(): number {
    return this.#pending.keys
  }

  /** Starts sending. Until then changes accumulate: a pod is published once with its node's zone and its service, not thrice. */
  open(): void {
    this.#open = true
    this.#schedule()
  }

  /** The initial lists are complete: the batch that empties the outbox is marked `synced`. */
  synced(): void {
    if (this.#synced === 'no') this.#synced = 'due'
    this.#schedule()
  }

  /** The main thread has applied a batch. */
  acknowledged(): void {
    this.#inFlight--
    this.#flush()
  }

  close(): void {
    this.#open = false
  }

  /** Sends after the current turn: changes that were read together, or that one event caused, go into one batch. */
  #schedule(): void {
    if (this.#scheduled || !this.#open || this.#inFlight >= MAX_IN_FLIGHT) return
    this.#scheduled = true
    setImmediate(() => {
      this.#scheduled = false
      this.#flush()
    })
  }

  #flush(): void {
    while (this.#open && this.#inFlight < MAX_IN_FLIGHT && this.#hasWork()) {
      this.#inFlight++
      this.#send(this.#batch())
    }
  }

  #hasWork(): boolean {
    return !this.#pending.empty || this.#cluster.identities.pending > 0 || this.#synced === 'due'
  }

  #batch(): EntityChanges {
    const identities: IdentityFacts[] = this.#cluster.identities.publishCilium(MAX_KEYS)
    const removals: string[] = []
    const upserts: EndpointFacts[] = []
    for (const key of this.#pending.takeKeys(MAX_KEYS)) {
      const facts = this.#cluster.facts(key)
      const identity = facts && this.#cluster.identities.publish(key)
      if (identity !== undefined) identities.push(identity)
      if (facts === undefined) removals.push(key)
      else upserts.push(facts)
    }
    return { identities, removals, upserts, ...this.#whenDrained() }
  }

  /** The parts of a batch that must not overtake pending changes. */
  #whenDrained(): { forgotten: readonly number[]; synced: boolean } {
    if (this.#pending.keys > 0) return { forgotten: [], synced: false }
    const synced = this.#synced === 'due' && this.#cluster.identities.pending === 0
    if (synced) this.#synced = 'published'
    return { forgotten: this.#pending.takeForgotten(), synced }
  }
}
