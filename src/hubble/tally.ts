/**
 * tally.ts - pending counts by key, and the series that each of them belongs to.
 *
 * In:    keys of four numbers; the series of a key, told once.
 * Out:   counts added to the series by flush(): a record costs one look-up and one increment, however many metrics.
 * Never: loses a count: forget() and growth flush first. Grows past `most` keys; `full` says when to forget.
 *
 * Memory: 43 to 85 bytes a key, 8 a series of it, 4 in the list of keys that wait. A key and its count share half a
 * cache line: with keys, rows and counts in arrays of their own (exporter/memo.ts) the bench took a fifth longer.
 */

/** Words of a slot; the key's four come first. */
const COUNT = 4
const START = 5
const LENGTH = 6
const TAG = 7
const WORDS = 8
/** Counts of a slot without a key, and of a key without series. */
const FREE = -2
const UNKNOWN = -1
/** Slots to begin with, a power of two; three quarters of them are used at most: a smaller table stays in the cache. */
const LEAST_SLOTS = 2048
/** Counts are 32-bit: far below, they are flushed. */
const MOST_PENDING = 1 << 30

/** Where an increment goes. */
export interface Target {
  readonly metric: number
  readonly slot: number
}

/** Valid until the next call of find(). */
export type Place = number & { readonly __place: unique symbol }

export class Tally {
  readonly #most: number
  readonly #add: (metric: number, slot: number, n: number) => void
  #slots = emptySlots(LEAST_SLOTS)
  #mask = LEAST_SLOTS - 1
  #size = 0
  #targets = new Int32Array(1024)
  #targetCount = 0
  #waiting = new Int32Array(LEAST_SLOTS)
  #waitingCount = 0
  #pending = 0

  constructor(most: number, add: (metric: number, slot: number, n: number) => void) {
    this.#most = most
    this.#add = add
  }

  get size(): number {
    return this.#size
  }

  /** No room for another key. */
  get full(): boolean {
    return this.#size >= this.#most
  }

  /** HOT: where a key is, from now on if not before. Guard: bench `hubble`. */
  find(a: number, b: number, c: number, d: number): Place {
    const slots = this.#slots
    for (let slot = mix(a, b, c, d) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * WORDS
      if (slots[at] === a && slots[at + 1] === b && slots[at + 2] === c && slots[at + 3] === d) {
        if (slots[at + COUNT] !== FREE) return at as Place
      }
      if (slots[at + COUNT] === FREE) return this.#put(at, a, b, c, d)
    }
  }

  /** HOT: whether learn() was called for the key. Guard: bench `hubble`. */
  known(place: Place): boolean {
    return this.#slots[place + COUNT] !== UNKNOWN
  }

  /** What the key leads to; `tag` is the caller's. */
  learn(place: Place, targets: readonly Target[], tag: number): void {
    const slots = this.#slots
    slots[place + COUNT] = 0
    slots[place + START] = this.#targetCount
    slots[place + LENGTH] = targets.length
    slots[place + TAG] = tag
    for (const { metric, slot } of targets) {
      if (this.#targetCount * 2 === this.#targets.length) this.#targets = doubled(this.#targets)
      this.#targets[this.#targetCount * 2] = metric
      this.#targets[this.#targetCount * 2 + 1] = slot
      this.#targetCount++
    }
  }

  /** HOT: so many more of the key; its tag. Guard: bench `hubble`. */
  count(place: Place, times: number): number {
    const slots = this.#slots
    const before = slots[place + COUNT]!
    slots[place + COUNT] = before + times
    if (before === 0) this.#wait(place)
    this.#pending += times
    if (this.#pending >= MOST_PENDING) this.flush()
    return slots[place + TAG]!
  }

  /** Add what is pending to the series. */
  flush(): void {
    const slots = this.#slots
    for (let i = 0; i < this.#waitingCount; i++) {
      const at = this.#waiting[i]!
      const n = slots[at + COUNT]!
      slots[at + COUNT] = 0
      const end = slots[at + START]! + slots[at + LENGTH]!
      for (let t = slots[at + START]!; t < end; t++) this.#add(this.#targets[t * 2]!, this.#targets[t * 2 + 1]!, n)
    }
    this.#waitingCount = 0
    this.#pending = 0
  }

  /** Flush, and know no key. */
  forget(): void {
    this.flush()
    for (let at = 0; at < this.#slots.length; at += WORDS) this.#slots[at + COUNT] = FREE
    this.#size = 0
    this.#targetCount = 0
  }

  #put(at: number, a: number, b: number, c: number, d: number): Place {
    if (this.#size * 4 > this.#mask * 3) {
      this.#grow()
      return this.find(a, b, c, d)
    }
    const slots = this.#slots
    slots[at] = a
    slots[at + 1] = b
    slots[at + 2] = c
    slots[at + 3] = d
    slots[at + COUNT] = UNKNOWN
    this.#size++
    return at as Place
  }

  #wait(place: Place): void {
    if (this.#waitingCount === this.#waiting.length) this.#waiting = doubled(this.#waiting)
    this.#waiting[this.#waitingCount++] = place
  }

  /** What waits is known by its place, so it is flushed before places change. */
  #grow(): void {
    this.flush()
    const old = this.#slots
    this.#mask = this.#mask * 2 + 1
    const slots = emptySlots(this.#mask + 1)
    for (let from = 0; from < old.length; from += WORDS) {
      if (old[from + COUNT] === FREE) continue
      let slot = mix(old[from]!, old[from + 1]!, old[from + 2]!, old[from + 3]!) & this.#mask
      while (slots[slot * WORDS + COUNT] !== FREE) slot = (slot + 1) & this.#mask
      slots.set(old.subarray(from, from + WORDS), slot * WORDS)
    }
    this.#slots = slots
  }
}

function emptySlots(count: number): Int32Array<ArrayBuffer> {
  const slots = new Int32Array(count * WORDS)
  for (let at = 0; at < slots.length; at += WORDS) slots[at + COUNT] = FREE
  return slots
}

function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const more = new Int32Array(array.length * 2)
  more.set(array)
  return more
}

/** A multiplication a word spreads numbers that are small and dense; the xor shifts bring high bits down. */
function mix(a: number, b: number, c: number, d: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b)
  h ^= Math.imul(c, 0xc2b2ae35) ^ Math.imul(d, 0x27d4eb2f)
  h ^= h >>> 15
  return Math.imul(h, 0x2c1b3c6d) >>> 8
}
