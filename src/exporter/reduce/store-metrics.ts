// SPDX-License-Identifier: Apache-2.0
/**
 * store-metrics.ts - metrics of the series stores: size, budget, refused and removed series of each family.
 *
 * In:    a store about to be rendered, and the other stores of the same page.
 * Out:   M.seriesCount, seriesBudget, seriesRefused, seriesExpired and seriesExpiredValue in the first store, exposed from 0.
 */
import { M } from '../catalog/catalog.js'
import { FLOW_METRICS } from '../catalog/flow-catalog.js'
import type { Family, SeriesStore } from '../series/series.js'

/** Only series of these and of hubble_* families expire. */
const FLOWS = new Set(FLOW_METRICS.map(metric => metric.name))

/** Leaves out families without labels, which have a single series, and the five families set here. */
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
