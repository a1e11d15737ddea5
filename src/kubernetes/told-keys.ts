/**
 * told-keys.ts - what the main thread was told of, so that a new worker can be told of what it must forget.
 *
 * In:    every batch.
 * Out:   after a worker's end and the next one's first picture: keys and identities that it does not know any more.
 * Never: holds more than the keys that are in force; they are the strings that the entities hold, too.
 */
import type { EntityChanges } from '../datapath/entity-changes.js'

export class ToldKeys {
  readonly #keys = new Set<string>()
  readonly #identities = new Set<number>()
  #oldKeys: Set<string> | undefined
  #oldIdentities = new Set<number>()

  /** The worker is gone: what was told is in doubt until the next one's first picture is complete. */
  doubt(): void {
    this.#oldKeys = new Set([...this.#keys, ...(this.#oldKeys ?? [])])
    this.#oldIdentities = new Set([...this.#identities, ...this.#oldIdentities])
  }

  /** The batch as it has to be applied. */
  take(changes: EntityChanges): EntityChanges {
    for (const key of changes.removals) this.#forget(key)
    for (const { key } of changes.upserts) {
      this.#keys.add(key)
      this.#oldKeys?.delete(key)
    }
    for (const number of changes.forgotten) this.#identities.delete(number)
    for (const { identity } of changes.identities) {
      this.#identities.add(identity)
      this.#oldIdentities.delete(identity)
    }
    return changes.synced && this.#oldKeys !== undefined ? this.#settled(changes, this.#oldKeys) : changes
  }

  #settled(changes: EntityChanges, gone: ReadonlySet<string>): EntityChanges {
    const identities = [...this.#oldIdentities]
    for (const key of gone) this.#keys.delete(key)
    for (const number of identities) this.#identities.delete(number)
    this.#oldKeys = undefined
    this.#oldIdentities = new Set()
    const removals = [...changes.removals, ...gone]
    return { ...changes, removals, forgotten: [...changes.forgotten, ...identities] }
  }

  #forget(key: string): void {
    this.#keys.delete(key)
    this.#oldKeys?.delete(key)
  }
}
