/**
 * reduced.ts - records through the decoder and the reduce, and what came out, in short lines.
 *
 * In:    records; a small world: web and db in namespace shop, `world`, and the network 192.0.2.0/24.
 * Out:   a line a series: `flow_packets web>db source FORWARDED TCP = 3`; of a histogram the buckets that counted.
 */

import { Entities } from '../../src/datapath/identity/entities.js'
import { parseInventory } from '../../src/datapath/inventory/inventory.js'
import { Decoder } from '../../src/datapath/record/decode.js'
import { KernelReasons } from '../../src/datapath/record/reasons.js'
import { render } from '../../src/exporter/exposition/text.js'
import { Reducer } from '../../src/exporter/reduce/reduce.js'
import { SeriesStore } from '../../src/exporter/series/series.js'
import { frame } from './records.js'
import { type Labels, Samples } from './samples.js'

export const WEB = '10.0.0.1'
export const DB = '10.0.0.2'
export const WEB6 = 'fd00::1'
export const DB6 = 'fd00::2'
export const STRANGER = '198.51.100.7'
export const IDENTITY = { web: 5000, db: 5001, batch: 5002 } as const

const WORLD = parseInventory(
  `
identities:
  5002: ["k8s:app=batch", "k8s:io.kubernetes.pod.namespace=jobs"]
  16777217: ["cidr:192.0.2.0/24"]
endpoints:
  - { ips: [${WEB}, "${WEB6}"], identity: 5000, namespace: shop, pod: web-1, workload: { kind: Deployment, name: web } }
  - { ips: [${DB}, "${DB6}"], identity: 5001, namespace: shop, pod: db-0, workload: { kind: StatefulSet, name: db } }
cidrs: { "0.0.0.0/0": 2, "::/0": 2, "192.0.2.0/24": 16777217 }
`,
  'the test',
)
const REASONS = [
  { name: 'SKB_DROP_REASON_NO_SOCKET', value: 3 },
  { name: 'SKB_DROP_REASON_NETFILTER_DROP', value: 8 },
]

export interface Reduced {
  readonly decoder: Decoder
  readonly reducer: Reducer
  readonly entities: Entities
  readonly store: SeriesStore
  /** Decode these too. */
  add(...records: Uint8Array[]): void
  page(): Samples
  /** Series that hold anything, sorted. */
  lines(): string[]
}

/** `live`: entities in records are rows of this world. */
export function reduced(live = false): Reduced {
  const entities = Entities.from(WORLD)
  const store = new SeriesStore()
  const reducer = new Reducer(store, entities, new KernelReasons(REASONS), live)
  const decoder = new Decoder()
  const page = () => Samples.parse(render(store).toString())
  return {
    decoder,
    reducer,
    entities,
    store,
    page,
    add(...records) {
      const batch = Buffer.concat(records.map(frame))
      decoder.decode(batch, batch.length, reducer)
    },
    lines: () => linesOf(page()),
  }
}

/** The row of an address. */
export function entityOf(entities: Entities, workload: string): number {
  for (let row = entities.count - 1; row > 0; row--) if (entities.workload(row) === workload) return row
  throw new Error(`no entity is called ${workload}`)
}

function linesOf(page: Samples): string[] {
  const lines: string[] = []
  for (const name of page.names) {
    const short = name.replace(/^weir_/, '').replace(/_total$/, '')
    if (name.endsWith('_bucket')) lines.push(...histogramLines(page, name))
    else if (!/_(sum|count)$/.test(name)) {
      for (const { labels, value } of page.series(name)) {
        if (value !== 0) lines.push(`${short} ${named(labels)} = ${value}`)
      }
    }
  }
  return lines.sort()
}

function histogramLines(page: Samples, bucket: string): string[] {
  const family = bucket.replace(/_bucket$/, '')
  return page.series(`${family}_count`).map(({ labels }) => {
    const { buckets, sum } = page.histogram(family, labels)
    const own = buckets.map(([le, n], i) => [le, n - (buckets[i - 1]?.[1] ?? 0)] as const).filter(([, n]) => n !== 0)
    return `${family.replace(/^weir_/, '')} ${named(labels)} = ${own.map(([le, n]) => `${n}<=${le}`).join(' ')} sum ${sum}`
  })
}

function named(labels: Labels): string {
  const {
    source_namespace: _,
    source_workload: from,
    destination_namespace: __,
    destination_workload: to,
    ...rest
  } = labels
  return [`${from}>${to}`, ...Object.values(rest)].join(' ')
}
