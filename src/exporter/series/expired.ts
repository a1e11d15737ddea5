/**
 * expired.ts - what the series of a family had counted when they were removed.
 *
 * In:    the cells of a counter or a histogram that goes; of gauges only that they went.
 * Out:   sums by the name of the sample, so that exposed and expired together are all that was counted.
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

  /** Name of each sample that is summed, with its sum: of a histogram _count and _sum, of a gauge none. */
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
