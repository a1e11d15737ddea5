/**
 * overview.ts - what the landing page says of the stores: what was lost where, and how full everything is.
 *
 * In:    stores, as the last collect() left them.
 * Out:   a list each. A loss that the source cannot have is not listed.
 */
import { M } from '../catalog/catalog.js'
import type { Group, Metric } from '../catalog/metric.js'
import type { SeriesStore } from '../series/series.js'

export interface Loss {
  readonly what: string
  readonly metric: string
  readonly count: number
  /** Told, but nothing is missing from any sum. */
  readonly harmless: boolean
}

export interface Usage {
  readonly name: string
  readonly used: number
  readonly limit: number
}

/** In the order in which a packet meets them. */
const LOSSES: readonly (readonly [what: string, metric: Metric, harmless?: boolean])[] = [
  ['Packets without a connection, the table was full', M.connectionTableFull],
  ['Packets without names, the spill table was full', M.unnamedPackets],
  ['Drops known by reason only, their table was full', M.dropTableFull],
  ['Program runs that the kernel refused', M.bpfRecursionMisses],
  ['Handshakes and durations overwritten', M.observationsLost],
  ['Records put back and told later, the ring was full', M.ringFull, true],
  ['Records that could not be decoded', M.decodeFaults],
  ['Addresses that nothing explains', M.entityMisses, true],
  ['Series refused, counted in overflow', M.seriesRefused],
]

const OWN: ReadonlySet<Group | undefined> = new Set(['self', 'kubernetes', 'process'])

export function lossesOf(store: SeriesStore): Loss[] {
  const made = new Set(store.families().map(({ metric }) => metric.name))
  return LOSSES.filter(([, metric]) => made.has(metric.name)).map(([what, metric, harmless = false]) => {
    const family = store.family(metric)
    let count = 0
    for (let row = 0; row < family.size; row++) count += store.get(family.slot(row))
    return { what, metric: metric.name, count, harmless }
  })
}

/** The connection table, and each family that flows make series of, the fullest first. */
export function usageOf(stores: readonly SeriesStore[]): Usage[] {
  const families = stores.flatMap(store => store.families())
  const series = families
    .filter(({ metric, size }) => size > 0 && metric.labels.length > 0 && !OWN.has(metric.group))
    .map(({ metric, size, budget }) => ({ name: metric.name, used: size, limit: budget }))
    .sort((a, b) => b.used / b.limit - a.used / a.limit)
  return [...stores.flatMap(connectionTable), ...series]
}

function connectionTable(store: SeriesStore): Usage[] {
  const [used, limit] = [M.connectionTableEntries, M.connectionTableLimit].map(({ name }) => {
    const family = store.families().find(({ metric }) => metric.name === name)
    return family === undefined || family.size === 0 ? undefined : store.get(family.slot(0))
  })
  return used === undefined || limit === undefined ? [] : [{ name: 'connection table', used, limit }]
}
