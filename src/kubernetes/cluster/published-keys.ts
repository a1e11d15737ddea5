// SPDX-License-Identifier: Apache-2.0
/**
 * published-keys.ts - after a worker restart, finds what the previous worker published and the new one does not know.
 *
 * In:    the known keys when the worker dies; every batch.
 * Out:   when the new worker has synced: removals of keys and identities that it did not publish.
 * Never: holds keys outside a resync.
 */
import type { EntityChanges } from '../../datapath/identity/entity-changes.js'

export class PublishedKeys {
  readonly #identities = new Set<number>()
  /** Known keys that the new worker has not published yet; undefined outside a resync. */
  #unconfirmed: Set<string> | undefined
  #unconfirmedIdentities = new Set<number>()

  /** The worker died, and all its batches are applied. `keys` are unconfirmed until the new one has synced. */
  startResync(keys: Iterable<string>): void {
    this.#unconfirmed = new Set(keys)
    this.#unconfirmedIdentities = new Set(this.#identities)
  }

  /** Returns the batch to apply: with the removals of a completed resync added. */
  reconcile(changes: EntityChanges): EntityChanges {
    for (const key of changes.removals) this.#unconfirmed?.delete(key)
    for (const { key } of changes.upserts) this.#unconfirmed?.delete(key)
    for (const number of changes.forgotten) this.#identities.delete(number)
    for (const { identity } of changes.identities) {
      this.#identities.add(identity)
      this.#unconfirmedIdentities.delete(identity)
    }
    return changes.synced && this.#unconfirmed !== undefined ? this.#finishResync(changes, this.#unconfirmed) : changes
  }

  #finishResync(changes: EntityChanges, gone: ReadonlySet<string>): EntityChanges {
    const identities = [...this.#unconfirmedIdentities]
    for (const number of identities) this.#identities.delete(number)
    this.#unconfirmed = undefined
    this.#unconfirmedIdentities = new Set()
    const removals = [...changes.removals, ...gone]
    return { ...changes, removals, forgotten: [...changes.forgotten, ...identities] }
  }
}
