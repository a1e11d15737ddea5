/**
 * family.ts - the series of one metric: a row each, with its first cell and its line prefix.
 *
 * In:    label values, in the order of metric.labels.
 * Out:   a slot to add to; the prefix and the cells for the exposition.
 * Fail:  past the budget the overflow series is the answer and `refused` counts it, so sums stay exact.
 * Never: moves a slot. Rows move: the last one takes the place of one that is removed.
 *
 * A row costs its prefix (~170 bytes) once, 4 bytes a label, 36 here and ~12 in LabelSets. A histogram's row keeps one
 * prefix for all its lines, `name_bucket{labels`, and text.ts adds what differs.
 */

import { type Metric, OVERFLOW_LABEL } from '../catalog/metric.js'
import type { FrozenColumns } from '../exposition/frozen.js'
import type { Arena } from './arena.js'
import type { Cells, Slot } from './cells.js'
import { type Exemplar, Exemplars, type Peers } from './exemplar.js'
import { Expired } from './expired.js'
import { cleanLabel, escapeLabel } from './label-value.js'
import { LabelSets, type Names } from './labels.js'
import { SeriesColumns } from './rows.js'

export type { Slot } from './cells.js'

/** What the families of a store share. */
export interface Shared {
  readonly cells: Cells
  readonly names: Names
  arena: Arena
  /** Milliseconds since 1970. */
  readonly now: () => number
}

/** Told each slot that is nobody's any more. */
export type OnRemove = (slot: Slot) => void

const NO_BUCKETS: readonly number[] = []
/** In place of a label's number in the overflow series, whose labels have none. */
const NO_NAME = 0xffff_ffff

export class Family {
  readonly buckets: readonly number[]
  readonly expired: Expired
  /** Series it may have, its overflow series apart; fewer than it has refuses new ones only. */
  budget: number
  readonly #shared: Shared
  readonly #width: number
  readonly #rows = new SeriesColumns()
  #metric: Metric
  #sets: LabelSets
  #tuple: Uint32Array
  #prefixBytes = 0
  #refused = 0
  #overflow: Slot | undefined
  #exemplars: Exemplars | undefined

  constructor(metric: Metric, shared: Shared, budget: number) {
    this.#metric = metric
    this.buckets = metric.buckets ?? NO_BUCKETS
    this.expired = new Expired(metric)
    this.budget = budget
    this.#shared = shared
    this.#width = metric.type === 'histogram' ? this.buckets.length + 2 : 1
    this.#sets = new LabelSets(metric.labels.length)
    this.#tuple = new Uint32Array(metric.labels.length)
  }

  /** As the catalogue has it, with the labels that were chosen. */
  get metric(): Metric {
    return this.#metric
  }

  /** Series exposed, the overflow series included. */
  get size(): number {
    return this.#rows.size
  }

  /** Calls of series() that the budget turned away. */
  get refused(): number {
    return this.#refused
  }

  /** The overflow series has counts that would have series of their own now. */
  get staleOverflow(): Slot | undefined {
    return this.#full ? undefined : this.#overflow
  }

  /** Bytes of all prefixes, to size an exposition. */
  get prefixBytes(): number {
    return this.#prefixBytes
  }

  /** The series with these label values, made (at 0) when there is none. Not for the hot path: keep the slot. */
  series(values: readonly string[]): Slot {
    if (values.length !== this.#tuple.length) {
      throw new RangeError(`${this.metric.name} has ${this.#tuple.length} labels, not ${values.length}`)
    }
    return this.#find(values) ?? this.#admit(values.map(cleanLabel))
  }

  /** First cell of a row. */
  slot(row: number): Slot {
    return this.#rows.slots[row] as Slot
  }

  /** When a row's series began to count, in milliseconds since 1970. */
  created(row: number): number {
    return this.#rows.created[row]!
  }

