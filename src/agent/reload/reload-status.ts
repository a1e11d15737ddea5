// SPDX-License-Identifier: Apache-2.0
/**
 * reload-status.ts - metrics of a file or configuration that can be reloaded.
 *
 * Out:   whether the last attempt succeeded, the time of the last success, and attempts by result, 0 from the start.
 */
import type { Metric } from '../../exporter/catalog/metric.js'
import type { SeriesStore } from '../../exporter/series/series.js'

export interface ReloadMetrics {
  readonly successful: Metric
  readonly time: Metric
  /** Counter with the label `result`. */
  readonly reloads?: Metric
}

type Result = 'applied' | 'refused'

const MS_PER_SECOND = 1000

export class ReloadStatus {
  readonly #store: SeriesStore
  readonly #metrics: ReloadMetrics
  readonly #now: () => number
  readonly #counts: Record<Result, number> = { applied: 0, refused: 0 }

  /** The content at the start counts as the last success, but not as a reload. `now`: Unix time in milliseconds. */
  constructor(store: SeriesStore, metrics: ReloadMetrics, now: () => number = Date.now) {
    this.#store = store
    this.#metrics = metrics
    this.#now = now
    this.#setTime()
    this.#publish(true)
  }

  applied(): void {
    this.#counts.applied++
    this.#setTime()
    this.#publish(true)
  }

  /** The previous content stays in effect. */
  refused(): void {
    this.#counts.refused++
    this.#publish(false)
  }

  #setTime(): void {
    this.#set(this.#metrics.time, [], this.#now() / MS_PER_SECOND)
  }

  #publish(successful: boolean): void {
    const { reloads } = this.#metrics
    this.#set(this.#metrics.successful, [], successful ? 1 : 0)
    if (reloads === undefined) return
    for (const [result, n] of Object.entries(this.#counts)) this.#set(reloads, [result], n)
  }

  #set(metric: Metric, labels: readonly string[], value: number): void {
    this.#store.set(this.#store.family(metric).series(labels), value)
  }
}
