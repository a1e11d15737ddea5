// SPDX-License-Identifier: Apache-2.0
/**
 * cache.ts - a cache of series slots by four numbers: the key of an increment to the slots it adds to.
 *
 * In:    (source entity, destination entity, kind, endpoints number), each an unsigned 32-bit number.
 * Out:   an entry of cells: its key, then one slot for each column, `UNSET` until its series is looked up.
 * Never: grows past its limit: it is cleared then, and slots are looked up by label values again.
 *
 * A key and its first slots share a CPU cache line. With the keys in an array of their own a record costs a tenth more.
 */
import { hash4 } from '../../lib/hash.js'

export const UNSET = -1
/** All pairs of 512 entities. */
export const DEFAULT_LIMIT = 262_144
/** Cells of an entry's key. */
export const KEY = 4

export class Cache {
  readonly #limit: number
  /** Cells of an entry. */
  readonly #width: number
  #capacity = 1024
  /** Open addressing, at most half full: entry numbers by hash. */
  #table = new Int32Array(this.#capacity).fill(UNSET)
  #size = 0
  /** All entries: the slot of a column is at entry * (KEY + columns) + KEY + column. */
  cells: Int32Array

  /** `limit` entries of 4 * (KEY + columns) bytes, and 4 to 8 more each for the hash table. */
  constructor(columns: number, limit = DEFAULT_LIMIT) {
    this.#limit = limit
    this.#width = KEY + columns
    this.cells = new Int32Array((this.#capacity / 2) * this.#width).fill(UNSET)
  }

  /** Entries. */
  get size(): number {
    return this.#size
  }

  source(entry: number): number {
    return this.cells[entry * this.#width]! >>> 0
  }
  destination(entry: number): number {
    return this.cells[entry * this.#width + 1]! >>> 0
  }
  kind(entry: number): number {
    return this.cells[entry * this.#width + 2]! >>> 0
  }
  endpoints(entry: number): number {
    return this.cells[entry * this.#width + 3]! >>> 0
  }

  /** HOT: the entry of a key, added if new. `npm run bench reduce-weir` */
  entry(source: number, destination: number, kind: number, endpoints = 0): number {
    const { cells } = this
    const table = this.#table
    const width = this.#width
    const mask = this.#capacity - 1
    let at = hash4(source, destination, kind, endpoints) & mask
    for (;;) {
      const entry = table[at]!
      if (entry === UNSET) return this.#add(at, source, destination, kind, endpoints)
      const key = entry * width
      const same = cells[key] === (source | 0) && cells[key + 1] === (destination | 0)
      if (same && cells[key + 2] === (kind | 0) && cells[key + 3] === (endpoints | 0)) return entry
      at = (at + 1) & mask
    }
  }

  /** Removes all entries: after a change of names or families. */
  clear(): void {
    this.#table.fill(UNSET)
    this.cells.fill(UNSET)
    this.#size = 0
  }

  /** Unsets the slots that are 1 in `stale`, by slot: their series were removed. */
  evictSlots(stale: Uint8Array): void {
    const { cells } = this
    for (let entry = 0; entry < this.#size; entry++) {
      const end = (entry + 1) * this.#width
      for (let cell = end - this.#width + KEY; cell < end; cell++) if (stale[cells[cell]!] === 1) cells[cell] = UNSET
    }
  }

  #add(at: number, source: number, destination: number, kind: number, endpoints: number): number {
    if (this.#size === this.#limit) {
      this.clear()
      return this.entry(source, destination, kind, endpoints)
    }
    if (this.#size === this.#capacity / 2) {
      this.#grow()
      return this.entry(source, destination, kind, endpoints)
    }
    const entry = this.#size++
    const key = entry * this.#width
    this.#table[at] = entry
    this.cells[key] = source
    this.cells[key + 1] = destination
    this.cells[key + 2] = kind
    this.cells[key + 3] = endpoints
    return entry
  }

  #grow(): void {
    const cells = new Int32Array(this.cells.length * 2).fill(UNSET)
    cells.set(this.cells)
    this.cells = cells
    this.#capacity *= 2
    this.#table = new Int32Array(this.#capacity).fill(UNSET)
    const mask = this.#capacity - 1
    for (let entry = 0; entry < this.#size; entry++) {
      const key = entry * this.#width
      let at = hash4(cells[key]!, cells[key + 1]!, cells[key + 2]!, cells[key + 3]!) & mask
      while (this.#table[at] !== UNSET) at = (at + 1) & mask
      this.#table[at] = entry
    }
  }
}
