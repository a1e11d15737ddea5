/**
 * budget.ts - what the series store says of itself: series a family holds, and requests it refused.
 *
 * In:    a store, just before it is rendered, and others that are rendered with it.
 * Out:   M.seriesCount and M.seriesRefused in the first, from 0 on.
 */
import { M } from './catalog.js'
import type { SeriesStore } from './series.js'

/** Families without labels have one series and no budget to exceed; the two told here would only tell of themselves. */
export function tellBudgets(store: SeriesStore, others: readonly SeriesStore[] = []): void {
  const count = store.family(M.seriesCount)
  const refused = store.family(M.seriesRefused)
  for (const family of [store, ...others].flatMap(each => each.families())) {
    if (family === count || family === refused || family.metric.labels.length === 0) continue
    store.set(count.series([family.metric.name]), family.size)
    store.set(refused.series([family.metric.name]), family.refused)
  }
}
