/**
 * cache.test.ts - the memo's key: records of equal keys must count alike, whatever their bytes.
 *
 * In:    recorded records, and copies of them with some bytes changed; records of Weir's own.
 * Out:   the same series as when every record's flow is made and counted by itself.
 */
import t from 'tap'
import { HDR, Notify } from '../../../src/datapath/record/abi.js'
import {
  countWithoutKeys,
  differences,
  feed,
  hubbleMetrics,
  readFixture,
  recordedRecords,
  seriesOf,
} from '../../support/hubble-metrics.js'
import { dropRecord, traceRecord } from '../../support/weir-records.js'

const ALL = 'drop tcp flow icmp port-distribution policy flows-to-world'
const CONFIGS: readonly (readonly [name: string, config: string])[] = [
  ['nothing but protocols', ALL],
  ['workloads', workloads()],
  [
    'names by address',
    'flow:destinationContext=dns|namespace;sourceContext=dns|workload-name tcp:sourceContext=ip icmp',
  ],
  [
    'directions',
    'flow:sourceEgressContext=namespace;destinationIngressContext=app;labelsContext=traffic_direction drop',
  ],
  ['ports', 'port-distribution:sourceContext=reserved-identity flows-to-world:port;any-drop;labelsContext=source_app'],
  ['what Hubble was asked', readFixture('metrics-2.config')],
]

function workloads(): string {
  const contexts = 'sourceContext=workload|reserved-identity;destinationContext=workload|reserved-identity'
  return ALL.split(' ')
    .map(name => `${name}:${contexts}`)
    .join(' ')
}

/** Numbers that look random and are the same each time (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** Changed where it counts: in the headers of the record and of its packet, or in its length. */
function changed(record: Uint8Array, next: (below: number) => number): Uint8Array {
  const copy = record.slice(0, next(8) === 0 ? next(record.length + 1) : record.length)
  for (let times = 1 + next(3); times > 0 && copy.length > 0; times--) {
    const at = next(copy.length)
    copy[at] = next(3) === 0 ? next(256) : copy[at]! ^ (1 << next(8))
  }
  return copy
}

function mutants(seed: number): Uint8Array[] {
  const next = numbers(seed)
  const types: readonly number[] = [Notify.trace, Notify.drop, Notify.policyVerdict]
  const records = recordedRecords()
  const changes = records.flatMap(record => [changed(record, next), changed(record, next), changed(record, next)])
  // Far more of them than of others are counted by the memo.
  return [...records, ...changes.filter(record => types.includes(record[HDR.type]!))]
}

const records = mutants(20_260_102)

for (const [name, config] of CONFIGS) {
  t.test(`changed records count as one by one: ${name}`, async t => {
    const want = countWithoutKeys(config, records)
    for (const maxKeys of [undefined, 100]) {
      const metrics = hubbleMetrics(config, maxKeys === undefined ? {} : { maxKeys: maxKeys })
      feed(metrics, records)
      t.strictSame(differences(want, seriesOf(metrics)), [], `${maxKeys ?? 'many'} keys`)
      if (maxKeys === undefined) t.equal(metrics.resets, 0, 'remembered to the end')
      else t.ok(metrics.resets > 0, `forgot ${metrics.resets} times`)
    }
  })
}

/** Each from another identity, to one address after the other. */
function manySources(): Uint8Array[] {
  const next = numbers(3)
  let to = 0
  return Array.from({ length: 5000 }, (_, i) => {
    if (next(40) === 0) to++
    return traceRecord({
      a: '10.200.0.10',
      b: `198.51.100.${to}`,
      proto: 6,
      aPort: 40_000,
      bPort: 80,
      srcLabel: 5000 + i,
    })
  })
}

t.test('more ends than are told apart are forgotten, also those looked up for their direction alone', async t => {
  const config = 'flow:destinationContext=ip;labelsContext=traffic_direction'
  const metrics = hubbleMetrics(config, { maxEndpoints: 64 })
  const many = manySources()
  feed(metrics, many)
  t.strictSame(differences(countWithoutKeys(config, many), seriesOf(metrics)), [])
  t.ok(metrics.resets > 0, `forgot ${metrics.resets} times`)
})

/** Of everything that a record of Weir's own can vary in, some. */
function ownRecords(): Uint8Array[] {
  const ends = ['10.200.0.10', '10.201.1.11', '93.184.216.34', 'fd00:a0::10', '203.0.113.9']
  const records: Uint8Array[] = []
  const next = numbers(7)
  for (let i = 0; i < 4000; i++) {
    const proto = [6, 17, 1, 58, 132, 47][next(6)]!
    const [a, b] = [ends[next(ends.length)]!, ends[next(ends.length)]!]
    if (i % 5 === 0) {
      records.push(
        dropRecord({ src: a, dst: b, proto, reason: [3, 8, 70, 9999, 65_540][next(5)]!, packets: 1, bytes: 60 }),
      )
      continue
    }
    const port = [80, 443, 0x0800, 0x8000, 0x0301, 0xffff][next(6)]!
    const record = traceRecord({
      a,
      b,
      proto,
      aPort: next(2) === 0 ? 40_000 : port,
      bPort: port,
      initiator: next(2),
      direction: next(2),
      state: next(6),
      srcLabel: [0, 2, 1000][next(3)]!,
    })
    // Reason, emitter, flags seen: what the other fields of the record leave at 0.
    record[26] = next(6)
    record.writeUInt16LE([0, 100, 103][next(3)]!, HDR.source)
    record[56 + 226] = next(64)
    record[56 + 227] = next(64)
    records.push(record)
  }
  return records
}

t.test("records of Weir's own count as one by one", async t => {
  const own = ownRecords()
  for (const [name, config] of CONFIGS) {
    const metrics = hubbleMetrics(config)
    feed(metrics, own)
    t.strictSame(differences(countWithoutKeys(config, own), seriesOf(metrics)), [], name)
    t.ok(metrics.flowsMade < own.length * 1.5, `${name}: ${metrics.flowsMade} flows made`)
  }
})

t.test('records that were counted before cost no flow', async t => {
  const metrics = hubbleMetrics(ALL)
  const plain = recordedRecords().filter(record => record[HDR.type] === Notify.drop)
  feed(metrics, plain)
  const { flowsMade: made } = metrics
  feed(metrics, plain)
  // Only what is too unusual for a key.
  t.ok(metrics.flowsMade - made < plain.length / 20, `${metrics.flowsMade - made} more for ${plain.length} records`)
})
