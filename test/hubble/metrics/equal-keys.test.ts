/**
 * equal-keys.test.ts - records with equal keys count alike, whatever their bytes.
 *
 * In:    recorded records, and copies with some bytes changed; Weir's own records.
 * Out:   the same series as if the flow of each record were made and counted.
 */
import t from 'tap'
import { HDR, Notify } from '../../../src/datapath/record/abi.js'
import { packet } from '../../support/flow-records.js'
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

const SERVICE = '10.96.0.10'
const ALL = 'drop tcp flow icmp port-distribution policy flows-to-world'
const CONFIGS: readonly (readonly [name: string, config: string])[] = [
  ['protocols alone', ALL],
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
  ['the configuration given to Hubble', readFixture('metrics-2.config')],
]

function workloads(): string {
  const contexts = 'sourceContext=workload|reserved-identity;destinationContext=workload|reserved-identity'
  return ALL.split(' ')
    .map(name => `${name}:${contexts}`)
    .join(' ')
}

/** Seeded pseudo-random numbers (mulberry32). */
function numbers(seed: number): (below: number) => number {
  let state = seed
  return below => {
    state = (state + 0x6d2b79f5) | 0
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state)
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed
    return ((mixed ^ (mixed >>> 14)) >>> 0) % below
  }
}

/** A copy with changes in its bytes or its length. */
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
  // Records of these types are counted by key.
  return [...records, ...changes.filter(record => types.includes(record[HDR.type]!))]
}

const records = mutants(20_260_102)

for (const [name, config] of CONFIGS) {
  t.test(`changed records count as without keys: ${name}`, async t => {
    const want = countWithoutKeys(config, records)
    for (const maxKeys of [undefined, 100]) {
      const metrics = hubbleMetrics(config, maxKeys === undefined ? {} : { maxKeys: maxKeys })
      feed(metrics, records)
      t.strictSame(differences(want, seriesOf(metrics)), [], `${maxKeys ?? 'many'} keys`)
      if (maxKeys === undefined) t.equal(metrics.resets, 0, 'no reset')
      else t.ok(metrics.resets > 0, `${metrics.resets} resets`)
    }
  })
}

/** Records with a different identity each, to a growing number of addresses. */
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

t.test('keys are reset when there are too many endpoints, also if the source only gives the direction', async t => {
  const config = 'flow:destinationContext=ip;labelsContext=traffic_direction'
  const metrics = hubbleMetrics(config, { maxEndpoints: 64 })
  const many = manySources()
  feed(metrics, many)
  t.strictSame(differences(countWithoutKeys(config, many), seriesOf(metrics)), [])
  t.ok(metrics.resets > 0, `${metrics.resets} resets`)
})

/** Weir's own records with many values of each field. */
function ownRecords(): Uint8Array[] {
  const addresses = ['10.200.0.10', '10.201.1.11', '93.184.216.34', 'fd00:a0::10', '203.0.113.9']
  const records: Uint8Array[] = []
  const next = numbers(7)
  for (let i = 0; i < 4000; i++) {
    const proto = [6, 17, 1, 58, 132, 47][next(6)]!
    const [a, b] = [addresses[next(addresses.length)]!, addresses[next(addresses.length)]!]
    if (i % 5 === 0) {
      records.push(
        dropRecord({ src: a, dst: b, proto, reason: [3, 8, 70, 9999, 65_540][next(5)]!, packets: 1, bytes: 60 }),
      )
      continue
    }
    const port = [80, 443, 0x0800, 0x8000, 0x0301, 0xffff][next(6)]!
    const captured = next(3) === 0 ? packet(SERVICE, b.includes(':') ? '10.201.1.11' : b) : Buffer.alloc(0)
    const record = Buffer.concat([
      traceRecord({
        translated: captured.length > 0,
        a,
        b,
        proto,
        aPort: next(2) === 0 ? 40_000 : port,
        bPort: port,
        initiator: next(2),
        direction: next(2),
        state: next(6),
        srcLabel: [0, 2, 1000][next(3)]!,
      }),
      captured,
    ])
    record.writeUInt16LE(captured.length, HDR.lenCap)
    // Reason, emitter and flags seen, which traceRecord() leaves at 0.
    record[26] = next(6)
    record.writeUInt16LE([0, 100, 103][next(3)]!, HDR.source)
    record[56 + 226] = next(64)
    record[56 + 227] = next(64)
    records.push(record)
  }
  return records
}

t.test("Weir's own records count as without keys", async t => {
  const own = ownRecords()
  for (const [name, config] of CONFIGS) {
    const metrics = hubbleMetrics(config)
    feed(metrics, own)
    t.strictSame(differences(countWithoutKeys(config, own), seriesOf(metrics)), [], name)
    t.ok(metrics.flowsMade < own.length * 1.5, `${name}: ${metrics.flowsMade} flows made`)
  }
})

t.test('records with known keys need no flow', async t => {
  const metrics = hubbleMetrics(ALL)
  const plain = recordedRecords().filter(record => record[HDR.type] === Notify.drop)
  feed(metrics, plain)
  const { flowsMade: made } = metrics
  feed(metrics, plain)
  // Only packets without a key.
  t.ok(metrics.flowsMade - made < plain.length / 20, `${metrics.flowsMade - made} more for ${plain.length} records`)
})
