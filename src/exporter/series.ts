/**
 * series.ts - the series store: families, and all their values in one typed array.
 *
 * In:    metrics of the catalogue; increments by slot.
 * Out:   families in the order they were asked for, for the exposition.
 * Fail:  nothing throws on data; a family past its budget answers with its overflow series.
 * Never: looks up a label on an increment. A slot is an index.
 */
import { Arena } from './arena.js'
import type { Metric } from './catalog.js'
import { type Cells, Family, type Shared, type Slot } from './family.js'
import { Names } from './labels.js'

export { Family, type Slot } from './family.js'

/** Series a family may have: 10,000 of 6 labels are 3 MB here, and one line each in Prometheus. */
const DEFAULT_BUDGET = 10_000

export interface SeriesOptions {
  /** Series a family may have before its overflow series takes the rest. */
  readonly budget?: number
  /** Milliseconds since 1970; for tests. */
  readonly now?: () => number
}

export class SeriesStore {
  readonly #cells: Cells = new GrowingCells()
  readonly #families = new Map<string, Family>()
  readonly #shared: Shared

  constructor(options: SeriesOptions = {}) {
    const budget = options.budget ?? DEFAULT_BUDGET
    this.#shared = { cells: this.#cells, names: new Names(), arena: new Arena(), budget, now: options.now ?? Date.now }
  }

  /** The family of a metric, made when there is none. */
  family(metric: Metric): Family {
    const known = this.#families.get(metric.name)
    if (known !== undefined) return known
    const family = new Family(metric, this.#shared)
    this.#families.set(metric.name, family)
    return family
  }

  families(): readonly Family[] {
    return [...this.#families.values()]
  }

  /** Every value by slot, for additions in a row; another array once a series is made. */
  get values(): Float64Array {
    return this.#cells.values
  }

  /** HOT: every increment of every flow. `npm run bench reduce-weir` */
  add(slot: Slot, n: number): void {
    this.#cells.values[slot]! += n
  }

  set(slot: Slot, n: number): void {
    this.#cells.values[slot] = n
  }

  get(slot: Slot): number {
    return this.#cells.values[slot]!
  }
}

class GrowingCells implements Cells {
  values = new Float64Array(256)
  #taken = 0

  /** `count` cells in a row, at 0. */
  take(count: number): Slot {
    const first = this.#taken
    this.#taken += count
    if (this.#taken > this.values.length) {
      const values = new Float64Array(Math.max(this.values.length * 2, this.#taken))
      values.set(this.values)
      this.values = values
    }
    return first as Slot
  }
}
