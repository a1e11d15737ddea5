/**
 * pending.ts - pending counts by key, and the series that each of them belongs to.
 *
 * In:    keys of two signed 32-bit numbers; the series of a key, told once; the port of each record.
 * Out:   counts added to the series by flush(): a record costs one look-up and one increment, however many metrics. A key
 *        whose port counts has a group: counts of its usual port, the first, are told by flush(), others by count().
 * Never: loses a count: forget() and growth flush first. Grows past `most` keys; `full` says when to forget.
 *
 * Memory: 37 to 75 bytes a key, 8 a series of it, 4 in the list of keys that wait. A key and its count share a quarter
 * of a cache line, which is all that a record touches; what only flush() asks for is elsewhere.
 */

/** Words of a slot; the key's two come first. The last is 0, or the group above the 16 bits of its usual port. */
const COUNT = 2
const PORT = 3
const WORDS = 4
const PORT_BITS = 16
const PORT_MASK = 0xffff
/** Count of a slot without a key. */
const FREE = -1
/** Slots to begin with, a power of two; three quarters of them are used at most: a smaller table stays in the cache. */
const MIN_SLOTS = 2048
/**
 * Counts at once. With as many pending all are flushed: what is told of a port is below twice as many, which a count of 31
 * bits takes twice.
 */
export const MAX_COUNT = 1 << 28
/** In place of a group: the port counts nowhere, or was counted. */
export const NO_GROUP = -1
/** In place of a group: the key is not known. */
export const UNKNOWN_KEY = -2
/** Groups there may be: from 0 on. */
export const MAX_GROUPS = PORT_MASK

/** Where an increment goes. */
export interface Target {
  readonly metric: number
  readonly slot: number
}

export interface IncrementSink {
  /** So many more of a series. */
  add(metric: number, slot: number, n: number): void
  /** So many more of a group's port. */
  addPort(group: number, port: number, n: number): void
}

export class PendingIncrements {
  readonly #max: number
  readonly #sink: IncrementSink
  #slots = emptySlots(MIN_SLOTS)
  /** Of each slot: its first target, and how many it has. */
  #targetRanges = new Int32Array(MIN_SLOTS * 2)
  /** Of each slot: how much of its count was of another port than the usual one. */
  #otherPorts = new Int32Array(MIN_SLOTS)
  #mask = MIN_SLOTS - 1
  #size = 0
  #targets = new Int32Array(1024)
  #targetCount = 0
  #queue = new Int32Array(MIN_SLOTS)
  #queueLength = 0

  constructor(max: number, sink: IncrementSink) {
    this.#max = max
    this.#sink = sink
  }

  get size(): number {
    return this.#size
  }

  /** No room for another key. */
  get full(): boolean {
    return this.#size >= this.#max
  }

  /**
   * HOT: so many more of a key, MOST_TIMES at most. The group in which the caller must count the port; NO_GROUP where there
   * is nothing more to count; NEW where nothing was counted: learn() it first. Guard: benches `reduce`, `reduce-workload`.
   */
  count(a: number, b: number, port: number, times: number): number {
    const slots = this.#slots
    for (let slot = mix(a, b) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * WORDS
      const before = slots[at + COUNT]!
      if (before === FREE) return UNKNOWN_KEY
      if (slots[at] !== a || slots[at + 1] !== b) continue
      const grouped = slots[at + PORT]!
      const other = grouped !== 0 && (grouped & PORT_MASK) !== port
      if (other) this.#otherPorts[slot]! += times
      slots[at + COUNT] = before + times
      if (before === 0) this.#enqueue(slot)
      else if (before >= MAX_COUNT) this.flush()
      return other ? (grouped >>> PORT_BITS) - 1 : NO_GROUP
    }
  }

  /** Whether learn() was called for a key. */
  has(a: number, b: number): boolean {
    const slots = this.#slots
    for (let slot = mix(a, b) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * WORDS
      if (slots[at + COUNT] === FREE) return false
      if (slots[at] === a && slots[at + 1] === b) return true
    }
  }

  /** What a new key leads to. `group`: below MOST_GROUPS, or NO_GROUP. */
  insert(a: number, b: number, targets: readonly Target[], group = NO_GROUP, port = 0): void {
    if (this.#size * 4 > this.#mask * 3) this.#grow()
    const slot = this.#freeSlot(this.#slots, a, b)
    this.#slots.set([a, b, 0, group === NO_GROUP ? 0 : ((group + 1) << PORT_BITS) | port], slot * WORDS)
    this.#targetRanges[slot * 2] = this.#targetCount
    this.#targetRanges[slot * 2 + 1] = targets.length
    this.#size++
    for (const { metric, slot } of targets) {
      if (this.#targetCount * 2 === this.#targets.length) this.#targets = doubled(this.#targets)
      this.#targets[this.#targetCount * 2] = metric
      this.#targets[this.#targetCount * 2 + 1] = slot
      this.#targetCount++
    }
  }

  /** Add what is pending to the series and to ports. */
  flush(): void {
    for (let i = 0; i < this.#queueLength; i++) this.#apply(this.#queue[i]!)
    this.#queueLength = 0
  }

  #apply(slot: number): void {
    const at = slot * WORDS
    const n = this.#slots[at + COUNT]!
    this.#slots[at + COUNT] = 0
    const start = this.#targetRanges[slot * 2]!
    const end = start + this.#targetRanges[slot * 2 + 1]!
    for (let t = start; t < end; t++) this.#sink.add(this.#targets[t * 2]!, this.#targets[t * 2 + 1]!, n)
    const grouped = this.#slots[at + PORT]!
    if (grouped === 0) return
    const usual = n - this.#otherPorts[slot]!
    this.#otherPorts[slot] = 0
    if (usual > 0) this.#sink.addPort((grouped >>> PORT_BITS) - 1, grouped & PORT_MASK, usual)
  }

  /** Flush, and know no key. */
  clear(): void {
    this.flush()
    for (let at = 0; at < this.#slots.length; at += WORDS) this.#slots[at + COUNT] = FREE
    this.#size = 0
    this.#targetCount = 0
  }

  #enqueue(slot: number): void {
    if (this.#queueLength === this.#queue.length) this.#queue = doubled(this.#queue)
    this.#queue[this.#queueLength++] = slot
  }

  /** What waits is known by its slot, so it is flushed before slots change; then none has others. */
  #grow(): void {
    this.flush()
    const [old, oldRanges] = [this.#slots, this.#targetRanges]
    this.#mask = this.#mask * 2 + 1
    const slots = emptySlots(this.#mask + 1)
    const ranges = new Int32Array(oldRanges.length * 2)
    for (let from = 0; from < old.length; from += WORDS) {
      if (old[from + COUNT] === FREE) continue
      const slot = this.#freeSlot(slots, old[from]!, old[from + 1]!)
      slots.set(old.subarray(from, from + WORDS), slot * WORDS)
      ranges.set(oldRanges.subarray(from / 2, from / 2 + 2), slot * 2)
    }
    this.#slots = slots
    this.#targetRanges = ranges
    this.#otherPorts = new Int32Array(this.#mask + 1)
  }

  /** Where a key belongs that is not there. */
  #freeSlot(slots: Int32Array, a: number, b: number): number {
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
