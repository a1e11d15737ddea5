// SPDX-License-Identifier: Apache-2.0
/**
 * statistics.ts - the push's own metrics.
 *
 * In:    the result of each export.
 * Out:   weir_otlp_* in the series store, initialised to 0 so that a rate sees the first failure; text for the landing page.
 */
import { M } from '../exporter/catalog/catalog.js'
import type { SeriesStore } from '../exporter/series/series.js'
import { type Done, PUSH_RESULTS, type PushResult } from './message.js'

export type ExportSummary = Pick<Done, 'result' | 'detail' | 'accepted' | 'rejected' | 'dropped'>
/** Extra result: an export was skipped. */
export type CountedResult = PushResult | 'skipped'

const COUNTED_RESULTS: readonly CountedResult[] = [...PUSH_RESULTS, 'skipped']
const PLAIN = [
  M.otlpPoints,
  M.otlpPointsRejected,
  M.otlpPointsDropped,
  M.otlpSeconds,
  M.otlpRestarts,
  M.otlpLastSuccess,
]

export class ExportStatistics {
  readonly #store: SeriesStore
  #last: ExportSummary | undefined

  constructor(store: SeriesStore) {
    this.#store = store
    for (const result of COUNTED_RESULTS) this.#add(M.otlpExports, [result], 0)
    for (const metric of PLAIN) this.#add(metric, [], 0)
  }

  exported(exported: ExportSummary, seconds: number): void {
    this.#last = exported
    this.#add(M.otlpExports, [exported.result], 1)
    this.#add(M.otlpPoints, [], exported.accepted)
    this.#add(M.otlpPointsRejected, [], exported.rejected)
    this.#add(M.otlpPointsDropped, [], exported.dropped)
    this.#add(M.otlpSeconds, [], seconds)
    if (exported.result !== 'success' && exported.result !== 'partial') return
    this.#store.set(this.#store.family(M.otlpLastSuccess).series([]), Date.now() / 1000)
  }

  skipped(): void {
    this.#add(M.otlpExports, ['skipped'], 1)
  }

  workerRestarted(): void {
    this.#add(M.otlpRestarts, [], 1)
  }

  /** The push blocked the main thread for this long. */
  blocked(seconds: number): void {
    this.#add(M.stageSeconds, ['otlp'], seconds)
  }

  /** Name and text for the landing page. */
  status(): readonly (readonly [string, string])[] {
    if (this.#last === undefined) return [['OTLP', 'nothing sent yet']]
    const { result, detail } = this.#last
    return [['OTLP', detail === '' ? result : `${result}: ${detail}`]]
  }

  #add(metric: Parameters<SeriesStore['family']>[0], labels: readonly string[], n: number): void {
    this.#store.add(this.#store.family(metric).series(labels), n)
  }
}
