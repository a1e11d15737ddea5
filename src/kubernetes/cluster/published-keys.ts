/**
 * published-keys.ts - what a worker that died had told, so that what the next one does not know can be forgotten.
 *
 * In:    when it died, the keys that are in force; every batch.
 * Out:   with the next one's first picture: keys and identities that it does not know any more.
 * Never: holds keys but between the two.
 */
import type { EntityChanges } from '../../datapath/identity/entity-changes.js'

export class PublishedKeys {
  readonly #identities = new Set<number>()
  /** In force, and not told again since. */
  #unconfirmed: Set<string> | undefined
  #unconfirmedIdentities = new Set<number>()

  /** The worker is gone, and all that it told has been applied: `keys` are in doubt until a picture is complete. */
  startResync(keys: Iterable<string>): void {
    this.#unconfirmed = new Set(keys)
    this.#unconfirmedIdentities = new Set(this.#identities)
  }

  /** The batch as it has to be applied. */
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
