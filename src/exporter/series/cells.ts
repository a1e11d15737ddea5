// SPDX-License-Identifier: Apache-2.0
/**
 * cells.ts - all values of a store, in one growing array. Released cells are reused.
 *
 * Never: returns a cell that is not 0.
 */

/** The first cell of a series. */
export type Slot = number & { readonly __slot: unique symbol }

export class Cells {
  values = new Float64Array(256)
  #used = 0
  /** First cells of released blocks, by block size. */
  readonly #free = new Map<number, Slot[]>()

  /** Allocates `count` adjacent cells, all 0. */
  allocate(count: number): Slot {
    const released = this.#free.get(count)?.pop()
    if (released !== undefined) return released
    const first = this.#used
    this.#used += count
    if (this.#used > this.values.length) {
      const values = new Float64Array(Math.max(this.values.length * 2, this.#used))
      values.set(this.values)
      this.values = values
    }
    return first as Slot
  }

  /** Adds the cells of a series to another's and releases them. */
  merge(from: Slot, into: Slot, count: number): void {
    for (let i = 0; i < count; i++) this.values[into + i]! += this.values[from + i]!
    this.release(from, count)
  }

  release(slot: Slot, count: number): void {
    this.values.fill(0, slot, slot + count)
    const free = this.#free.get(count)
    if (free === undefined) this.#free.set(count, [slot])
    else free.push(slot)
  }
}
