// SPDX-License-Identifier: Apache-2.0
/**
 * labels.ts - ids of label values, and indexes of label sets.
 *
 * In:    strings chosen by users and clusters: any characters, any length.
 * Out:   Names: a label value's id. LabelSets: the index of a tuple of ids, dense from 0. Both reuse what is removed, so
 *        neither grows while as much is removed as added.
 * Never: joins values into one key: 'a|b' is a valid label value.
 */
import { hashWords, MOST_WORDS } from '../../lib/hash.js'

const NONE = -1

/** The distinct label values of a store, reference counted by series. */
export class Names {
  readonly #ids = new Map<string, number>()
  readonly #values: string[] = []
  readonly #free: number[] = []
  #uses = new Uint32Array(64)

  /** Label values in use. */
  get size(): number {
    return this.#ids.size
  }

  /** The value of an id from intern(). */
  value(id: number): string {
    return this.#values[id]!
  }

  /** Fills `into` with the ids of `values`; false if one of them has no id. */
  find(values: readonly string[], into: Uint32Array): boolean {
    for (let i = 0; i < values.length; i++) {
      const id = this.#ids.get(values[i]!)
      if (id === undefined) return false
      into[i] = id
    }
    return true
  }

  /** Fills `into` with the ids of `values`, assigning new ones, and adds a reference to each. `values` must be clean. */
  intern(values: readonly string[], into: Uint32Array): void {
    for (let i = 0; i < values.length; i++) into[i] = this.use(values[i]!)
  }

  /** intern() for one value. */
  use(value: string): number {
    const id = this.#ids.get(value) ?? this.#add(value)
    this.#uses[id]!++
    return id
  }

  /** Adds a reference to each id. */
  retain(ids: Uint32Array): void {
    for (let i = 0; i < ids.length; i++) this.#uses[ids[i]!]!++
  }

  /** Drops a reference to each id. An id without references is reused. */
  release(ids: ArrayLike<number>): void {
    for (let i = 0; i < ids.length; i++) {
      if (--this.#uses[ids[i]!]! === 0) this.#remove(ids[i]!)
    }
  }

  #add(value: string): number {
    const id = this.#free.pop() ?? this.#values.length
    if (id === this.#uses.length) this.#uses = grown(this.#uses)
    this.#uses[id] = 0
    this.#values[id] = value
    this.#ids.set(value, id)
    return id
  }

  #remove(id: number): void {
    this.#ids.delete(this.#values[id]!)
    this.#values[id] = ''
    this.#free.push(id)
  }
}

function grown(uses: Uint32Array): Uint32Array<ArrayBuffer> {
  const more = new Uint32Array(uses.length * 2)
  more.set(uses)
  return more
}

/** A hash table over tuples of `width` ids: open addressing, at most half full. */
export class LabelSets {
  readonly #width: number
  #keys: Uint32Array
  #table = new Int32Array(32).fill(NONE)
  #size = 0

  constructor(width: number) {
    if (width > MOST_WORDS) throw new RangeError(`${width} labels; allowed: at most ${MOST_WORDS}`)
    this.#width = width
    this.#keys = new Uint32Array(16 * width)
  }

  /** Id `i` of a tuple. */
  id(index: number, i: number): number {
    return this.#keys[index * this.#width + i]!
  }

  /** The tuple of an index. Valid until one is added or removed. */
  tuple(index: number): Uint32Array {
    return this.#keys.subarray(index * this.#width, (index + 1) * this.#width)
  }

  /** The index of a tuple, or -1. */
  find(tuple: Uint32Array): number {
    return this.#table[this.#place(tuple, 0)]!
  }

  /** Adds a tuple that find() does not know, at the next index. */
  add(tuple: Uint32Array): number {
    const index = this.#size++
    if (this.#size * 2 > this.#table.length) this.#grow()
    this.#keys.set(tuple, index * this.#width)
    this.#table[this.#place(tuple, 0)] = index
    return index
  }

  /** Removes a tuple. The last one takes its index. */
  remove(index: number): void {
    this.#unlink(this.#place(this.#keys, index * this.#width))
    const last = --this.#size
    if (index === last) return
    const at = this.#place(this.#keys, last * this.#width)
    this.#keys.copyWithin(index * this.#width, last * this.#width, (last + 1) * this.#width)
    this.#table[at] = index
  }

  /** Empties a place and moves later entries of its probe sequence up, so that look-ups still reach them. */
  #unlink(hole: number): void {
    const mask = this.#table.length - 1
    let free = hole
    for (let at = (hole + 1) & mask; this.#table[at] !== NONE; at = (at + 1) & mask) {
      const home = hashWords(this.#keys, this.#table[at]! * this.#width, this.#width) & mask
      if (((at - home) & mask) < ((at - free) & mask)) continue
      this.#table[free] = this.#table[at]!
      free = at
    }
    this.#table[free] = NONE
  }

  /** The table place of the tuple that starts at `from`, or the empty place for it. */
  #place(tuple: Uint32Array, from: number): number {
    const mask = this.#table.length - 1
    for (let at = hashWords(tuple, from, this.#width) & mask; ; at = (at + 1) & mask) {
      const index = this.#table[at]!
      if (index === NONE || this.#equal(index, tuple, from)) return at
    }
  }

  #equal(index: number, tuple: Uint32Array, from: number): boolean {
    for (let i = 0; i < this.#width; i++) if (this.#keys[index * this.#width + i] !== tuple[from + i]) return false
    return true
  }

  #grow(): void {
    const capacity = this.#table.length
    const keys = new Uint32Array(capacity * this.#width)
    keys.set(this.#keys)
    this.#keys = keys
    this.#table = new Int32Array(capacity * 2).fill(NONE)
    for (let index = 0; index < this.#size - 1; index++) this.#table[this.#place(keys, index * this.#width)] = index
  }
}
