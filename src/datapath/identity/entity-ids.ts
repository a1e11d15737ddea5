// SPDX-License-Identifier: Apache-2.0
/**
 * entity-ids.ts - entity ids: which entity each id is, and when a stale id may be reused.
 *
 * In:    entities that are added, ids that become stale, how many stale ids the kernel has released.
 * Out:   entities by id, dense; id 0 is unknown.
 * Never: changes the entity of an id in use. The names of a stale id are kept for `ttlMs`, for late records, and until no
 *        connection in the kernel refers to it; with more than `mostGone` stale ids the TTL is cut short.
 *        Ids are freed in large batches, because callers drop their caches each time.
 */

import { identityEntity } from './entity.js'
import { type Entity, EntityColumns } from './entity-columns.js'
import { Precedence, precedence, reservedLabels } from './identity.js'
import { NumberColumn } from './number-column.js'

/** Most ids: bits of `stale_entities` (bpf/ip_cache.h). About 100 MB of columns. */
export const MAX_ENTITIES = 1 << 20
const MOST_GONE = 65_536
/** Default time for which the names of stale ids are kept. */
export const NAMES_TTL_MS = 60_000
/** Ids are freed when at least this many are due, or one in SHARE_FREED of all. */
const LEAST_FREED = 1024
const SHARE_FREED = 8

interface Gone {
  readonly row: number
  readonly dueMs: number
}

export class EntityIds {
  /** Ids freed for reuse so far. */
  reused = 0
  /** Entities refused because no id was free. */
  refused = 0
  /** How many of all stale ids no connection in the kernel refers to; all of them without a kernel. */
  released = Number.POSITIVE_INFINITY
  readonly columns = new EntityColumns(identityEntity(0, reservedLabels(0)))
  /** Precedence of an entity's name for an address, by id. */
  readonly precedence = new NumberColumn()
  readonly #ttlMs: number
  readonly #mostGone: number
  readonly #free: number[] = []
  /** Stale ids in the order in which they became stale; those before #first are free. */
  #gone: Gone[] = []
  #first = 0
  /** Ids that ever became stale. */
  staleTotal = 0

  constructor(ttlMs = NAMES_TTL_MS, mostGone = MOST_GONE) {
    this.#ttlMs = ttlMs
    this.#mostGone = mostGone
  }

  /** Stale ids that still have their names. */
  get gone(): number {
    return this.#gone.length - this.#first
  }

  /** Ids of current entities. */
  get used(): number {
    return this.columns.length - this.#free.length - this.gone
  }

  /** Returns the new id; 0 if none is left. */
  add(row: Entity): number {
    const number = this.#free.pop() ?? this.columns.length
    if (number >= MAX_ENTITIES) {
      this.refused++
      return 0
    }
    this.columns.set(number, row)
    this.precedence.set(number, precedenceOf(row))
    return number
  }

  /** No endpoint has this id any longer. */
  markStale(number: number, nowMs: number): void {
    this.#gone.push({ row: number, dueMs: nowMs + this.#ttlMs })
    this.staleTotal++
  }

  /** Frees ids for reuse and returns them; none until enough are due. */
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
    const releasable = this.gone - (this.staleTotal - Math.min(this.released, this.staleTotal))
    const tooMany = this.gone - this.#mostGone
    let count = 0
    while (count < releasable && (count < tooMany || this.#gone[this.#first + count]!.dueMs <= nowMs)) count++
    return count
  }
}

/** A CIDR group's name takes precedence over the world around it. */
function precedenceOf(row: Entity): Precedence {
  return row.kind === 'cidr' ? Precedence.cidr : precedence(row.identity)
}
