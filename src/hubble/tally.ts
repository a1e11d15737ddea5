/**
 * tally.ts - pending counts by key, and the series that each of them belongs to.
 *
 * In:    keys of two signed 32-bit numbers; the series of a key, told once.
 * Out:   counts added to the series by flush(): a record costs one look-up and one increment, however many metrics.
 * Never: loses a count: forget() and growth flush first. Grows past `most` keys; `full` says when to forget.
 *
 * Memory: 32 to 64 bytes a key, 8 a series of it, 4 in the list of keys that wait. A key and its count share a quarter
 * of a cache line, which is all that a record touches; what only flush() asks for is elsewhere.
 */

/** Words of a slot; the key's two come first. */
const COUNT = 2
const TAG = 3
const WORDS = 4
/** Count of a slot without a key. */
const FREE = -1
/** Slots to begin with, a power of two; three quarters of them are used at most: a smaller table stays in the cache. */
const LEAST_SLOTS = 2048
/** Counts at once. A pending count is 31 bits, so with as many all are flushed. */
export const MOST_TIMES = 1 << 29
/** In place of a tag: the key is not known. */
export const NEW = -2

/** Where an increment goes. */
export interface Target {
  readonly metric: number
  readonly slot: number
}

export class Tally {
  readonly #most: number
  readonly #add: (metric: number, slot: number, n: number) => void
  #slots = emptySlots(LEAST_SLOTS)
  /** Of each slot: its first target, and how many it has. */
  #lists = new Int32Array(LEAST_SLOTS * 2)
  #mask = LEAST_SLOTS - 1
  #size = 0
  #targets = new Int32Array(1024)
  #targetCount = 0
  #waiting = new Int32Array(LEAST_SLOTS)
  #waitingCount = 0

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

  /**
   * HOT: so many more of a key, MOST_TIMES at most; its tag, or NEW: then nothing was counted, learn() it first.
   * Guard: benches `reduce`, `reduce-workload`.
   */
  count(a: number, b: number, times: number): number {
    const slots = this.#slots
    for (let slot = mix(a, b) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * WORDS
      const before = slots[at + COUNT]!
      if (before === FREE) return NEW
      if (slots[at] !== a || slots[at + 1] !== b) continue
      slots[at + COUNT] = before + times
      if (before === 0) this.#wait(at)
      else if (before >= MOST_TIMES) this.flush()
      return slots[at + TAG]!
    }
  }

  /** What a new key leads to; `tag` is the caller's, and not NEW. */
  learn(a: number, b: number, targets: readonly Target[], tag: number): void {
    if (this.#size * 4 > this.#mask * 3) this.#grow()
    const slot = this.#free(this.#slots, a, b)
    this.#slots.set([a, b, 0, tag], slot * WORDS)
    this.#lists[slot * 2] = this.#targetCount
    this.#lists[slot * 2 + 1] = targets.length
    this.#size++
    for (const { metric, slot } of targets) {
      if (this.#targetCount * 2 === this.#targets.length) this.#targets = doubled(this.#targets)
      this.#targets[this.#targetCount * 2] = metric
      this.#targets[this.#targetCount * 2 + 1] = slot
      this.#targetCount++
    }
  }

  /** Add what is pending to the series. */
  flush(): void {
    const slots = this.#slots
    for (let i = 0; i < this.#waitingCount; i++) {
      const at = this.#waiting[i]!
      const n = slots[at + COUNT]!
      slots[at + COUNT] = 0
      const start = this.#lists[at / 2]!
      const end = start + this.#lists[at / 2 + 1]!
      for (let t = start; t < end; t++) this.#add(this.#targets[t * 2]!, this.#targets[t * 2 + 1]!, n)
    }
    this.#waitingCount = 0
  }

  /** Flush, and know no key. */
  forget(): void {
    this.flush()
    for (let at = 0; at < this.#slots.length; at += WORDS) this.#slots[at + COUNT] = FREE
    this.#size = 0
    this.#targetCount = 0
  }

  #wait(at: number): void {
    if (this.#waitingCount === this.#waiting.length) this.#waiting = doubled(this.#waiting)
    this.#waiting[this.#waitingCount++] = at
  }

  /** What waits is known by its place, so it is flushed before places change. */
  #grow(): void {
    this.flush()
    const [old, oldLists] = [this.#slots, this.#lists]
    this.#mask = this.#mask * 2 + 1
    const slots = emptySlots(this.#mask + 1)
    const lists = new Int32Array(oldLists.length * 2)
    for (let from = 0; from < old.length; from += WORDS) {
      if (old[from + COUNT] === FREE) continue
      const slot = this.#free(slots, old[from]!, old[from + 1]!)
      slots.set(old.subarray(from, from + WORDS), slot * WORDS)
      lists.set(oldLists.subarray(from / 2, from / 2 + 2), slot * 2)
    }
    this.#slots = slots
    this.#lists = lists
  }

  /** Where a key belongs that is not there. */
  #free(slots: Int32Array, a: number, b: number): number {
    let slot = mix(a, b) & this.#mask
    while (slots[slot * WORDS + COUNT] !== FREE) slot = (slot + 1) & this.#mask
    return slot
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

/** A multiplication a word spreads bits upwards, the xor shifts bring high bits down. */
function mix(a: number, b: number): number {
  let h = Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b)
  h ^= h >>> 15
  return Math.imul(h, 0x2c1b3c6d) >>> 8
}
