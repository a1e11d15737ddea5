// SPDX-License-Identifier: Apache-2.0
/**
 * family.ts - the series of one metric: finds or adds them, counts, expires and relabels them.
 *
 * In:    label values, in the order of metric.labels.
 * Out:   a slot to add to; labels, slots and prefixes for the exposition.
 * Fail:  past the budget the overflow series' slot is returned and `refused` counts the call, so sums stay exact.
 * Never: moves a slot. Series indexes move: the last series takes the index of a removed one.
 */
import type { Metric } from '../catalog/metric.js'
import type { Arena } from './arena.js'
import type { Cells, Slot } from './cells.js'
import type { FrozenColumns } from './columns.js'
import { type Exemplar, Exemplars, type Peers } from './exemplar.js'
import { Expired } from './expired.js'
import { cleanLabel } from './label-value.js'
import { type LabelStore, SeriesTable } from './series-table.js'

export type { Slot } from './cells.js'

/** What the families of a store share. */
export interface Shared extends LabelStore {
  readonly cells: Cells
  /** Milliseconds since 1970. */
  readonly now: () => number
  /** Milliseconds of a clock that is never set. */
  readonly monotonic: () => number
}

/** Called with the slot of each series removed. */
export type OnRemove = (slot: Slot) => void
/** Decides by a series' labels. */
export type Selector = (labels: Readonly<Record<string, string>>) => boolean

const NO_BUCKETS: readonly number[] = []

export class Family {
  readonly buckets: readonly number[]
  readonly expired: Expired
  /** Maximum number of series, not counting the overflow series. A smaller budget only refuses new series. */
  budget: number
  readonly #shared: Shared
  /** Cells of a series. */
  readonly #width: number
  #table: SeriesTable
  #refused = 0
  #exemplars: Exemplars | undefined

  constructor(metric: Metric, shared: Shared, budget: number) {
    this.buckets = metric.buckets ?? NO_BUCKETS
    this.expired = new Expired(metric)
    this.budget = budget
    this.#shared = shared
    this.#width = metric.type === 'histogram' ? this.buckets.length + 2 : 1
    this.#table = new SeriesTable(metric, shared)
  }

  /** The metric with its current labels. */
  get metric(): Metric {
    return this.#table.metric
  }

  /** Series exposed, including the overflow series. */
  get size(): number {
    return this.#table.size
  }

  /** Calls of series() refused by the budget. */
  get refused(): number {
    return this.#refused
  }

  /** Slot of the overflow series once the family is below its budget again: what it counts can have series of its own. */
  get staleOverflow(): Slot | undefined {
    return this.#full ? undefined : this.#table.overflow
  }

  /** Bytes of all prefixes. */
  get prefixBytes(): number {
    return this.#table.prefixBytes
  }

  /** The slot of the series with these label values, added with value 0 if new. Not for the hot path: cache the slot. */
  series(values: readonly string[]): Slot {
    const { labels, name } = this.metric
    if (values.length !== labels.length) {
      throw new RangeError(`${name} has ${labels.length} labels, not ${values.length}`)
    }
    return this.#table.find(values) ?? this.#add(values.map(cleanLabel))
  }

  /** First cell of a series. */
  slot(series: number): Slot {
    return this.#table.slot(series)
  }

  /** Creation time of a series, in milliseconds since 1970. */
  created(series: number): number {
    return this.#table.columns.created[series]!
  }

  /** Name and value of each label of a series. Not for the hot path. */
  labels(series: number): readonly (readonly [name: string, value: string])[] {
    return this.#table.labels(series)
  }

  /** A copy of what the exposition needs of each series. */
  freeze(): FrozenColumns {
    return this.#table.freeze()
  }

