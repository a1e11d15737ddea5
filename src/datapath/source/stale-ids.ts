/**
 * stale-ids.ts - the kernel's `stale_entities`: rows whose names ended, until no connection bears them.
 *
 * In:    rows that the entities retired; how the sweeps went; rows that stand for others from now on.
 * Out:   a bit a row in the kernel; word to the entities of how far the kernel has let go.
 * Fail:  throws what the kernel says; the bits are written next time.
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
  /** Words that the kernel does not have yet. */
  readonly #changed = new Set<number>()
  #set = 0
  #told = 0
  #released = 0

  constructor(object: BpfObject, entities: Entities) {
    this.#object = object
    this.#entities = entities
    entities.release(0)
  }

  /** Whether there are any. */
  get some(): boolean {
    return this.#set > 0
  }

  /** Whether the kernel may still hold connections of some. */
  get held(): boolean {
    return this.#released < this.#told
  }

  /** Rows ever retired whose bits the kernel has. */
  get told(): number {
    return this.#told
  }

  /** Write the bits of rows that were retired since the last time. */
  tell(): void {
    for (const row of this.#entities.takeStale()) this.#mark(row, true)
    this.#write()
    this.#told = this.#entities.staleTotal
  }

  /** A whole pass that began with `told` rows of now met no connection of theirs. */
  released(told: number): void {
    this.#released = told
    this.#entities.release(told)
  }

  /** These rows stand for others from now on. */
  clear(rows: readonly number[]): void {
    for (const row of rows) this.#mark(row, false)
    this.#write()
  }

  #mark(row: number, on: boolean): void {
    const bit = 1 << (row & 7)
    if (((this.#bits[row >> 3]! & bit) !== 0) === on) return
    this.#bits[row >> 3]! ^= bit
    this.#set += on ? 1 : -1
    this.#changed.add(Math.floor(row / BITS))
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
