/**
 * statistics.ts - what the push says of itself, in the series store.
 *
 * In:    what became of each export.
 * Out:   weir_otlp_* from 0 on, so that a rate sees the first failure; rows for people.
 */
import { M } from '../exporter/catalog/catalog.js'
import type { SeriesStore } from '../exporter/series/series.js'
import { type Done, OUTCOMES, type Outcome } from './message.js'

export type Ended = Pick<Done, 'outcome' | 'why' | 'accepted' | 'rejected' | 'dropped'>
/** Beside what became of an export: there was none when one was due. */
export type Counted = Outcome | 'skipped'

const COUNTED: readonly Counted[] = [...OUTCOMES, 'skipped']
const PLAIN = [
  M.otlpPoints,
  M.otlpPointsRejected,
  M.otlpPointsDropped,
  M.otlpSeconds,
  M.otlpRestarts,
  M.otlpLastSuccess,
]

export class Tally {
  readonly #store: SeriesStore
  #last: Ended | undefined

  constructor(store: SeriesStore) {
    this.#store = store
    for (const outcome of COUNTED) this.#add(M.otlpExports, [outcome], 0)
    for (const metric of PLAIN) this.#add(metric, [], 0)
  }

  ended(ended: Ended, seconds: number): void {
    this.#last = ended
    this.#add(M.otlpExports, [ended.outcome], 1)
    this.#add(M.otlpPoints, [], ended.accepted)
    this.#add(M.otlpPointsRejected, [], ended.rejected)
    this.#add(M.otlpPointsDropped, [], ended.dropped)
    this.#add(M.otlpSeconds, [], seconds)
    if (ended.outcome !== 'success' && ended.outcome !== 'partial') return
    this.#store.set(this.#store.family(M.otlpLastSuccess).series([]), Date.now() / 1000)
  }

  skipped(): void {
    this.#add(M.otlpExports, ['skipped'], 1)
  }

  restarted(): void {
    this.#add(M.otlpRestarts, [], 1)
  }

  /** The main thread was held for the push. */
  held(seconds: number): void {
    this.#add(M.stageSeconds, ['otlp'], seconds)
  }

  /** Name and text, for the landing page. */
  rows(): readonly (readonly [string, string])[] {
    if (this.#last === undefined) return [['OTLP', 'nothing sent yet']]
    const { outcome, why } = this.#last
    return [['OTLP', why === '' ? outcome : `${outcome}: ${why}`]]
  }

  #add(metric: Parameters<SeriesStore['family']>[0], labels: readonly string[], n: number): void {
    this.#store.add(this.#store.family(metric).series(labels), n)
  }
}