  /** Histograms: counts `value` (in the metric's unit) `times` times. */
  observe(slot: Slot, value: number, times = 1): void {
    this.observeBucket(slot, this.#bucket(value), times, value * times)
  }

  /** Histograms: adds `count` values of one bucket and their sum. HOT: `npm run bench reduce-weir` */
  observeBucket(slot: Slot, bucket: number, count: number, sum: number): void {
    const { values } = this.#shared.cells
    values[slot + bucket]! += count
    values[slot + this.buckets.length + 1]! += sum
  }

  /** Histograms: turns exemplars on or off. Removes those stored so far. */
  keepExemplars(keep: boolean): void {
    this.#exemplars = keep ? new Exemplars(this.buckets.length + 1) : undefined
  }

  get keepsExemplars(): boolean {
    return this.#exemplars !== undefined
  }

  /** Histograms: observe() for one connection. With exemplars on, its addresses become the bucket's exemplar. */
  observeOf(slot: Slot, value: number, peers: Peers): void {
    this.observe(slot, value)
    this.#exemplars?.keep(slot, this.#bucket(value), value, this.#shared.now(), peers)
  }

  /** The exemplar of a bucket of a series, if there is one. */
  exemplar(series: number, bucket: number): Exemplar | undefined {
    return this.#exemplars?.read(this.slot(series), bucket)
  }

  /**
   * Removes series unchanged since `before` (of the monotonic clock); gauges only at 0. Changes are noticed by these
   * passes alone: each compares a series with the total that the previous pass saw.
   */
  expire(before: number, onRemove: OnRemove): void {
    const now = this.#shared.monotonic()
    const { columns } = this.#table
    for (let series = columns.size - 1; series >= 0; series--) {
      const total = this.#total(series)
      const unchanged = total === columns.lastTotal[series] && (this.metric.type !== 'gauge' || total === 0)
      if (!unchanged) {
        columns.lastTotal[series] = total
        columns.lastChange[series] = now
      } else if (columns.lastChange[series]! <= before) this.#remove(series, onRemove)
    }
  }

  /** Removes the series that `selects` chooses, but never the overflow series. */
  removeWhere(selects: Selector, onRemove: OnRemove): void {
    const table = this.#table
    for (let series = table.size - 1; series >= 0; series--) {
      if (!table.isOverflow(series) && selects(Object.fromEntries(table.labels(series)))) this.#remove(series, onRemove)
    }
  }

  /** Removes all series. */
  clear(onRemove: OnRemove): void {
    for (let series = this.size - 1; series >= 0; series--) this.#remove(series, onRemove)
  }

  /**
   * Changes the labels, '' where a series did not have one. Series that get the same labels are summed and keep the earlier
   * `created`. The budget refuses none of them. A gauge's series are removed instead: its owner sets them again. Exemplars
   * are removed. All slots returned before are invalid.
   */
  relabel(labels: readonly string[]): void {
    if (this.metric.type === 'gauge') for (let series = this.size - 1; series >= 0; series--) this.#drop(series)
    if (this.keepsExemplars) this.keepExemplars(true)
    this.#table = this.#table.relabel(labels, (from, into) => this.#shared.cells.merge(from, into, this.#width))
    const { columns } = this.#table
    for (let series = 0; series < columns.size; series++) columns.lastTotal[series] = this.#total(series)
  }

  /** Copies all prefixes to another arena, which the store switches to next. */
  moveTo(arena: Arena): void {
    this.#table.moveTo(arena)
  }

  #bucket(value: number): number {
    let bucket = 0
    while (bucket < this.buckets.length && !(value <= this.buckets[bucket]!)) bucket++
    return bucket
  }

  #add(values: readonly string[]): Slot {
    const known = this.#table.find(values)
    if (known !== undefined) return known
    if (this.#full) {
      this.#refused++
      return this.#table.overflow ?? this.#addOverflow()
    }
    const slot = this.#shared.cells.allocate(this.#width)
    this.#table.add(values, slot, this.#shared.now(), this.#shared.monotonic())
    return slot
  }

  #addOverflow(): Slot {
    const slot = this.#shared.cells.allocate(this.#width)
    this.#table.addOverflow(slot, this.#shared.now(), this.#shared.monotonic())
    return slot
  }

  /** A family without labels has its one series whatever the budget. */
  get #full(): boolean {
    const named = this.size - (this.#table.overflow === undefined ? 0 : 1)
    return named >= this.budget && this.metric.labels.length > 0
  }

  #remove(series: number, onRemove: OnRemove): void {
    const slot = this.slot(series)
    this.expired.add(this.#shared.cells.values, slot, this.#width)
    this.#drop(series)
    onRemove(slot)
  }

  #drop(series: number): void {
    const slot = this.slot(series)
    this.#table.remove(series)
    this.#exemplars?.remove(slot)
    this.#shared.cells.release(slot, this.#width)
  }

  /** What grows with each increment: a counter's value, a histogram's count. */
  #total(series: number): number {
    const { values } = this.#shared.cells
    const first = this.slot(series)
    let total = values[first]!
    for (let bucket = 1; bucket <= this.buckets.length; bucket++) total += values[first + bucket]!
    return total
  }
}
