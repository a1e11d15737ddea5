/**
 * outbox.ts - changes on their way to the main thread: few, small, and never more than it takes.
 *
 * In:    keys of what changed; acknowledgements.
 * Out:   batches of what those keys stand for when the batch is made: however often a pod changes while the main thread
 *        is busy, it is told once.
 * Never: has more than MOST_OUT batches on the way, so the queue of the main thread is bounded; what waits is one key
 *        for each object that there is, or was at the last batch.
 */
import type { EndpointFacts, EntityChanges, IdentityFacts } from '../../datapath/identity/entity-changes.js'
import type { Cluster, ClusterEvents } from './cluster.js'

/** About 100 kB and 2 ms of copying on either side. */
const MAX_KEYS = 250
const MAX_IN_FLIGHT = 2

export class Outbox implements ClusterEvents {
  readonly #send: (changes: EntityChanges) => void
  readonly #dirty = new Set<string>()
  #forgotten: number[] = []
  #inFlight = 0
  #open = false
  #synced: 'no' | 'due' | 'told' = 'no'
  #scheduled = false

  constructor(send: (changes: EntityChanges) => void) {
    this.#send = send
  }

  /** Whose changes these are; once. */
  cluster: Cluster | undefined

  get pending(): number {
    return this.#dirty.size
  }

  changed(key: string): void {
    this.#dirty.add(key)
    this.#schedule()
  }

  forgotten(identity: number): void {
    this.#forgotten.push(identity)
    this.#schedule()
  }

  /** Nothing leaves before this: a pod is told once, with its node's zone and its service, not thrice. */
  open(): void {
    this.#open = true
    this.#schedule()
  }

  /** The first picture is complete: the batch that empties the outbox says so. */
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

  /** What was read at once is told together, as all that one event changes. */
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
    const identities = this.cluster?.identities.pending ?? 0
    return this.#dirty.size > 0 || this.#forgotten.length > 0 || identities > 0 || this.#synced === 'due'
  }

  #batch(): EntityChanges {
    const identities: IdentityFacts[] = this.cluster?.identities.publishCilium(MAX_KEYS) ?? []
    const removals: string[] = []
    const upserts: EndpointFacts[] = []
    for (const key of this.#dirty) {
      this.#dirty.delete(key)
      const facts = this.cluster?.facts(key)
      const identity = facts && this.cluster?.identities.publish(key)
      if (identity !== undefined) identities.push(identity)
      if (facts === undefined) removals.push(key)
      else upserts.push(facts)
      if (removals.length + upserts.length >= MAX_KEYS) break
    }
    return { identities, removals, upserts, ...this.#closing() }
  }

  /** What may only be said when nothing before it waits. */
  #closing(): { forgotten: readonly number[]; synced: boolean } {
    if (this.#dirty.size > 0) return { forgotten: [], synced: false }
    const forgotten = this.#forgotten
    this.#forgotten = []
    const synced = this.#synced === 'due' && (this.cluster?.identities.pending ?? 0) === 0
    if (synced) this.#synced = 'told'
    return { forgotten, synced }
  }
}
