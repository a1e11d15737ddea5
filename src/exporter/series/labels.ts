/**
 * labels.ts - label values as small numbers, and sets of them as rows.
 *
 * In:    strings that users and clusters chose: any characters, any length.
 * Out:   Names: value to number. LabelSets: a tuple of numbers to a row, dense from 0.
 *        What is removed leaves room for others: neither grows while as much goes as comes.
 * Never: joins values into one key: 'a|b' is somebody's label.
 */

const NONE = -1

/** Every distinct label value of a store, once, for as long as a series has it. */
export class Names {
  readonly #numbers = new Map<string, number>()
  readonly #values: string[] = []
  readonly #free: number[] = []
  #uses = new Uint32Array(64)

  /** Values that series have now. */
  get size(): number {
    return this.#numbers.size
  }

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

  /** The same, numbering what is new; each number is used once more. `values` must be clean. */
  intern(values: readonly string[], into: Uint32Array): void {
    for (let i = 0; i < values.length; i++) into[i] = this.use(values[i]!)
  }

  /** The same for one value. */
  use(value: string): number {
    const number = this.#numbers.get(value) ?? this.#add(value)
    this.#uses[number]!++
    return number
  }

  /** One use more of each. */
  retain(numbers: Uint32Array): void {
    for (let i = 0; i < numbers.length; i++) this.#uses[numbers[i]!]!++
  }

  /** One use less of each; a number that nobody uses may be another value's next. */
  release(numbers: ArrayLike<number>): void {
    for (let i = 0; i < numbers.length; i++) {
      if (--this.#uses[numbers[i]!]! === 0) this.#remove(numbers[i]!)
    }
  }

  #add(value: string): number {
    const number = this.#free.pop() ?? this.#values.length
    if (number === this.#uses.length) this.#uses = grown(this.#uses)
    this.#uses[number] = 0
    this.#values[number] = value
    this.#numbers.set(value, number)
    return number
  }

  #remove(number: number): void {
    this.#numbers.delete(this.#values[number]!)
    this.#values[number] = ''
    this.#free.push(number)
  }
}

function grown(uses: Uint32Array): Uint32Array<ArrayBuffer> {
  const more = new Uint32Array(uses.length * 2)
  more.set(uses)
  return more
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

  /** A row's tuple, until the next is added or one removed. */
  tuple(row: number): Uint32Array {
    return this.#keys.subarray(row * this.#width, (row + 1) * this.#width)
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

  /** Take a row out; the last row has its number from now on. */
  remove(row: number): void {
    this.#unlink(this.#place(this.#keys, row * this.#width))
    const last = --this.#size
    if (row === last) return
    const at = this.#place(this.#keys, last * this.#width)
    this.#keys.copyWithin(row * this.#width, last * this.#width, (last + 1) * this.#width)
    this.#table[at] = row
  }

  /** Empty a place, and move up what stands behind it, so that no search ends before its tuple. */
  #unlink(hole: number): void {
    const mask = this.#table.length - 1
    let free = hole
    for (let at = (hole + 1) & mask; this.#table[at] !== NONE; at = (at + 1) & mask) {
      const home = this.#hash(this.#keys, this.#table[at]! * this.#width) & mask
      if (((at - home) & mask) < ((at - free) & mask)) continue
      this.#table[free] = this.#table[at]!
      free = at
    }
    this.#table[free] = NONE
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
