/**
 * reduced.ts - runs records through the decoder and the reducer and prints the resulting series in short lines.
 *
 * In:    records; a small inventory: web and db in namespace shop, `world`, and the network 192.0.2.0/24.
 * Out:   one line per series: `flow_packets web>db source FORWARDED TCP = 3`; for a histogram its non-empty buckets.
 */

import type { Entities } from '../../src/datapath/identity/entities.js'
import { parseInventory } from '../../src/datapath/inventory/inventory.js'
import { entitiesOf } from '../../src/datapath/inventory/inventory-entities.js'
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

const INVENTORY = parseInventory(
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
  /** Decodes more records. */
  add(...records: Uint8Array[]): void
  page(): Samples
  /** Series that are not 0, sorted. */
  lines(): string[]
}

/** `live`: entity ids in records are those of this inventory. */
export function reduced(live = false): Reduced {
  const entities = entitiesOf(INVENTORY)
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

/** The id of the entity with this workload name. */
export function entityOf(entities: Entities, workload: string): number {
  for (let id = entities.count - 1; id > 0; id--) if (entities.workload(id) === workload) return id
  throw new Error(`no entity has workload ${workload}`)
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
