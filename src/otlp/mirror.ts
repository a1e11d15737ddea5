/**
 * mirror.ts - the main thread's side of the push: tells the worker which rows there are, and copies their values.
 *
 * In:    series stores, which gain and lose rows, move them, and replace families.
 * Out:   messages for the worker, and values in shared cells. Labels are told once a row.
 * Fail:  nothing throws on data.
 * Never: tells more than `limit` new rows at a time: the thread that drains the ring has other work.
 *
 * A row is known by (slot, created): the store moves rows but not their cells, and a slot that is used again began later.
 */
import type { Family, SeriesStore } from '../exporter/series/series.js'
import { RowCells } from './cells.js'
import type { FamilyHead, ToWorker } from './message.js'

export type Tell = (message: ToWorker, transfer?: readonly ArrayBuffer[]) => void

/** New rows to know, and rows to tell the worker of, in one go. */
interface Most {
  readonly add: number
  readonly tell: number
}

const TAKE: Most = { add: Number.POSITIVE_INFINITY, tell: 0 }
const NONE = 0xffff_ffff
const noRows = () => ({
  ids: new Uint32Array(0),
  slots: new Uint32Array(0),
  created: new Float64Array(0),
  told: new Uint8Array(0),
  size: 0,
  untold: 0,
})

/** What the worker knows of a family. */
interface Known {
  readonly head: FamilyHead
  /** Another object when the family's labels changed: then all its rows are others. */
  readonly metric: Family['metric']
  /** Cells of a row: when it began, and its values. */
  readonly width: number
  /** By row: its first shared cell, by what it is known, and whether this worker knows it. Longer than `size`. */
  ids: Uint32Array
  slots: Uint32Array
  created: Float64Array
  told: Uint8Array
  size: number
  /** Rows with cells that this worker does not know. */
  untold: number
}

export class Mirror {
  readonly #tell: Tell
  readonly #cells = new RowCells()
  readonly #known = new Map<Family, Known>()
  #numbers = 0
  /** The instant of the copy before this one, or nothing was copied yet. */
  #before: number | undefined
  #told = 0

  constructor(tell: Tell) {
    this.#tell = tell
  }

  /** The worker has done what it was told, or another one will be told all. */
  heard(): void {
    this.#cells.settle()
  }

  /**
   * Bring rows and values up to date. True when all is told; false when there were more than `limit` new rows: call again, in
   * another turn. `now` is the instant that a complete copy is of.
   */
  sync(stores: readonly SeriesStore[], now: number, limit: number): boolean {
    this.#told = 0
    // A clock that was put back would make new rows look old.
    if (this.#before !== undefined && now < this.#before) this.#before = now
    for (const store of stores) {
      for (const family of store.families()) {
        this.#syncFamily(store, family, now, { tell: limit, add: limit })
        if (this.#told >= limit) return false
      }
    }
    this.#dropOthers(stores)
    this.#before = now
    return true
  }

  /**
   * Series have just moved to others: know those with their values at once, as told, for the copy before had them; sync() tells
   * of them later. `now` is the instant of the change.
   */
  take(stores: readonly SeriesStore[], now: number): void {
    this.#told = 0
    this.#before = Number.POSITIVE_INFINITY
    for (const store of stores) {
      for (const family of store.families()) this.#syncFamily(store, family, now, TAKE)
    }
    this.#dropOthers(stores)
    this.#before = now
  }

  /** A worker that knows nothing: the next sync() tells all rows again. What was accepted is not forgotten. */
  greet(): void {
    this.#tell({ kind: 'cells', cells: this.#cells.shared })
    for (const known of this.#known.values()) {
      this.#tell({ kind: 'family', head: known.head })
      known.told.fill(0)
      known.untold = known.ids.subarray(0, known.size).filter(id => id !== NONE).length
    }
  }

  /** HOT: each row, each export. `npm run bench otlp` */
  #syncFamily(store: SeriesStore, family: Family, now: number, most: Most): void {
    const known = this.#knownOf(family)
    const { size } = family
    const { values } = this.#cells
    const { ids, slots, created, width } = known
    let changed = size !== known.size
    const common = Math.min(size, known.size)
    for (let row = 0; row < common; row++) {
      const slot = family.slot(row)
      if (slots[row] !== slot || created[row] !== family.created(row)) {
        changed = true
        continue
      }
      const id = ids[row]!
      for (let i = 1; i < width; i++) values[id + i] = store.get((slot + i - 1) as typeof slot)
    }
    if (changed || known.untold > 0) this.#change(store, family, known, now, most)
  }

  #knownOf(family: Family): Known {
    const known = this.#known.get(family)
    if (known !== undefined) {
      if (known.metric === family.metric) return known
      this.#familyGone(family, known)
    }
    const { name, help, type } = family.metric
    const head = { number: this.#numbers++, name, help, type, buckets: family.buckets }
    const width = 1 + (type === 'histogram' ? family.buckets.length + 2 : 1)
    const made: Known = { head, metric: family.metric, width, ...noRows() }
    this.#known.set(family, made)
    this.#tell({ kind: 'family', head })
    return made
  }

  /** Rows came, went or moved, or this worker does not know them. */
  #change(store: SeriesStore, family: Family, known: Known, now: number, most: Most): void {
    const left = takeOut(family, known)
    resize(known, family.size)
    const fresh: number[] = []
    for (let row = 0; row < family.size; row++) {
      if (known.slots[row] !== NONE) continue
      const at = found(left, family.slot(row), family.created(row))
      if (at !== undefined) this.#place(store, family, known, row, at)
      else if (this.#told + fresh.length < most.add) fresh.push(row)
    }
    this.#tellGone(known, left)
    for (const row of fresh) this.#add(store, family, known, row, now)
    this.#tellUntold(family, known, most.tell)
  }

  #add(store: SeriesStore, family: Family, known: Known, row: number, now: number): void {
    const { id, grown } = this.#cells.take(known.width)
    if (grown) this.#tell({ kind: 'cells', cells: this.#cells.shared })
    this.#place(store, family, known, row, { id, created: family.created(row), told: 0 })
    known.untold++
    // It began before the last copy and was not in it: until now its counts were told under other labels.
    if (this.#before === undefined || family.created(row) >= this.#before) return
    const { values, accepted } = this.#cells
    accepted.set(values.subarray(id, id + known.width), id)
    accepted[id] = now
  }

  #place(store: SeriesStore, family: Family, known: Known, row: number, { id, created, told }: Left): void {
    const slot = family.slot(row)
    known.ids[row] = id
    known.slots[row] = slot
    known.created[row] = created
    known.told[row] = told
    const { values } = this.#cells
    values[id] = created
    for (let i = 1; i < known.width; i++) values[id + i] = store.get((slot + i - 1) as typeof slot)
  }

