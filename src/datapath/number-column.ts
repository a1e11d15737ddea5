/**
 * number-column.ts - a whole number for each row.
 *
 * In:    rows, dense from 0; whole numbers that the array's kind can hold.
 * Out:   a row's number; 0 for what is no row's, as damaged bytes may hold.
 * Never: is looked at by a collection of garbage.
 */
type Numbers = Uint8Array | Uint16Array | Uint32Array | Int32Array

const ROOM = 256

export class NumberColumn<Kind extends Numbers = Numbers> {
  readonly #kind: new (
    length: number,
  ) => Kind
  #numbers: Kind

  constructor(kind: new (length: number) => Kind) {
    this.#kind = kind
    this.#numbers = new kind(ROOM)
  }

  at(row: number): number {
    return this.#numbers[row] ?? 0
  }

  set(row: number, number: number): void {
    if (row >= this.#numbers.length) this.#grow(row)
    this.#numbers[row] = number
  }

  #grow(row: number): void {
    const larger = new this.#kind(Math.max(this.#numbers.length * 2, row + 1))
    larger.set(this.#numbers)
    this.#numbers = larger
  }
}
