/**
 * labels.ts - label values as small numbers, and sets of them as rows.
 *
 * In:    strings that users and clusters chose: any characters, any length.
 * Out:   Names: value to number. LabelSets: a tuple of numbers to a row, dense from 0.
 * Never: joins values into one key: 'a|b' is somebody's label.
 */

const NONE = -1

/** Every distinct label value of a store, once. Bounded by what the families' budgets let in. */
export class Names {
  readonly #numbers = new Map<string, number>()
  readonly #values: string[] = []

  /** The value of a number that intern() gave. */
  value(number: number): string {
    return this.#values[number]!
  }

  /** Fill `into` with the numbers of `values`; false when one of them has none yet. */
  find(values: readonly string[], into: Uint32Array): boolean {
    for (let i = 0; i < values.length; i++) {
      const number = this.#numbers.get(values[i]!)
      if (number === undefined) return false
      into[i] = number
    }
    return true
  }

  /** The same, numbering what is new. `values` must be clean. */
  intern(values: readonly string[], into: Uint32Array): void {
    for (let i = 0; i < values.length; i++) {
      const value = values[i]!
      const number = this.#numbers.get(value) ?? this.#numbers.size
      if (number === this.#numbers.size) {
        this.#numbers.set(value, number)
        this.#values.push(value)
      }
      into[i] = number
    }
  }
}

/**
 * The value as it can be exposed. Half a surrogate pair has no UTF-8 and becomes U+FFFD here, before the value is a
 * key: later, two series would be exposed under one name.
 */
export function cleanLabel(value: string): string {
  return Buffer.from(value).toString()
}

/** Open addressing over tuples of `width` numbers, at most half full. */
export class LabelSets {
  readonly #width: number
  #keys: Uint32Array
  #table = new Int32Array(32).fill(NONE)
  #size = 0

  constructor(width: number) {
    this.#width = width
    this.#keys = new Uint32Array(16 * width)
  }

  /** Number `i` of a row's tuple. */
  number(row: number, i: number): number {
    return this.#keys[row * this.#width + i]!
  }

  /** The tuple's row, or -1. */
  find(tuple: Uint32Array): number {
    return this.#table[this.#place(tuple, 0)]!
  }

  /** Give a tuple that find() did not find the next row. */
  add(tuple: Uint32Array): number {
    const row = this.#size++
    if (this.#size * 2 > this.#table.length) this.#grow()
    this.#keys.set(tuple, row * this.#width)
    this.#table[this.#place(tuple, 0)] = row
    return row
  }

  /** Where the tuple that starts at `from` stands in the table, or the empty place where it would. */
  #place(tuple: Uint32Array, from: number): number {
    const mask = this.#table.length - 1
    for (let at = this.#hash(tuple, from) & mask; ; at = (at + 1) & mask) {
      const row = this.#table[at]!
      if (row === NONE || this.#equal(row, tuple, from)) return at
    }
  }

  #equal(row: number, tuple: Uint32Array, from: number): boolean {
    for (let i = 0; i < this.#width; i++) if (this.#keys[row * this.#width + i] !== tuple[from + i]) return false
    return true
  }

  /** FNV-1a over whole numbers, finished with murmur3's mixer so that the low bits depend on all. */
  #hash(tuple: Uint32Array, from: number): number {
    let hash = 0x811c9dc5
    for (let i = 0; i < this.#width; i++) hash = Math.imul(hash ^ tuple[from + i]!, 0x01000193)
    hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
    return hash ^ (hash >>> 16)
  }

  #grow(): void {
    const capacity = this.#table.length
    const keys = new Uint32Array(capacity * this.#width)
    keys.set(this.#keys)
    this.#keys = keys
    this.#table = new Int32Array(capacity * 2).fill(NONE)
    for (let row = 0; row < this.#size - 1; row++) this.#table[this.#place(keys, row * this.#width)] = row
  }
}