  #tellUntold(family: Family, known: Known, limit: number): void {
    const rows: number[] = []
    for (let row = 0; known.untold > rows.length && row < known.size && this.#told + rows.length < limit; row++) {
      if (known.slots[row] !== NONE && known.told[row] === 0) rows.push(row)
    }
    if (rows.length === 0) return
    this.#tellRows(family, known, rows)
    for (const row of rows) known.told[row] = 1
    known.untold -= rows.length
    this.#told += rows.length
  }

  #tellRows(family: Family, { head, ids }: Known, rows: readonly number[]): void {
    const words = new Map<string, number>()
    const indexOf = (word: string): number => {
      const index = words.get(word) ?? words.size
      if (index === words.size) words.set(word, index)
      return index
    }
    const labels: number[] = []
    for (const row of rows) {
      const pairs = family.labels(row)
      labels.push(pairs.length)
      for (const [name, value] of pairs) labels.push(indexOf(name), indexOf(value))
    }
    const own = Uint32Array.from(rows, row => ids[row]!)
    const packed = Uint32Array.from(labels)
    const message = { kind: 'rows', family: head.number, ids: own, labels: packed, words: [...words.keys()] } as const
    this.#tell(message, [own.buffer, packed.buffer])
  }

  #tellGone({ head, width }: Known, left: ReadonlyMap<number, Left>): void {
    if (left.size === 0) return
    const ids = Uint32Array.from(left.values(), ({ id }) => id)
    for (const id of ids) this.#cells.free(width, id)
    this.#tell({ kind: 'gone', family: head.number, ids })
  }

  #dropOthers(stores: readonly SeriesStore[]): void {
    const there = new Set(stores.flatMap(store => store.families()))
    for (const [family, known] of this.#known) if (!there.has(family)) this.#familyGone(family, known)
  }

  #familyGone(family: Family, known: Known): void {
    this.#known.delete(family)
    for (let row = 0; row < known.size; row++) {
      if (known.slots[row] !== NONE) this.#cells.free(known.width, known.ids[row]!)
    }
    this.#tell({ kind: 'familyGone', family: known.head.number })
  }
}

/** A row that is not where it was. */
interface Left {
  readonly id: number
  readonly created: number
  readonly told: number
}

function isRow(family: Family, known: Known, row: number): boolean {
  return row < family.size && known.slots[row] === family.slot(row) && known.created[row] === family.created(row)
}

/** Rows that are not where they were, by slot; their places are NONE after. */
function takeOut(family: Family, known: Known): Map<number, Left> {
  const left = new Map<number, Left>()
  for (let row = 0; row < known.size; row++) {
    if (known.slots[row] === NONE || isRow(family, known, row)) continue
    const told = known.told[row]!
    left.set(known.slots[row]!, { id: known.ids[row]!, created: known.created[row]!, told })
    known.slots[row] = NONE
    known.ids[row] = NONE
  }
  return left
}

/** A row that moved, which is left no more. */
function found(left: Map<number, Left>, slot: number, created: number): Left | undefined {
  const at = left.get(slot)
  if (at === undefined || at.created !== created) return undefined
  left.delete(slot)
  return at
}

/** Room for the rows there are; those beyond what was known are NONE. */
function resize(known: Known, size: number): void {
  if (size > known.slots.length) {
    const capacity = Math.max(16, size, known.slots.length * 2)
    known.ids = grown(known.ids, new Uint32Array(capacity))
    known.slots = grown(known.slots, new Uint32Array(capacity))
    known.created = grown(known.created, new Float64Array(capacity))
    known.told = grown(known.told, new Uint8Array(capacity))
  }
  known.slots.fill(NONE, Math.min(known.size, size))
  known.ids.fill(NONE, Math.min(known.size, size))
  known.size = size
}

function grown<T extends Uint32Array | Float64Array | Uint8Array>(from: T, to: T): T {
  to.set(from)
  return to
}
