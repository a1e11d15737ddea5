// SPDX-License-Identifier: Apache-2.0
/**
 * pending.ts - increments by record key that are not yet in the series.
 *
 * In:    keys of two signed 32-bit numbers; a key's series, given once; the port of each record.
 * Out:   flush() adds the counts to the series, so a record costs one look-up and one increment, however many metrics
 *        count it. A key has a group if some metric has a port label: flush() reports counts of the key's usual port,
 *        the first it had; for any other port count() returns the group, and the caller counts group and port.
 * Never: loses a count: clear() and growth flush first. Takes more than `max` keys; when `full`, call clear().
 *
 * Memory: 37 to 75 bytes for a key, 8 for each of its series, 4 for its place in the queue. Key and count take a
 *         quarter
 * of a cache line, and a record touches nothing else; data that only flush() reads is in other arrays.
 */
import { hash2 } from '../../lib/hash.js'

/**
 * Words of a slot: two for the key, its count, and its group and usual port. The last is 0 without a group, else the
 * group plus 1, above the 16 bits of the port.
 */
const COUNT = 2
const PORT = 3
const WORDS = 4
const PORT_BITS = 16
const PORT_MASK = 0xffff
/** The count of a free slot. */
const FREE = -1
/** Initial slots, a power of two. At most three quarters are used: a smaller table stays in the CPU's cache. */
const MIN_SLOTS = 2048
/**
 * Largest increment of one count(). A key that already has as much pending is flushed, so pending counts stay below
 * 2^29, and 31 bits hold the sum of two of them.
 */
export const MAX_COUNT = 1 << 28
/** In place of a group: no metric has a port label, or the port was counted. */
export const NO_GROUP = -1
/** In place of a group: nothing was counted, the key is unknown. */
export const UNKNOWN_KEY = -2
/** Groups are below this number. */
export const MAX_GROUPS = PORT_MASK

/** A series that an increment goes to. */
export interface Target {
  readonly metric: number
  readonly slot: number
}

export interface IncrementSink {
  /** Adds `n` to a series. */
  add(metric: number, slot: number, n: number): void
  /** Adds `n` to a group's port. */
  addPort(group: number, port: number, n: number): void
}

export class PendingIncrements {
  readonly #max: number
  readonly #sink: IncrementSink
  #slots = emptySlots(MIN_SLOTS)
  /** By slot: its first target, and the number of its targets. */
  #targetRanges = new Int32Array(MIN_SLOTS * 2)
  /** By slot: the part of its count that was for ports other than the usual one. */
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

  /** There is no room for another key. */
  get full(): boolean {
    return this.#size >= this.#max
  }

  /**
   * HOT: adds `times`, at most MAX_COUNT, to a key. Returns the group in which the caller must count the port; NO_GROUP
   * if nothing is left to count; UNKNOWN_KEY if nothing was counted: insert() the key first. Guard: benches `reduce`,
   * `reduce-workload`.
   */
  count(a: number, b: number, port: number, times: number): number {
    const slots = this.#slots
    for (let slot = hash2(a, b) & this.#mask; ; slot = (slot + 1) & this.#mask) {
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

  /** Whether the key was inserted. */
  has(a: number, b: number): boolean {
    const slots = this.#slots
    for (let slot = hash2(a, b) & this.#mask; ; slot = (slot + 1) & this.#mask) {
      const at = slot * WORDS
      if (slots[at + COUNT] === FREE) return false
      if (slots[at] === a && slots[at + 1] === b) return true
    }
  }

  /** Adds a new key with its series. `group`: below MAX_GROUPS, or NO_GROUP. */
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

  /** Adds all pending counts to their series and ports. */
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

  /** Flushes, then removes all keys. */
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

  /** Queue and other ports refer to slots, so pending counts are flushed before slots change. */
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

  /** The slot for a key that is not in the table. */
  #freeSlot(slots: Int32Array, a: number, b: number): number {
    let slot = hash2(a, b) & this.#mask
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
