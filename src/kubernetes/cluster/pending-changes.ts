// SPDX-License-Identifier: Apache-2.0
/**
 * pending-changes.ts - what changed in the cluster since the last batch.
 *
 * In:    keys of changed endpoints; identities that no pod has any more.
 * Out:   both, until the outbox takes them into a batch.
 * Never: holds more than one key for each object that exists or existed at the last batch.
 */
import type { ClusterEvents } from './cluster.js'

export class PendingChanges implements ClusterEvents {
  readonly #keys = new Set<string>()
  #forgotten: number[] = []
  #listener: () => void = () => {}

  /** Calls `listener` after each change from now on. */
  listen(listener: () => void): void {
    this.#listener = listener
  }

  get keys(): number {
    return this.#keys.size
  }
  get empty(): boolean {
    return this.#keys.size === 0 && this.#forgotten.length === 0
  }

  changed(key: string): void {
    this.#keys.add(key)
    this.#listener()
  }

  forgotten(identity: number): void {
    this.#forgotten.push(identity)
    this.#listener()
  }

  /** Takes out at most `max` keys, oldest first. */
  takeKeys(max: number): string[] {
    const keys: string[] = []
    for (const key of this.#keys) {
      this.#keys.delete(key)
      keys.push(key)
      if (keys.length >= max) break
    }
    return keys
  }

  /** Takes out all forgotten identities. */
  takeForgotten(): readonly number[] {
    const forgotten = this.#forgotten
    this.#forgotten = []
    return forgotten
  }
}
