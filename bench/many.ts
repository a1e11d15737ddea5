/**
 * many.ts - the store that `scrape` and `memory` measure: 100,000 series of 6 labels, 17 MB of text.
 *
 * In:    nothing; the labels are the same in every run.
 * Out:   ten counter families of 10,000 series, which is the default budget.
 */
import type { Metric } from '../src/exporter/catalog/metric.js'
import type { SeriesStore, Slot } from '../src/exporter/series/series.js'

export const SERIES = 100_000
const FAMILIES = 10

export const LABELS = [
  'source_namespace',
  'source_workload',
  'destination_namespace',
  'destination_workload',
  'reporter',
  'protocol',
] as const

export function metricOf(family: number): Metric {
  const name = `bench_flow_${'abcdefghij'[family]}_bytes_total`
  return { name, type: 'counter', help: 'Bytes of a flow.', labels: LABELS }
}

/** Label values of series `i`: 40 namespaces, 2,000 workloads, each pair once. */
export function valuesOf(i: number): string[] {
  const [source, destination] = [i % 2000, (i * 7 + Math.floor(i / 2000)) % 2000]
  return [
    `team-${source % 40}`,
    `service-${source}`,
    `team-${destination % 40}`,
    `service-${destination}`,
    i % 2 === 0 ? 'source' : 'destination',
    i % 20 < 18 ? 'TCP' : 'UDP',
  ]
}

/** Adds all series and returns their slots. */
export function fill(store: SeriesStore): Slot[] {
  const slots: Slot[] = []
  for (let i = 0; i < SERIES; i++) {
    slots.push(store.family(metricOf(Math.floor((i * FAMILIES) / SERIES))).series(valuesOf(i)))
  }
  return slots
}
