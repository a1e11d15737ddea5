// SPDX-License-Identifier: Apache-2.0
/**
 * overview.ts - the landing page's lists of losses and of table usage.
 *
 * In:    the stores as of the last collect().
 * Out:   one list each. Losses that the current source cannot have are left out.
 */
import { M } from '../catalog/catalog.js'
import type { Group, Metric } from '../catalog/metric.js'
import type { SeriesStore } from '../series/series.js'

export interface Loss {
  readonly what: string
  readonly metric: string
  readonly count: number
  /** Worth showing, but no count is missing. */
  readonly harmless: boolean
}

export interface Usage {
  readonly name: string
  readonly used: number
  readonly limit: number
}

/** In the order of a packet's path. */
const LOSSES: readonly (readonly [what: string, metric: Metric, harmless?: boolean])[] = [
  ['Packets counted without a connection (table full)', M.connectionTableFull],
  ['Packets counted without names (table full)', M.unnamedPackets],
  ['Drops counted by reason only (table full)', M.dropTableFull],
  ['Drops counted without port or destination (share of the table used up)', M.dropTableCoarse],
  ['TCP connections with a direction that bypasses the interface', M.bypassedConnections],
  ['BPF program runs skipped by the kernel', M.bpfRecursionMisses],
  ['Handshake times and durations overwritten', M.observationsLost],
  ['Records delayed (ring full)', M.ringFull, true],
  ['Records that failed to decode', M.decodeFaults],
  ['Addresses without a name', M.entityMisses, true],
  ['Series over budget, counted in overflow', M.seriesRefused],
]

/** Groups that do not grow with traffic. */
const FIXED: ReadonlySet<Group | undefined> = new Set(['self', 'kubernetes', 'process'])

export function lossesOf(store: SeriesStore): Loss[] {
  const existing = new Set(store.families().map(({ metric }) => metric.name))
  return LOSSES.filter(([, metric]) => existing.has(metric.name)).map(([what, metric, harmless = false]) => {
    const family = store.family(metric)
    let count = 0
    for (let series = 0; series < family.size; series++) count += store.get(family.slot(series))
    return { what, metric: metric.name, count, harmless }
  })
}

/** The kernel's tables, then the families that grow with traffic, fullest first. */
export function usageOf(stores: readonly SeriesStore[]): Usage[] {
  const families = stores.flatMap(store => store.families())
  const series = families
    .filter(({ metric, size }) => size > 0 && metric.labels.length > 0 && !FIXED.has(metric.group))
    .map(({ metric, size, budget }) => ({ name: metric.name, used: size, limit: budget }))
    .sort((a, b) => b.used / b.limit - a.used / a.limit)
  return [...stores.flatMap(kernelTables), ...series]
}

function kernelTables(store: SeriesStore): Usage[] {
  return [
    ...tableUsage(store, 'connection table', M.connectionTableEntries, M.connectionTableLimit),
    ...tableUsage(store, 'drop table', M.dropTableEntries, M.dropTableLimit),
  ]
}

function tableUsage(store: SeriesStore, table: string, entries: Metric, maximum: Metric): Usage[] {
  const [used, limit] = [entries, maximum].map(({ name }) => {
    const family = store.families().find(({ metric }) => metric.name === name)
    return family === undefined || family.size === 0 ? undefined : store.get(family.slot(0))
  })
  return used === undefined || limit === undefined ? [] : [{ name: table, used, limit }]
}
