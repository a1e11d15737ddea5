/**
 * series.ts - the series store: families, and all their values in one typed array.
 *
 * In:    metrics of the catalogue; increments by slot; sweeps, now and then, for series that rest.
 * Out:   families in the order they were asked for, for the exposition.
 * Fail:  nothing throws on data; a family past its budget answers with its overflow series.
 * Never: looks up a label on an increment. A slot is an index.
 */

import type { Metric } from '../catalog/metric.js'
import { Arena } from './arena.js'
import { Cells, type Slot } from './cells.js'
import { Family, type Shared } from './family.js'
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

/** Slots that lead nowhere any more, by number; what remembers slots must look those up anew. */
export type StaleSlots = Uint8Array

export class SeriesStore {
  readonly #cells = new Cells()
  readonly #families = new Map<string, Family>()
  readonly #internal: Family[] = []
  readonly #shared: Shared
  #budgetOf: (name: string) => number

  constructor(options: SeriesOptions = {}) {
    const { budget = DEFAULT_BUDGET, now = Date.now } = options
    this.#budgetOf = () => budget
    this.#shared = { cells: this.#cells, names: new Names(), arena: new Arena(), now }
  }

  /** The family of a metric, made when there is none. */
  family(metric: Metric): Family {
    const known = this.#families.get(metric.name)
    if (known !== undefined) return known
    const family = new Family(metric, this.#shared, this.#budgetOf(metric.name))
    this.#families.set(metric.name, family)
    return family
  }

  /** A family of a metric that is in no exposition, with values in this store and no budget. */
  internalFamily(metric: Metric): Family {
    const family = new Family(metric, this.#shared, Number.POSITIVE_INFINITY)
    this.#internal.push(family)
    return family
  }

  families(): readonly Family[] {
    return [...this.#families.values()]
  }

  /** Other budgets, by a family's name: for those that there are, and those that come. */
  setBudgets(budgetOf: (name: string) => number): void {
    this.#budgetOf = budgetOf
    for (const family of this.#families.values()) family.budget = budgetOf(family.metric.name)
  }

  /**
   * Remove series of these families that rested for `ttlMs`, as far as sweeps saw. Slots to look up anew: those removed,
   * and overflow series that have counts with room of their own again; undefined when there are none.
   */
  expire(families: readonly Family[], ttlMs: number): StaleSlots | undefined {
    const before = this.#shared.now() - ttlMs
    return this.#remove(families, (family, gone) => family.expire(before, gone))
  }

  /** Remove the series of these families whose labels say so; slots to look up anew, as sweep() tells them. */
  removeWhere(
    families: readonly Family[],
    goesOf: (family: Family) => ((labels: Readonly<Record<string, string>>) => boolean) | undefined,
  ): StaleSlots | undefined {
    return this.#remove(families, (family, gone) => {
      const goes = goesOf(family)
      if (goes !== undefined) family.removeWhere(goes, gone)
    })
  }

  #remove(
    families: readonly Family[],
    remove: (family: Family, gone: (slot: Slot) => void) => void,
  ): StaleSlots | undefined {
    let gone: StaleSlots | undefined
    const mark = (slot: Slot) => {
      gone ??= new Uint8Array(this.#cells.values.length)
      gone[slot] = 1
    }
    for (const family of families) {
      remove(family, mark)
      if (family.staleOverflow !== undefined) mark(family.staleOverflow)
    }
    this.tidy()
    return gone
  }

  /** Give back the memory of texts that no series needs. */
  tidy(): void {
    if (!this.#shared.arena.wasteful) return
    const arena = new Arena()
    for (const family of this.#all()) family.moveTo(arena)
    this.#shared.arena = arena
  }

  /** Cells in a row that no series has: where increments go that nobody wants. */
  sink(cells: number): Slot {
    return this.#cells.take(cells)
  }

  #all(): readonly Family[] {
    return [...this.#families.values(), ...this.#internal]
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
