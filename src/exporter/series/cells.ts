/**
 * cells.ts - all values of a store in one array that grows; what is given back is taken again.
 *
 * Never: keeps a value of a cell that was given back: whoever takes it begins at 0.
 */

/** The first cell of a series. */
export type Slot = number & { readonly __slot: unique symbol }

export class Cells {
  values = new Float64Array(256)
  #taken = 0
  /** First cells that were given back, by how many there are in a row. */
  readonly #free = new Map<number, Slot[]>()

  /** `count` cells in a row, at 0. */
  take(count: number): Slot {
    const again = this.#free.get(count)?.pop()
    if (again !== undefined) return again
    const first = this.#taken
    this.#taken += count
    if (this.#taken > this.values.length) {
      const values = new Float64Array(Math.max(this.values.length * 2, this.#taken))
      values.set(this.values)
      this.values = values
    }
    return first as Slot
  }

  /** Add the cells of a series to another's, and give them back. */
  merge(from: Slot, into: Slot, count: number): void {
    for (let i = 0; i < count; i++) this.values[into + i]! += this.values[from + i]!
    this.give(from, count)
  }

  give(slot: Slot, count: number): void {
    this.values.fill(0, slot, slot + count)
    const free = this.#free.get(count)
    if (free === undefined) this.#free.set(count, [slot])
    else free.push(slot)
  }
}
