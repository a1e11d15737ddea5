// SPDX-License-Identifier: Apache-2.0
/**
 * series.ts - the series store: families, and the values of all their series in one typed array.
 *
 * In:    metrics of the catalog; increments by slot; periodic calls of expire().
 * Out:   families in order of creation, for the exposition.
 * Fail:  data never throws; a family past its budget returns its overflow series.
 * Never: looks up a label on an increment: a slot is an array index.
 */

import type { Metric } from '../catalog/metric.js'
import { Arena } from './arena.js'
import { Cells, type Slot } from './cells.js'
import { Family, type OnRemove, type Selector, type Shared } from './family.js'
import { Names } from './labels.js'

export { Family, type Slot } from './family.js'

/** 10,000 series of 6 labels take 3 MB here; each is one series in Prometheus. */
const DEFAULT_BUDGET = 10_000

export interface SeriesOptions {
  /** Maximum series of a family, not counting its overflow series. */
  readonly budget?: number
  /** Milliseconds since 1970, for timestamps; for tests. */
  readonly now?: () => number
  /** Milliseconds of a clock that is never set, for ages; for tests. Default: `now` if it is given. */
  readonly monotonic?: () => number
}

/** 1 at the index of each slot that is no longer valid. Caches of slots must look these up again. */
export type StaleSlots = Uint8Array

export class SeriesStore {
  readonly #cells = new Cells()
  readonly #families = new Map<string, Family>()
  readonly #internalFamilies: Family[] = []
  readonly #shared: Shared
  #budgetOf: (name: string) => number

  constructor(options: SeriesOptions = {}) {
    const { budget = DEFAULT_BUDGET, now = Date.now, monotonic = options.now ?? (() => performance.now()) } = options
    this.#budgetOf = () => budget
    this.#shared = { cells: this.#cells, names: new Names(), arena: new Arena(), now, monotonic }
  }

  /** The family of a metric, created on first use. */
  family(metric: Metric): Family {
    const known = this.#families.get(metric.name)
    if (known !== undefined) return known
    const family = new Family(metric, this.#shared, this.#budgetOf(metric.name))
    this.#families.set(metric.name, family)
    return family
  }

  /** A family that is never exposed and has no budget, with its values in this store. */
  internalFamily(metric: Metric): Family {
    const family = new Family(metric, this.#shared, Number.POSITIVE_INFINITY)
    this.#internalFamilies.push(family)
    return family
  }

  families(): readonly Family[] {
    return [...this.#families.values()]
  }

  /** Sets the budgets, by family name, of existing and future families. */
  setBudgets(budgetOf: (name: string) => number): void {
    this.#budgetOf = budgetOf
    for (const family of this.#families.values()) family.budget = budgetOf(family.metric.name)
  }

  /**
   * Removes series of these families that did not change for `ttlMs`. Returns the slots to look up again, undefined if there
   * are none: those removed, and overflow series of families that are below their budget again.
   */
  expire(families: readonly Family[], ttlMs: number): StaleSlots | undefined {
    const before = this.#shared.monotonic() - ttlMs
    return this.#remove(families, (family, onRemove) => family.expire(before, onRemove))
  }

  /** Removes the series that the selector of their family chooses. Returns the slots to look up again, as expire(). */
  removeWhere(
    families: readonly Family[],
    selectorOf: (family: Family) => Selector | undefined,
  ): StaleSlots | undefined {
    return this.#remove(families, (family, onRemove) => {
      const selects = selectorOf(family)
      if (selects !== undefined) family.removeWhere(selects, onRemove)
    })
  }

  #remove(families: readonly Family[], remove: (family: Family, onRemove: OnRemove) => void): StaleSlots | undefined {
    let stale: StaleSlots | undefined
    const mark = (slot: Slot) => {
      stale ??= new Uint8Array(this.#cells.values.length)
      stale[slot] = 1
    }
    for (const family of families) {
      remove(family, mark)
      if (family.staleOverflow !== undefined) mark(family.staleOverflow)
    }
    this.tidy()
    return stale
  }

  /** Frees the memory of released prefixes once they exceed the live ones. */
  tidy(): void {
    if (!this.#shared.arena.wasteful) return
    const arena = new Arena()
    for (const family of this.#all()) family.moveTo(arena)
    this.#shared.arena = arena
  }

  /** Cells that belong to no series, for increments that are not exposed. */
  sink(cells: number): Slot {
    return this.#cells.allocate(cells)
  }

  #all(): readonly Family[] {
    return [...this.#families.values(), ...this.#internalFamilies]
  }

  /** All values by slot, for several additions at once. The array is replaced when a series is added. */
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