  /** Name and value of each label of a row. Not for the hot path. */
  labels(row: number): readonly (readonly [name: string, value: string])[] {
    if (this.#isOverflow(row)) return [[OVERFLOW_LABEL, 'true']]
    return this.metric.labels.map((label, i) => [label, this.#shared.names.value(this.#sets.number(row, i))])
  }

  /** Bytes of a row's prefix. */
  prefixLength(row: number): number {
    return this.#rows.lengths[row]!
  }

  /** Copy a row's prefix, less its first `skip` bytes, and return the offset behind it. HOT: `npm run bench scrape` */
  copyPrefix(row: number, skip: number, out: Uint8Array, at: number): number {
    const bytes = this.#rows.lengths[row]! - skip
    this.#shared.arena.copy(this.#rows.starts[row]! + skip, bytes, out, at)
    return at + bytes
  }

  /** The rows of now, which stay as they are. The arena does, too: another takes its place when texts are let go. */
  freeze(): FrozenColumns {
    const { size, slots, starts, lengths, created } = this.#rows
    return {
      size,
      slots: slots.slice(0, size),
      starts: starts.slice(0, size),
      lengths: lengths.slice(0, size),
      created: created.slice(0, size),
      arena: this.#shared.arena,
    }
  }

  /** Histograms: count `value` (in the metric's unit) `times` times. */
  observe(slot: Slot, value: number, times = 1): void {
    this.observeBucket(slot, this.#bucket(value), times, value * times)
  }

  /** Histograms: `count` values that are known to belong to a bucket, and their sum. HOT: `npm run bench reduce-weir` */
  observeBucket(slot: Slot, bucket: number, count: number, sum: number): void {
    const { values } = this.#shared.cells
    values[slot + bucket]! += count
    values[slot + this.buckets.length + 1]! += sum
  }

  /** Histograms: whether connections leave their addresses as examples. Those left so far go. */
  keepExemplars(keep: boolean): void {
    this.#exemplars = keep ? new Exemplars(this.buckets.length + 1) : undefined
  }

  get keepsExemplars(): boolean {
    return this.#exemplars !== undefined
  }

  /** Histograms: observe() of one connection, whose addresses are the bucket's example from now on, if any are kept. */
  observeOf(slot: Slot, value: number, peers: Peers): void {
    this.observe(slot, value)
    this.#exemplars?.keep(slot, this.#bucket(value), value, this.#shared.now(), peers)
  }

  /** Histograms: the last example of a row's bucket (+Inf is the last); undefined where there is none. */
  exemplar(row: number, bucket: number): Exemplar | undefined {
    return this.#exemplars?.read(this.slot(row), bucket)
  }

  /**
   * Remove series that did not change since `before` (milliseconds since 1970) as far as sweeps saw, gauges only at 0.
   * Gone is told each slot that is nobody's any more.
   */
  expire(before: number, gone: OnRemove): void {
    const now = this.#shared.now()
    const rows = this.#rows
    for (let row = rows.size - 1; row >= 0; row--) {
      const value = this.#total(row)
      const resting = value === rows.seen[row] && (this.metric.type !== 'gauge' || value === 0)
      if (!resting) {
        rows.seen[row] = value
        rows.changed[row] = now
      } else if (rows.changed[row]! <= before) this.#remove(row, gone)
    }
  }

  /** Remove the series whose labels say so; the overflow series, which is of many, stays. */
  removeWhere(goes: (labels: Readonly<Record<string, string>>) => boolean, gone: OnRemove): void {
    for (let row = this.#rows.size - 1; row >= 0; row--) {
      if (!this.#isOverflow(row) && goes(Object.fromEntries(this.labels(row)))) this.#remove(row, gone)
    }
  }

  /** Remove all series. */
  clear(gone: OnRemove): void {
    for (let row = this.#rows.size - 1; row >= 0; row--) this.#remove(row, gone)
  }

  /**
   * Other labels from now on, '' where a series did not have one. Series that become one are summed, and the older
   * `created` stays. The budget refuses none: what has been counted in a series of its own stays in one. A gauge's series
   * go, to be told anew. Exemplars go, and slots that were given before mean nothing any more.
   */
  relabel(labels: readonly string[]): void {
    if (this.metric.type === 'gauge') for (let row = this.size - 1; row >= 0; row--) this.#drop(row)
    if (this.keepsExemplars) this.keepExemplars(true)
    const { names } = this.#shared
    const before = { sets: this.#sets, size: this.size, overflow: this.#overflow }
    const columns = labels.map(label => this.metric.labels.indexOf(label))
    this.#begin(labels)
    const empty = names.use('')
    for (let row = 0; row < before.size; row++) {
      const numbers = before.sets.tuple(row)
      const named = this.slot(row) !== before.overflow
      const other = named ? empty : NO_NAME
      for (let i = 0; i < columns.length; i++) this.#tuple[i] = columns[i]! < 0 ? other : numbers[columns[i]!]!
      this.#regroup(row)
      if (named) names.release(numbers)
    }
    names.release([empty])
  }

  /** Copy all prefixes to another arena, which the store has from now on. */
  moveTo(arena: Arena): void {
    const { starts, lengths, size } = this.#rows
    for (let row = 0; row < size; row++) {
      starts[row] = arena.copyFrom(this.#shared.arena, starts[row]!, lengths[row]!)
    }
  }

  #bucket(value: number): number {
    let bucket = 0
    while (bucket < this.buckets.length && !(value <= this.buckets[bucket]!)) bucket++
    return bucket
  }

  #find(values: readonly string[]): Slot | undefined {
    if (!this.#shared.names.find(values, this.#tuple)) return undefined
    const row = this.#sets.find(this.#tuple)
    return row < 0 ? undefined : (this.#rows.slots[row] as Slot)
  }

  #admit(values: readonly string[]): Slot {
    const known = this.#find(values)
    if (known !== undefined) return known
    if (!this.#full) return this.#make(values)
    this.#refused++
    return this.#overflowSlot()
  }

  /** A family without labels has its one series whatever the budget. */
  get #full(): boolean {
    const own = this.size - (this.#overflow === undefined ? 0 : 1)
    return own >= this.budget && this.metric.labels.length > 0
  }

  #make(values: readonly string[]): Slot {
    this.#shared.names.intern(values, this.#tuple)
    return this.#append(this.#shared.cells.take(this.#width))
  }

  #overflowSlot(): Slot {
    if (this.#overflow === undefined) {
      this.#tuple.fill(NO_NAME)
      this.#overflow = this.#shared.cells.take(this.#width)
      this.#append(this.#overflow)
    }
    return this.#overflow
  }

  #isOverflow(row: number): boolean {
    return this.slot(row) === this.#overflow
  }

  /** A row for the labels in #tuple. LabelSets numbers its rows as we do. */
  #append(slot: Slot): Slot {
    const rows = this.#rows
    const row = rows.add()
    this.#sets.add(this.#tuple)
    rows.slots[row] = slot
    rows.created[row] = rows.changed[row] = this.#shared.now()
    rows.seen[row] = 0
    this.#entitle(row)
    return slot
  }

  /** Give a row the prefix that its labels make. */
  #entitle(row: number): void {
    const rows = this.#rows
    const labels = this.labels(row).map(([label, value]) => `${label}="${escapeLabel(value)}"`)
    const prefix = this.#prefix(labels.join(','))
    const bytes = Buffer.byteLength(prefix)
    rows.starts[row] = this.#shared.arena.put(prefix, bytes)
    rows.lengths[row] = bytes
    this.#prefixBytes += bytes
  }

  /** No rows, of other labels. What was in them is still there to be read. */
  #begin(labels: readonly string[]): void {
    this.#metric = { ...this.metric, labels }
    this.#sets = new LabelSets(labels.length)
    this.#tuple = new Uint32Array(labels.length)
    // Without labels there is one series, and it is of all.
    if (labels.length === 0) this.#overflow = undefined
    this.#shared.arena.release(this.#prefixBytes)
    this.#prefixBytes = 0
    this.#rows.size = 0
  }

  /**
   * What was a row has the labels in #tuple now: it is the next of the rows of now, or a part of one of them. Those never
   * outnumber the rows that were read, so none is written over before it is.
   */
  #regroup(row: number): void {
    const rows = this.#rows
    const { cells, names } = this.#shared
    let to = this.#sets.find(this.#tuple)
    if (to >= 0) {
      cells.merge(this.slot(row), this.slot(to), this.#width)
      rows.merge(row, to)
    } else {
      to = this.#sets.add(this.#tuple)
      rows.copy(row, rows.add())
      if (!this.#isOverflow(to)) names.retain(this.#tuple)
      this.#entitle(to)
    }
    rows.seen[to] = this.#total(to)
  }

  #remove(row: number, gone: OnRemove): void {
    const slot = this.slot(row)
    this.expired.add(this.#shared.cells.values, slot, this.#width)
    this.#drop(row)
    gone(slot)
  }

  #drop(row: number): void {
    const { cells, names, arena } = this.#shared
    const slot = this.slot(row)
    const bytes = this.prefixLength(row)
    if (slot === this.#overflow) this.#overflow = undefined
    else names.release(this.#sets.tuple(row))
    this.#sets.remove(row)
    this.#rows.remove(row)
    arena.release(bytes)
    this.#prefixBytes -= bytes
    this.#exemplars?.remove(slot)
    cells.give(slot, this.#width)
  }

  /** What grows with each increment: the value, or a histogram's count. */
  #total(row: number): number {
    const { values } = this.#shared.cells
    const first = this.slot(row)
    let total = values[first]!
    for (let bucket = 1; bucket <= this.buckets.length; bucket++) total += values[first + bucket]!
    return total
  }

  #prefix(labels: string): string {
    const { name, type } = this.metric
    if (type === 'histogram') return `${name}_bucket{${labels}`
    return labels === '' ? `${name} ` : `${name}{${labels}} `
  }
}
