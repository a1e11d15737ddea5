/**
 * budget.ts - what the series store says of itself: series a family holds and may hold, those refused, those removed.
 *
 * In:    a store, just before it is rendered, and others that are rendered with it.
 * Out:   M.seriesCount and its like in the first, from 0 on.
 */
import { M } from '../catalog/catalog.js'
import { FLOW_METRICS } from '../catalog/flow-catalog.js'
import type { Family, SeriesStore } from '../series/series.js'

/** Only their series, and those of hubble_* families, are removed for resting. */
const FLOWS = new Set(FLOW_METRICS.map(metric => metric.name))

/** Families without labels have one series and no budget to exceed; those told here would only tell of themselves. */
export function updateStoreMetrics(store: SeriesStore, others: readonly SeriesStore[] = []): void {
  const [count, budget, refused, expired, value] = [
    M.seriesCount,
    M.seriesBudget,
    M.seriesRefused,
    M.seriesExpired,
    M.seriesExpiredValue,
  ].map(metric => store.family(metric)) as [Family, Family, Family, Family, Family]
  const own = new Set([count, budget, refused, expired, value])
  const set = (family: Family, label: string, n: number) => store.set(family.series([label]), n)
  for (const family of [store, ...others].flatMap(each => each.families())) {
    const { name, labels, group } = family.metric
    if (own.has(family) || labels.length === 0) continue
    set(count, name, family.size)
    set(budget, name, family.budget)
    set(refused, name, family.refused)
    if (!FLOWS.has(name) && group !== 'hubble') continue
    set(expired, name, family.expired.count)
    for (const [sample, sum] of family.expired.samples()) set(value, sample, sum)
  }
}
