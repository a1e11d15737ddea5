/**
 * number-column.ts - a whole number for each row.
 *
 * In:    rows, dense from 0; numbers from 0 to 2^32 - 1.
 * Out:   a row's number; 0 for what is no row's, as damaged bytes may hold.
 * Never: is looked at by a collection of garbage. Of one kind of array, narrower ones would be shorter: at() is on the path
 *        of each record, and V8 makes two loads of different kinds three times as long.
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
