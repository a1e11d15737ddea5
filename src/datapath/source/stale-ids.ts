// SPDX-License-Identifier: Apache-2.0
/**
 * stale-ids.ts - the kernel's `stale_entities`: retired entity ids that connections may still use.
 *
 * In:    ids that became stale, from the entities; the result of each flush; ids that are reused.
 * Out:   one bit an id in the kernel; to the entities, how many stale ids the kernel no longer uses.
 * Fail:  throws the kernel's error; the next call writes the bits.
 */
import type { Entities } from '../identity/entities.js'
import { MAX_ENTITIES } from '../identity/entity-ids.js'
import type { BpfObject } from './native.js'

const BITS = 64
const BYTES = BITS / 8

export class StaleIds {
  readonly #object: BpfObject
  readonly #entities: Entities
  readonly #bits = new Uint8Array(MAX_ENTITIES / 8)
  /** Indices of 64-bit words to write to the kernel. */
  readonly #changed = new Set<number>()
  #count = 0
  #published = 0
  #released = 0

  constructor(object: BpfObject, entities: Entities) {
    this.#object = object
    this.#entities = entities
    entities.release(0)
  }

  /** Whether any id is stale. */
  get any(): boolean {
    return this.#count > 0
  }

  /** Whether connections in the kernel may still use a published stale id. */
  get unreleased(): boolean {
    return this.#released < this.#published
  }

  /** Number of stale ids written to the kernel so far. */
  get published(): number {
    return this.#published
  }

  /** Writes the bits of ids that became stale since the last call. */
  publish(): void {
    for (const id of this.#entities.takeStale()) this.#mark(id, true)
    this.#write()
    this.#published = this.#entities.staleTotal
  }

  /** A complete pass, started when `published` ids were in the kernel, found no connection of theirs. */
  released(published: number): void {
    this.#released = published
    this.#entities.release(published)
  }

  /** Clears the bits of ids that are reused. */
  clear(ids: readonly number[]): void {
    for (const id of ids) this.#mark(id, false)
    this.#write()
  }

  #mark(id: number, on: boolean): void {
    const bit = 1 << (id & 7)
    if (((this.#bits[id >> 3]! & bit) !== 0) === on) return
    this.#bits[id >> 3]! ^= bit
    this.#count += on ? 1 : -1
    this.#changed.add(Math.floor(id / BITS))
  }

  #write(): void {
    if (this.#changed.size === 0) return
    const words = [...this.#changed]
    const values = new Uint8Array(words.length * BYTES)
    words.forEach((at, i) => {
      values.set(this.#bits.subarray(at * BYTES, (at + 1) * BYTES), i * BYTES)
    })
    this.#object.update('stale_entities', new Uint8Array(Uint32Array.from(words).buffer), values, words.length)
    this.#changed.clear()
  }
}
