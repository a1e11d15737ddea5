// SPDX-License-Identifier: Apache-2.0
/**
 * series-table.ts - the series of one family under its current labels: index by labels, labels and prefix by index.
 *
 * In:    label values in the order of metric.labels, and the slot of each new series.
 * Out:   series indexes, dense from 0; labels, slots and line prefixes.
 * Never: moves a slot. Indexes move: the last series takes the index of a removed one.
 *
 * A series costs its prefix (~170 bytes) once, 4 bytes a label, 36 in the columns and ~12 in LabelSets. A histogram series
 * stores one prefix for all its lines, `name_bucket{labels`, and text.ts adds what differs.
 */
import { type Metric, OVERFLOW_LABEL } from '../catalog/metric.js'
import type { Arena } from './arena.js'
import type { Slot } from './cells.js'
import { type FrozenColumns, SeriesColumns } from './columns.js'
import { escapeLabel } from './label-value.js'
import { LabelSets, type Names } from './labels.js'

/** What the tables of a store share. */
export interface LabelStore {
  readonly names: Names
  arena: Arena
}

/** Label ids of the overflow series, which has no label values. */
const NO_NAME = 0xffff_ffff

export class SeriesTable {
  readonly metric: Metric
  readonly columns = new SeriesColumns()
  readonly #store: LabelStore
  readonly #sets: LabelSets
  /** Scratch for the label ids of one call. */
  readonly #ids: Uint32Array
  #overflow: Slot | undefined
  #prefixBytes = 0

  constructor(metric: Metric, store: LabelStore) {
    this.metric = metric
    this.#store = store
    this.#sets = new LabelSets(metric.labels.length)
    this.#ids = new Uint32Array(metric.labels.length)
  }

  /** Series, including the overflow series. */
  get size(): number {
    return this.columns.size
  }

  /** Slot of the overflow series, if there is one. */
  get overflow(): Slot | undefined {
    return this.#overflow
  }

  get prefixBytes(): number {
    return this.#prefixBytes
  }

  slot(series: number): Slot {
    return this.columns.slots[series] as Slot
  }

  isOverflow(series: number): boolean {
    return this.slot(series) === this.#overflow
  }

  /** The slot of the series with these label values. */
  find(values: readonly string[]): Slot | undefined {
    if (!this.#store.names.find(values, this.#ids)) return undefined
    const series = this.#sets.find(this.#ids)
    return series < 0 ? undefined : this.slot(series)
  }

  /** Adds a series; times as in SeriesColumns. find() must not know the values, and they must be clean. */
  add(values: readonly string[], slot: Slot, created: number, changed: number): void {
    this.#store.names.intern(values, this.#ids)
    this.#append(this.#ids, slot, created, changed)
  }

  /** Adds the overflow series; there must be none. */
  addOverflow(slot: Slot, created: number, changed: number): void {
    this.#overflow = slot
    this.#append(this.#ids.fill(NO_NAME), slot, created, changed)
  }

  /** Name and value of each label of a series. */
  labels(series: number): readonly (readonly [name: string, value: string])[] {
    if (this.isOverflow(series)) return [[OVERFLOW_LABEL, 'true']]
    const { names } = this.#store
    return this.metric.labels.map((label, i) => [label, names.value(this.#sets.id(series, i))])
  }

  /** Removes a series. Its cells stay with the caller. */
  remove(series: number): void {
    const { names, arena } = this.#store
    const bytes = this.columns.lengths[series]!
    if (this.isOverflow(series)) this.#overflow = undefined
    else names.release(this.#sets.tuple(series))
    this.#sets.remove(series)
    this.columns.remove(series)
    arena.release(bytes)
    this.#prefixBytes -= bytes
  }

  /**
   * The same series under other labels, '' for a label they did not have. Afterwards this table must not be used.
   * Series that get the same labels become one; `merge` adds the cells of the first slot to those of the second.
   */
  relabel(labels: readonly string[], merge: (from: Slot, into: Slot) => void): SeriesTable {
    const { names, arena } = this.#store
    const table = new SeriesTable({ ...this.metric, labels }, this.#store)
    // A family without labels has a single series, and it is no overflow series.
    if (labels.length > 0) table.#overflow = this.#overflow
    const places = labels.map(label => this.metric.labels.indexOf(label))
    const empty = names.use('')
    arena.release(this.#prefixBytes)
    for (let series = 0; series < this.size; series++) {
      const before = this.#sets.tuple(series)
      const named = !this.isOverflow(series)
      const ids = picked(before, places, named ? empty : NO_NAME, table.#ids)
      table.#adopt(ids, this.columns, series, merge)
      if (named) names.release(before)
    }
    names.release([empty])
    return table
  }

  /** Copies all prefixes to another arena. */
  moveTo(arena: Arena): void {
    const { starts, lengths, size } = this.columns
    for (let series = 0; series < size; series++) {
      starts[series] = arena.copyFrom(this.#store.arena, starts[series]!, lengths[series]!)
    }
  }

  /** A copy of the columns. Its arena is not changed either: released texts stay in it until another takes its place. */
  freeze(): FrozenColumns {
    return this.columns.freeze(this.#store.arena)
  }

  /** Adds a series. LabelSets numbers its sets as the columns number their series. */
  #append(ids: Uint32Array, slot: Slot, created: number, changed: number): void {
    const { columns } = this
    const series = columns.add()
    this.#sets.add(ids)
    columns.slots[series] = slot
    columns.created[series] = created
    columns.lastChange[series] = changed
    columns.lastTotal[series] = 0
    this.#writePrefix(series)
  }

  /** Adds a series of another table under the labels `ids`, or merges it into the one that has them. */
  #adopt(ids: Uint32Array, from: SeriesColumns, series: number, merge: (from: Slot, into: Slot) => void): void {
    const { columns } = this
    const known = this.#sets.find(ids)
    if (known >= 0) {
      merge(from.slots[series] as Slot, this.slot(known))
      columns.mergeFrom(from, series, known)
      return
    }
    const added = columns.add()
    this.#sets.add(ids)
    columns.copyFrom(from, series, added)
    if (!this.isOverflow(added)) this.#store.names.retain(ids)
    this.#writePrefix(added)
  }

  #writePrefix(series: number): void {
    const labels = this.labels(series).map(([label, value]) => `${label}="${escapeLabel(value)}"`)
    const prefix = prefixOf(this.metric, labels.join(','))
    const bytes = Buffer.byteLength(prefix)
    this.columns.starts[series] = this.#store.arena.put(prefix, bytes)
    this.columns.lengths[series] = bytes
    this.#prefixBytes += bytes
  }
}

/** Fills `into` with the id at each of `places`, `missing` where a place is -1. */
function picked(ids: Uint32Array, places: readonly number[], missing: number, into: Uint32Array): Uint32Array {
  for (let i = 0; i < places.length; i++) into[i] = places[i]! < 0 ? missing : ids[places[i]!]!
  return into
}

function prefixOf({ name, type }: Metric, labels: string): string {
  if (type === 'histogram') return `${name}_bucket{${labels}`
  return labels === '' ? `${name} ` : `${name}{${labels}} `
}
