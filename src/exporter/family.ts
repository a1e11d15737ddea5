/**
 * family.ts - the series of one metric: a row each, with its first cell and its line prefix.
 *
 * In:    label values, in the order of metric.labels.
 * Out:   a slot to add to; the prefix and the cells for the exposition.
 * Fail:  past the budget the overflow series is the answer and `refused` counts it, so sums stay exact.
 * Never: removes a row. Room for it: rows are dense, so the last one can take a freed place.
 *
 * A row costs its prefix (~170 bytes) once, 4 bytes a label, 20 here and ~12 in LabelSets. A histogram's row keeps one
 * prefix for all its lines, `name_bucket{labels`, and text.ts adds what differs.
 */
import type { Arena } from './arena.js'
import { type Metric, OVERFLOW_LABEL } from './catalog.js'
import { cleanLabel, LabelSets, type Names } from './labels.js'

/** The first cell of a series. */
export type Slot = number & { readonly __slot: unique symbol }

/** All values of a store, as one array that grows. */
export interface Cells {
  values: Float64Array
  take(count: number): Slot
}

/** What the families of a store share. */
export interface Shared {
  readonly cells: Cells
  readonly names: Names
  readonly arena: Arena
  /** Series a family may have, its overflow series apart. */
  readonly budget: number
  /** Milliseconds since 1970. */
  readonly now: () => number
}

const NO_BUCKETS: readonly number[] = []

export class Family {
  readonly metric: Metric
  readonly buckets: readonly number[]
  readonly #shared: Shared
  readonly #cells: Cells
  readonly #sets: LabelSets
  readonly #tuple: Uint32Array
  #slots = new Uint32Array(16)
  #starts = new Uint32Array(16)
  #lengths = new Uint32Array(16)
  #created = new Float64Array(16)
  #size = 0
  #prefixBytes = 0
  #refused = 0
  #overflow: Slot | undefined
  #overflowRow = -1

  constructor(metric: Metric, shared: Shared) {
    this.metric = metric
    this.buckets = metric.buckets ?? NO_BUCKETS
    this.#shared = shared
    this.#cells = shared.cells
    this.#sets = new LabelSets(metric.labels.length)
    this.#tuple = new Uint32Array(metric.labels.length)
  }

  /** Series exposed, the overflow series included. */
  get size(): number {
    return this.#size
  }

  /** Calls of series() that the budget turned away. */
  get refused(): number {
    return this.#refused
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
    return this.#find(values) ?? this.#make(values.map(cleanLabel))
  }

  /** First cell of a row. */
  slot(row: number): Slot {
    return this.#slots[row] as Slot
  }

  /** When a row's series began to count, in milliseconds since 1970. */
  created(row: number): number {
    return this.#created[row]!
  }

  /** Name and value of each label of a row. Not for the hot path. */
  labels(row: number): readonly (readonly [name: string, value: string])[] {
    if (row === this.#overflowRow) return [[OVERFLOW_LABEL, 'true']]
    return this.metric.labels.map((label, i) => [label, this.#shared.names.value(this.#sets.number(row, i))])
  }

  /** Bytes of a row's prefix. */
  prefixLength(row: number): number {
    return this.#lengths[row]!
  }

  /** Copy a row's prefix, less its first `skip` bytes, and return the offset behind it. HOT: `npm run bench scrape` */
  copyPrefix(row: number, skip: number, out: Uint8Array, at: number): number {
    const bytes = this.#lengths[row]! - skip
    this.#shared.arena.copy(this.#starts[row]! + skip, bytes, out, at)
    return at + bytes
  }

  /** Histograms: count `value` (in the metric's unit) `times` times. */
  observe(slot: Slot, value: number, times = 1): void {
    let bucket = 0
    while (bucket < this.buckets.length && !(value <= this.buckets[bucket]!)) bucket++
    this.observeBucket(slot, bucket, times, value * times)
  }

  /** Histograms: `count` values that are known to belong to a bucket, and their sum. HOT: `npm run bench reduce-weir` */
  observeBucket(slot: Slot, bucket: number, count: number, sum: number): void {
    const { values } = this.#cells
    values[slot + bucket]! += count
    values[slot + this.buckets.length + 1]! += sum
  }

  #find(values: readonly string[]): Slot | undefined {
    if (!this.#shared.names.find(values, this.#tuple)) return undefined
    const row = this.#sets.find(this.#tuple)
    return row < 0 ? undefined : (this.#slots[row] as Slot)
  }

  #make(values: readonly string[]): Slot {
    const known = this.#find(values)
    if (known !== undefined) return known
    if (this.#size - (this.#overflow === undefined ? 0 : 1) >= this.#shared.budget) return this.#refuse()
    this.#shared.names.intern(values, this.#tuple)
    // LabelSets numbers its rows as we do: the overflow series, which it does not know, comes after all others.
    this.#sets.add(this.#tuple)
    return this.#append(this.metric.labels.map((label, i) => `${label}="${escapeLabel(values[i]!)}"`).join(','))
  }

  #refuse(): Slot {
    this.#refused++
    if (this.#overflow === undefined) {
      this.#overflowRow = this.#size
      this.#overflow = this.#append(`${OVERFLOW_LABEL}="true"`)
    }
    return this.#overflow
  }

  #append(labels: string): Slot {
    if (this.#size === this.#slots.length) this.#grow()
    const row = this.#size++
    const prefix = this.#prefix(labels)
    const bytes = Buffer.byteLength(prefix)
    this.#starts[row] = this.#shared.arena.put(prefix, bytes)
    this.#lengths[row] = bytes
    this.#created[row] = this.#shared.now()
    this.#prefixBytes += bytes
    const slot = this.#cells.take(this.metric.type === 'histogram' ? this.buckets.length + 2 : 1)
    this.#slots[row] = slot
    return slot
  }

  #prefix(labels: string): string {
    const { name, type } = this.metric
    if (type === 'histogram') return `${name}_bucket{${labels}`
    return labels === '' ? `${name} ` : `${name}{${labels}} `
  }

  #grow(): void {
    const capacity = this.#slots.length * 2
    const slots = new Uint32Array(capacity)
    const starts = new Uint32Array(capacity)
    const lengths = new Uint32Array(capacity)
    const created = new Float64Array(capacity)
    slots.set(this.#slots)
    starts.set(this.#starts)
    lengths.set(this.#lengths)
    created.set(this.#created)
    this.#slots = slots
    this.#starts = starts
    this.#lengths = lengths
    this.#created = created
  }
}

/** A label value between its quotes (text format 0.0.4: backslash, quote, line feed). */
function escapeLabel(value: string): string {
  return value.replaceAll('\\', '\\\\').replaceAll('"', '\\"').replaceAll('\n', '\\n')
}
