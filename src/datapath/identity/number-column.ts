// SPDX-License-Identifier: Apache-2.0
/**
 * number-column.ts - an unsigned integer for each id.
 *
 * In:    dense ids from 0; numbers from 0 to 2^32 - 1.
 * Out:   the number of an id; 0 for an id that was never set, as damaged records may contain.
 * Never: is visited by the garbage collector. All columns use one array type although narrower ones would save memory: at()
 *        is on the path of each record, and V8 triples the code for loads of two types.
 */
const ROOM = 256

export class NumberColumn {
  #numbers = new Uint32Array(ROOM)

  /** HOT. Guard: bench `reduce`, `reduce-weir`. */
  at(row: number): number {
    return this.#numbers[row] ?? 0
  }

  set(row: number, number: number): void {
    if (row >= this.#numbers.length) this.#grow(row)
    this.#numbers[row] = number
  }

  #grow(row: number): void {
    const larger = new Uint32Array(Math.max(this.#numbers.length * 2, row + 1))
    larger.set(this.#numbers)
    this.#numbers = larger
  }
}
