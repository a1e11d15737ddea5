/**
 * hubble-metrics.ts - a harness for hubble_* metrics: feeds records through the decoder and reads the series.
 *
 * In:    records, a configuration; examples/inventory.json.
 * Out:   series by their text `name{label="value",...}`, labels sorted; the same series counted without keys, to
 *        compare.
 */

import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import { loadInventory } from '../../src/datapath/inventory/inventory.js'
import { entitiesOf } from '../../src/datapath/inventory/inventory-entities.js'
import { Decoder, type RecordSink } from '../../src/datapath/record/decode.js'
import { KernelReasons } from '../../src/datapath/record/reasons.js'
import { RecordingReader } from '../../src/datapath/source/recording-reader.js'
import { render } from '../../src/exporter/exposition/text.js'
import { InventoryResolver } from '../../src/hubble/flow/inventory-resolver.js'
import { type CompiledMetric, compileMetrics } from '../../src/hubble/metrics/compile.js'
import type { MetricConfig } from '../../src/hubble/metrics/config.js'
import { flowBuilder } from '../../src/hubble/metrics/flow-builder.js'
import { parseStatic } from '../../src/hubble/metrics/grammar.js'
import { type AnyRecord, HubbleMetrics, type MakeFlow, type Options } from '../../src/hubble/metrics/metrics.js'
import { Samples } from './samples.js'

export type Series = ReadonlyMap<string, number>

const FIXTURES = new URL('../fixtures/', import.meta.url)
const REASONS = [
  { name: 'SKB_DROP_REASON_NO_SOCKET', value: 3 },
  { name: 'SKB_DROP_REASON_NETFILTER_DROP', value: 8 },
  { name: 'SKB_DROP_REASON_PKT_TOO_BIG', value: 70 },
]
const inventory = loadInventory(new URL('../../examples/inventory.json', import.meta.url).pathname)
export const PARTS = {
  entities: entitiesOf(inventory),
  resolver: InventoryResolver.from(inventory),
  kernelReasons: new KernelReasons(REASONS),
}

/** The text of a file in test/fixtures/hubble; a name that ends in .gz is decompressed. */
export function readFixture(name: string): string {
  const path = new URL(`hubble/${name}`, FIXTURES).pathname
  return name.endsWith('.gz') ? gunzipSync(readFileSync(path)).toString() : readFileSync(path, 'utf8').trim()
}

/** Every record of examples/records.pcap. */
export function recordedRecords(): Uint8Array[] {
  const reader = new RecordingReader(new URL('../../examples/records.pcap', import.meta.url).pathname)
  const records: Uint8Array[] = []
  while (reader.next()) {
    const { buffer, byteOffset } = reader.view
    records.push(new Uint8Array(buffer, byteOffset + reader.at, reader.size).slice())
  }
  return records
}

/** A static list, or a parsed configuration. */
export type Config = string | readonly MetricConfig[]

export function hubbleMetrics(config: Config, options?: Options): HubbleMetrics {
  const { entities, resolver, kernelReasons } = PARTS
  return new HubbleMetrics(compiled(config), entities, flowBuilder(resolver, kernelReasons), options)
}

/** Decodes all records into the metrics and flushes. */
export function feed(metrics: HubbleMetrics, records: readonly Uint8Array[]): void {
  decodeAll(records, metrics)
  metrics.flush()
}

export function seriesOf(metrics: HubbleMetrics): Series {
  return parseSeries(render(...metrics.stores).toString())
}

/** The hubble_* series of a page, without Hubble's metrics about itself. */
export function parseSeries(page: string): Series {
  const samples = Samples.parse(page)
  const names = samples.names.filter(name => /^hubble_(?!lost_events|metrics_http)/.test(name))
  return new Map(
    names.flatMap(name => samples.series(name).map(({ labels, value }) => [textOf(name, labels), value] as const)),
  )
}

/** Series if the flow of each record is made and counted: the expected result. */
export function countWithoutKeys(config: Config, records: readonly Uint8Array[]): Series {
  const { sink, series } = unkeyedSink(compiled(config), flowBuilder(PARTS.resolver, PARTS.kernelReasons))
  decodeAll(records, sink)
  return series
}

/** A sink that makes and counts the flow of each record. */
export function unkeyedSink(metrics: readonly CompiledMetric[], flow: MakeFlow): { sink: RecordSink; series: Series } {
  const series = new Map<string, number>()
  const take = (record: AnyRecord) => {
    const made = flow(record)
    if (made === undefined) return
    for (const { metric, count } of metrics) {
      for (const values of count(made, '')) {
        const text = textOf(metric.name, Object.fromEntries(metric.labels.map((label, i) => [label, values[i]!])))
        series.set(text, (series.get(text) ?? 0) + 1)
      }
    }
  }
  return { sink: { trace: take, drop: take, verdict: take, capture: take, sock: take }, series }
}

/** `want 3, got 2: name{...}` for each difference, at most `most` lines. */
export function differences(want: Series, got: Series, most = 5): string[] {
  const texts = new Set([...want.keys(), ...got.keys()])
  const differ = [...texts].filter(text => want.get(text) !== got.get(text))
  return differ.slice(0, most).map(text => `want ${want.get(text)}, got ${got.get(text)}: ${text}`)
}

function compiled(config: Config) {
  return compileMetrics(typeof config === 'string' ? parseStatic(config) : config)
}

export function decodeAll(records: readonly Uint8Array[], sink: RecordSink): void {
  const decoder = new Decoder()
  for (const record of records) {
    decoder.record(new DataView(record.buffer, record.byteOffset, record.byteLength), 0, record.length, sink)
  }
}

function textOf(name: string, labels: Readonly<Record<string, string>>): string {
  const pairs = Object.entries(labels).map(([label, value]) => `${label}=${JSON.stringify(value)}`)
  return `${name}{${pairs.sort().join(',')}}`
}
