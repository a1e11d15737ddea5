/**
 * tally.ts - pending counts by key, and the series that each of them belongs to.
 *
 * In:    keys of three numbers; the series of a key, told once.
 * Out:   counts added to the series by flush(): a record costs one look-up and one increment, however many metrics.
 * Never: loses a count: forget() flushes first. Grows past `most` rows; `full` says when to forget.
 *
 * Memory: 28 bytes a row, 8 a series of it, 4 in the list of rows that wait.
 */
import { Memo, UNSET } from '../exporter/memo.js'

const COUNT = 0
const START = 1
const LENGTH = 2
const TAG = 3
const COLUMNS = 4
/** Counts are 32-bit: far below, they are flushed. */
const MOST_PENDING = 1 << 30

/** Where an increment goes. */
export interface Target {
  readonly metric: number
  readonly slot: number
}

export class Tally {
  readonly #memo: Memo
  readonly #most: number
  readonly #add: (metric: number, slot: number, n: number) => void
  #targets = new Int32Array(1024)
  #targetCount = 0
  #waiting = new Int32Array(1024)
  #waitingCount = 0
  #pending = 0

  constructor(most: number, add: (metric: number, slot: number, n: number) => void) {
    this.#memo = new Memo(COLUMNS, most)
    this.#most = most
    this.#add = add
  }

  get size(): number {
    return this.#memo.size
  }

  /** No room for another row. */
  get full(): boolean {
    return this.#memo.size >= this.#most
  }

  /** HOT: the row of a key, made when there is none. Guard: bench `hubble`. */
  row(a: number, b: number, c: number): number {
    return this.#memo.row(a, b, c)
  }

  /** HOT: whether learn() was called for the row. Guard: bench `hubble`. */
  known(row: number): boolean {
    return this.#memo.cells[row * COLUMNS + COUNT] !== UNSET
  }

  /** What the row's key leads to; `tag` is the caller's. */
  learn(row: number, targets: readonly Target[], tag: number): void {
    const { cells } = this.#memo
    const at = row * COLUMNS
    cells[at + COUNT] = 0
    cells[at + START] = this.#targetCount
    cells[at + LENGTH] = targets.length
    cells[at + TAG] = tag
    for (const { metric, slot } of targets) {
      if (this.#targetCount * 2 === this.#targets.length) this.#targets = doubled(this.#targets)
      this.#targets[this.#targetCount * 2] = metric
      this.#targets[this.#targetCount * 2 + 1] = slot
      this.#targetCount++
    }
  }

  /** HOT: 1 more of the row; its tag. Guard: bench `hubble`. */
  count(row: number): number {
    const { cells } = this.#memo
    const at = row * COLUMNS
    if (cells[at + COUNT]!++ === 0) this.#wait(row)
    if (++this.#pending === MOST_PENDING) this.flush()
    return cells[at + TAG]!
  }

  /** Add what is pending to the series. */
  flush(): void {
    const { cells } = this.#memo
    for (let i = 0; i < this.#waitingCount; i++) {
      const at = this.#waiting[i]! * COLUMNS
      const n = cells[at + COUNT]!
      cells[at + COUNT] = 0
      const end = cells[at + START]! + cells[at + LENGTH]!
      for (let t = cells[at + START]!; t < end; t++) this.#add(this.#targets[t * 2]!, this.#targets[t * 2 + 1]!, n)
    }
    this.#waitingCount = 0
    this.#pending = 0
  }

  /** Flush, and know no key. */
  forget(): void {
    this.flush()
    this.#memo.clear()
    this.#targetCount = 0
  }

  #wait(row: number): void {
    if (this.#waitingCount === this.#waiting.length) this.#waiting = doubled(this.#waiting)
    this.#waiting[this.#waitingCount++] = row
  }
}

function doubled(array: Int32Array): Int32Array<ArrayBuffer> {
  const more = new Int32Array(array.length * 2)
  more.set(array)
  return more
}
