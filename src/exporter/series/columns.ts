// SPDX-License-Identifier: Apache-2.0
/**
 * columns.ts - what a family stores for each series, in typed columns by series index.
 *
 * Indexes are dense from 0: when a series is removed, the last one takes its index.
 */
import type { Arena } from './arena.js'

/** A copy of the columns at one instant, for an exposition. All columns share the same index. */
export interface FrozenColumns {
  readonly size: number
  /** First cell of each series. */
  readonly slots: Uint32Array
  /** Place of the prefix in the arena, and its bytes. */
  readonly starts: Uint32Array
  readonly lengths: Uint32Array
  /** Milliseconds since 1970. */
  readonly created: Float64Array
  readonly arena: Arena
}

export class SeriesColumns {
  size = 0
  /** First cell. */
  slots = new Uint32Array(16)
  /** Place of the prefix in the arena, and its bytes. */
  starts = new Uint32Array(16)
  lengths = new Uint32Array(16)
  /** Milliseconds since 1970. */
  created = new Float64Array(16)
  /** The total at the last expiry pass, and the time of the pass that last saw it change, by the monotonic clock. */
  lastTotal = new Float64Array(16)
  lastChange = new Float64Array(16)

  /** Adds an index; its columns are not initialized. */
  add(): number {
    if (this.size === this.slots.length) this.#grow()
    return this.size++
  }

  /** Removes a series. The last one takes its index. */
  remove(series: number): void {
    this.copyFrom(this, --this.size, series)
  }

  /** Copies a series of some columns to the index `to` of these. */
  copyFrom(from: SeriesColumns, series: number, to: number): void {
    this.slots[to] = from.slots[series]!
    this.starts[to] = from.starts[series]!
    this.lengths[to] = from.lengths[series]!
    this.created[to] = from.created[series]!
    this.lastTotal[to] = from.lastTotal[series]!
    this.lastChange[to] = from.lastChange[series]!
  }

  /** Merges the times of a series of some columns into one of these: the earlier creation, the later change. */
  mergeFrom(from: SeriesColumns, series: number, into: number): void {
    this.created[into] = Math.min(this.created[into]!, from.created[series]!)
    this.lastChange[into] = Math.max(this.lastChange[into]!, from.lastChange[series]!)
  }

  freeze(arena: Arena): FrozenColumns {
    const { size } = this
    return {
      size,
      slots: this.slots.slice(0, size),
      starts: this.starts.slice(0, size),
      lengths: this.lengths.slice(0, size),
      created: this.created.slice(0, size),
      arena,
    }
  }

  #grow(): void {
    const capacity = this.slots.length * 2
    this.slots = grownUint32(this.slots, capacity)
    this.starts = grownUint32(this.starts, capacity)
    this.lengths = grownUint32(this.lengths, capacity)
    this.created = grownFloat64(this.created, capacity)
    this.lastTotal = grownFloat64(this.lastTotal, capacity)
    this.lastChange = grownFloat64(this.lastChange, capacity)
  }
}

function grownUint32(column: Uint32Array, capacity: number): Uint32Array<ArrayBuffer> {
  const grown = new Uint32Array(capacity)
  grown.set(column)
  return grown
}

function grownFloat64(column: Float64Array, capacity: number): Float64Array<ArrayBuffer> {
  const grown = new Float64Array(capacity)
  grown.set(column)
  return grown
}
