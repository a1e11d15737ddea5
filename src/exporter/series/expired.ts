// SPDX-License-Identifier: Apache-2.0
/**
 * expired.ts - the sums of a family's removed series.
 *
 * In:    the cells of each removed counter or histogram series. Gauges are only counted.
 * Out:   sums by sample name. Exposed and expired values together are everything ever counted.
 */
import type { Metric } from '../catalog/metric.js'

export class Expired {
  /** Series removed. */
  count = 0
  #value = 0
  #sum = 0
  readonly #metric: Metric

  constructor(metric: Metric) {
    this.#metric = metric
  }

  add(values: Float64Array, slot: number, cells: number): void {
    this.count++
    const { type } = this.#metric
    if (type === 'gauge') return
    const last = type === 'histogram' ? slot + cells - 1 : slot + cells
    for (let at = slot; at < last; at++) this.#value += values[at]!
    if (type === 'histogram') this.#sum += values[last]!
  }

  /** Sample names and their sums: _count and _sum of a histogram, none of a gauge. */
  samples(): readonly (readonly [sample: string, value: number])[] {
    const { name, type } = this.#metric
    if (type === 'gauge') return []
    if (type === 'counter') return [[name, this.#value]]
    return [
      [`${name}_count`, this.#value],
      [`${name}_sum`, this.#sum],
    ]
  }
}
