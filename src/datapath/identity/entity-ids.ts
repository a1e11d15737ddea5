/**
 * entity-ids.ts - the rows of entities: what each number stands for, and when a number may stand for another.
 *
 * In:    rows that come, rows that nobody has any more, how far the kernel has let go of those.
 * Out:   rows by number, dense; row 0 is unknown.
 * Never: changes a row under a number in use. The names of what is gone stay for `ttlMs`, for records that come late,
 *        and until the kernel says that no connection bears the number; past `mostGone` the wait is cut short.
 *        Numbers are freed many at a time, because whoever remembers names by number must then forget them.
 */

import { type Row, RowColumns } from './entity-columns.js'
import { identityRow } from './entity-row.js'
import { reservedLabels, Says, says } from './identity.js'
import { NumberColumn } from './number-column.js'

/** Numbers that there can be: bits of `stale_entities` (bpf/ip_cache.h). About 100 MB of columns. */
export const MOST_ROWS = 1 << 20
const MOST_GONE = 65_536
/** How long the names of what is gone stay unless it is said otherwise. */
export const NAMES_TTL_MS = 60_000
/** Numbers are freed when they are so many, or this share of all. */
const LEAST_FREED = 1024
const SHARE_FREED = 8

interface Gone {
  readonly row: number
  readonly dueMs: number
}

export class EntityRows {
  /** Numbers that were freed to stand for others. */
  reused = 0
  /** Rows for which there was no number. */
  refused = 0
  /** How many of all retired rows no connection of the kernel bears; without a kernel, all. */
  released = Number.POSITIVE_INFINITY
  readonly columns = new RowColumns(identityRow(0, reservedLabels(0)))
  /** How much a row says of an address, by number. */
  readonly says = new NumberColumn()
  readonly #ttlMs: number
  readonly #mostGone: number
  readonly #free: number[] = []
  /** In the order of their retirement; those before #first are free. */
  #gone: Gone[] = []
  #first = 0
  /** Rows ever retired. */
  retired = 0

  constructor(ttlMs = NAMES_TTL_MS, mostGone = MOST_GONE) {
    this.#ttlMs = ttlMs
    this.#mostGone = mostGone
  }

  /** Rows whose names stay although nobody has them. */
  get gone(): number {
    return this.#gone.length - this.#first
  }

  /** Rows that somebody has. */
  get used(): number {
    return this.columns.length - this.#free.length - this.gone
  }

  /** Its number; 0 when there is none left. */
  add(row: Row): number {
    const number = this.#free.pop() ?? this.columns.length
    if (number >= MOST_ROWS) {
      this.refused++
      return 0
    }
    this.columns.set(number, row)
    this.says.set(number, saysOf(row))
    return number
  }

  /** Nobody has it from now on. */
  retire(number: number, nowMs: number): void {
    this.#gone.push({ row: number, dueMs: nowMs + this.#ttlMs })
    this.retired++
  }

  /** Numbers that now may stand for others; none until it is worth it. */
  recycle(nowMs: number): readonly number[] {
    const count = this.#due(nowMs)
    const short = this.gone > this.#mostGone
    if (!short && count < Math.max(LEAST_FREED, this.columns.length / SHARE_FREED)) return []
    const freed = this.#gone.slice(this.#first, this.#first + count).map(({ row }) => row)
    this.#first += count
    if (this.#first * 2 > this.#gone.length) {
      this.#gone = this.#gone.slice(this.#first)
      this.#first = 0
    }
    this.#free.push(...freed)
    this.reused += freed.length
    return freed
  }

  #due(nowMs: number): number {
    const letGo = this.gone - (this.retired - Math.min(this.released, this.retired))
    const tooMany = this.gone - this.#mostGone
    let count = 0
    while (count < letGo && (count < tooMany || this.#gone[this.#first + count]!.dueMs <= nowMs)) count++
    return count
  }
}

/** A CIDR group's name says more than the world that it is cut out of. */
function saysOf(row: Row): Says {
  return row.kind === 'cidr' ? Says.cidr : says(row.identity)
}
