/**
 * metrics-reload.test.ts - reloading the configuration of the flow families while records are counted: labels, families and
 * namespaces, without losing a count.
 */

import fc from 'fast-check'
import t from 'tap'
import { parseInventory } from '../../../src/datapath/inventory/inventory.js'
import { entitiesOf } from '../../../src/datapath/inventory/inventory-entities.js'
import { M } from '../../../src/exporter/catalog/catalog.js'
import { FLOW_NAMES } from '../../../src/exporter/catalog/flow-catalog.js'
import { render } from '../../../src/exporter/exposition/text.js'
import { type MetricsConfig, metricsConfig } from '../../../src/exporter/reduce/metrics-config.js'
import { Pairs } from '../../../src/exporter/reduce/pair.js'
import { Reporter } from '../../../src/exporter/reduce/reporter.js'
import type { Family } from '../../../src/exporter/series/family.js'
import { SeriesStore } from '../../../src/exporter/series/series.js'
import { Samples } from '../../support/samples.js'

const SEED = 20_260_104
const TTL = 1_000
const PODS = 12
const TCP = 6
const PEERS = { bytes: new Uint8Array(32), sourceAt: 0, destinationAt: 16, sourcePort: 40_000, destinationPort: 80 }
const pods = Array.from({ length: PODS }, (_, i) => {
  const where = `namespace: n${i % 3}, pod: p${i}, workload: { kind: Deployment, name: w${i >> 1} }`
  return `{ ips: [10.0.0.${i}], identity: ${1000 + i}, ${where}, node: node-${i % 2}, zone: ${i < 8 ? `z${i % 2}` : '""'} }`
})
const ENTITIES = entitiesOf(parseInventory(`endpoints: [${pods.join(', ')}]`, 'the test'))
const FIRST = ENTITIES.count - PODS

interface Setup {
  readonly clock: { now: number }
  readonly store: SeriesStore
  readonly pairs: Pairs
  pair(from: number, to: number, reporter?: Reporter): ReturnType<Pairs['pair']>
  apply(chosen: Partial<MetricsConfig>): void
  page(): Samples
}

function setUp(): Setup {
  const clock = { now: 1_000_000 }
  const store = new SeriesStore({ now: () => clock.now })
  const pairs = new Pairs(store, ENTITIES)
  return {
    clock,
    store,
    pairs,
    pair: (from, to, reporter = Reporter.source) => pairs.pair(FIRST + from, FIRST + to, reporter, TCP),
    apply: chosen => pairs.apply(metricsConfig(chosen)),
    page: () => Samples.parse(render(store).toString()),
  }
}

/** Everything a family ever counted: exposed and expired. */
function everCounted(store: SeriesStore, family: Family): number {
  let sum = 0
  const cells = family.buckets.length + 1
  for (let series = 0; series < family.size; series++) {
    for (let cell = 0; cell < cells; cell++) sum += store.values[family.slot(series) + cell]!
  }
  return sum + (family.expired.samples()[0]?.[1] ?? 0)
}

/** `VALUES = n` of each series of a family, sorted. */
function lines(page: Samples, name: string): string[] {
  return page
    .series(name)
    .map(({ labels, value }) => `${Object.values(labels).join(' ')} = ${value}`)
    .sort()
}

t.test('after a label change old series are summed under the new labels, and new series have all of them', async t => {
  const { pairs, pair, apply, page, clock, store } = setUp()
  pairs.traffic(pair(0, 1), 5, 500)
  clock.now += 1000
  pairs.traffic(pair(0, 2), 7, 700)
  pairs.traffic(pair(2, 3), 1, 100)
  apply({ families: { [M.flowPackets.name]: { labels: ['source_namespace', 'source_pod'] } } })
  t.strictSame(lines(page(), M.flowPackets.name), ['n0  source FORWARDED TCP = 12', 'n2  source FORWARDED TCP = 1'])
  t.equal(store.family(M.flowPackets).created(0), 1_000_000, 'the earliest creation time stays')
  pairs.traffic(pair(0, 1), 2, 200)
  t.strictSame(lines(page(), M.flowPackets.name), [
    'n0  source FORWARDED TCP = 12',
    'n0 p0 source FORWARDED TCP = 2',
    'n2  source FORWARDED TCP = 1',
  ])
  t.equal(lines(page(), M.flowBytes.name).length, 3, 'other families keep their labels')
})

t.test('histograms keep buckets and sums when their labels change', async t => {
  const { pairs, pair, apply, page } = setUp()
  pairs.handshake(pair(0, 1), 2_000_000, PEERS)
  pairs.handshake(pair(2, 3), 4_000_000_000, PEERS)
  apply({ families: { [M.tcpHandshake.name]: { labels: [] } } })
  const { buckets, sum } = page().histogram(M.tcpHandshake.name, { reporter: 'source' })
  t.equal(sum, 4.002)
  t.strictSame(buckets.at(-1), [Number.POSITIVE_INFINITY, 2])
  t.equal(buckets.find(([le]) => le === 3)?.[1], 1)
})

t.test('a disabled family has no series and counts nothing, and its earlier counts are expired', async t => {
  const { pairs, pair, apply, page, store } = setUp()
  pairs.traffic(pair(0, 1), 5, 500)
  apply({ families: { [M.flowPackets.name]: { enabled: false } } })
  pairs.traffic(pair(0, 1), 3, 300)
  t.strictSame(lines(page(), M.flowPackets.name), [])
  t.strictSame(store.family(M.flowPackets).expired.samples(), [[M.flowPackets.name, 5]])
  t.equal(page().get(M.flowBytes.name), 800, 'other families go on counting')
  apply({})
  pairs.traffic(pair(0, 1), 2, 200)
  t.equal(page().get(M.flowPackets.name), 2, 'enabled again, it starts at 0')
})

t.test('every family can be disabled, histograms too', async t => {
  const { pairs, pair, apply, store } = setUp()
  apply({ families: Object.fromEntries(FLOW_NAMES.map(name => [M[name].name, { enabled: false }])) })
  const one = pair(0, 1)
  pairs.packet(one, 100)
  pairs.packet(one, 1500)
  pairs.handshake(one, 1e9, PEERS)
  pairs.lifetime(one, 1e12, 1e12, PEERS)
  pairs.active(one, 1)
  pairs.dropped(one, 'R', 1, 60)
  pairs.verdict(one, true, 1, 1)
  t.strictSame(
    FLOW_NAMES.map(name => store.family(M[name]).size),
    FLOW_NAMES.map(() => 0),
  )
})

t.test(
  'one excluded endpoint filters a packet out, one included endpoint counts it, and filtered packets are counted',
  async t => {
    const { pairs, pair, apply, page } = setUp()
    apply({ includeNamespaces: ['n[01]'], excludeNamespaces: ['n1'] })
    pairs.traffic(pair(0, 2), 1, 10) // n0 > n2
    pairs.traffic(pair(0, 1), 2, 20) // n0 > n1
    pairs.traffic(pair(2, 5), 4, 40) // n2 > n2
    pairs.dropped(pairs.droppedPair(FIRST, FIRST + 1, TCP), 'R', 8, 80)
    t.strictSame(lines(page(), M.flowPackets.name), ['n0 w0 n2 w1 source FORWARDED TCP = 1'])
    t.strictSame(lines(page(), M.dropPackets.name), [])
    const nonZero = (name: string) => lines(page(), name).filter(line => !line.endsWith('= 0'))
    t.strictSame(nonZero(M.excludedPackets.name), [
      'node excluded = 8',
      'source excluded = 2',
      'source not_included = 4',
    ])
    t.strictSame(nonZero(M.excludedBytes.name), [
      'node excluded = 80',
      'source excluded = 20',
      'source not_included = 40',
    ])
  },
)

t.test('the gauge of open connections matches the current labels and filters, also for older connections', async t => {
  const { pairs, pair, apply, page } = setUp()
  const name = M.connectionsActive.name
  pairs.active(pair(0, 1), 3)
  pairs.active(pair(2, 5), 1)
  apply({ excludeNamespaces: ['n1'] })
  t.strictSame(lines(page(), name), ['n0 w0 n1 w0 source TCP = 0', 'n2 w1 n2 w2 source TCP = 1'])
  pairs.active(pair(0, 1), -1)
  pairs.active(pair(0, 4), 2)
  apply({ families: { [name]: { labels: ['source_pod'] } } })
  t.strictSame(lines(page(), name), ['p0 source TCP = 4', 'p2 source TCP = 1'])
  pairs.active(pair(0, 1), -2)
  pairs.active(pair(0, 4), -2)
  pairs.active(pair(2, 5), -1)
  t.strictSame(lines(page(), name), ['p0 source TCP = 0', 'p2 source TCP = 0'])
})

t.test('a connection counted in the overflow series is subtracted there, and no gauge falls below 0', async t => {
  const { pairs, pair, apply, page, clock } = setUp()
  apply({ budget: 1 })
  pairs.active(pair(0, 1), 1)
  pairs.active(pair(0, 2), 1)
  pairs.active(pair(0, 1), -1)
  for (let i = 0; i < 3; i++) {
    pairs.expire(TTL)
    clock.now += TTL
  }
  pairs.active(pair(0, 2), -1)
  t.notOk(
    page()
      .series(M.connectionsActive.name)
      .some(({ value }) => value < 0),
  )
})

t.test('inter-zone bytes count where both zones are known and differ, once at the sender', async t => {
  const { pairs, pair, apply, page } = setUp()
  pairs.traffic(pair(0, 1), 1, 9)
  apply({ families: { [M.interZoneBytes.name]: { enabled: true } } })
  pairs.traffic(pair(0, 1), 1, 100)
  pairs.packet(pair(0, 1), 50)
  pairs.packet(pair(0, 1), 50)
  pairs.traffic(pair(0, 1, Reporter.destination), 1, 100)
  pairs.traffic(pair(0, 2), 1, 100)
  pairs.traffic(pair(0, 9), 1, 100)
  t.strictSame(lines(page(), M.interZoneBytes.name), ['z0 z1 = 200'])
})

t.test('counts, expiry and reloads in any order lose nothing, expose no series twice and no gauge below 0', async t => {
  const labels = fc.subarray([
    'source_pod',
    'source_namespace',
    'destination_workload',
    'destination_port',
    'source_node',
  ])
  const names = [M.flowPackets.name, M.packetSize.name, M.connectionsActive.name, M.flowBytes.name]
  const choice = fc.record({ enabled: fc.boolean(), labels }, { requiredKeys: [] })
  const config = fc.record({
    budget: fc.nat(30),
    families: fc.dictionary(fc.constantFrom(...names.slice(0, 3)), choice),
    excludeNamespaces: fc.subarray(['n0', 'n1', 'x*']),
    includeNamespaces: fc.subarray(['n2', 'n*']),
  })
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.record({ from: fc.nat(PODS - 1), to: fc.nat(PODS - 1), n: fc.nat(99) }) },
    { weight: 2, arbitrary: fc.record({ expireAfter: fc.nat(70_000) }) },
    { weight: 1, arbitrary: fc.record({ config }) },
  )
  const tries = fc.property(fc.array(step, { maxLength: 120 }), steps => {
    const { clock, store, pairs, pair, apply, page } = setUp()
    const open: [number, number][] = []
    let sent = 0
    for (const each of steps) {
      if ('config' in each) apply(each.config)
      else if ('expireAfter' in each) {
        clock.now += each.expireAfter
        pairs.expire(TTL)
      } else {
        const { from, to, n } = each
        pairs.traffic(pair(from, to), n, n)
        sent += n
        const closing = open.length > 3 ? open.shift()! : undefined
        if (closing !== undefined) pairs.active(pair(...closing), -1)
        else {
          pairs.active(pair(from, to), 1)
          open.push([from, to])
        }
      }
      const excluded = everCounted(store, store.family(M.excludedBytes))
      if (everCounted(store, store.family(M.flowBytes)) + excluded !== sent) return false
      if (
        page()
          .series(M.connectionsActive.name)
          .some(({ value }) => value < 0)
      )
        return false
    }
    for (const closing of open) pairs.active(pair(...closing), -1)
    const lines = names.flatMap(name =>
      page()
        .series(name)
        .map(({ labels }) => `${name}${JSON.stringify(labels)}`),
    )
    const left = page().series(M.connectionsActive.name)
    return new Set(lines).size === lines.length && left.every(({ value }) => value === 0)
  })
  t.doesNotThrow(() => fc.assert(tries, { seed: SEED, numRuns: 60 }), `seed ${SEED}`)
})

t.test(
  'histograms keep count and sum, and their buckets add up, in any order of counts, expiry and reloads',
  async t => {
    const { tcpHandshake: metric } = M
    const config = fc.record({
      budget: fc.nat(12),
      families: fc.dictionary(
        fc.constantFrom(metric.name, M.flowPackets.name),
        fc.record(
          { enabled: fc.boolean(), labels: fc.subarray(['source_pod', 'source_namespace', 'destination_workload']) },
          { requiredKeys: [] },
        ),
      ),
      exemplars: fc.boolean(),
    })
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.record({ from: fc.nat(PODS - 1), to: fc.nat(PODS - 1), seconds: fc.nat(9) }) },
      { weight: 2, arbitrary: fc.record({ expireAfter: fc.nat(70_000) }) },
      { weight: 1, arbitrary: fc.record({ config }) },
    )
    const tries = fc.property(fc.array(step, { maxLength: 120 }), steps => {
      const { clock, store, pairs, pair, apply, page } = setUp()
      const sent = { count: 0, sum: 0 }
      let enabled = true
      for (const each of steps) {
        if ('config' in each) {
          apply(each.config)
          enabled = each.config.families[metric.name]?.enabled ?? true
        } else if ('expireAfter' in each) {
          clock.now += each.expireAfter
          pairs.expire(TTL)
        } else {
          pairs.handshake(pair(each.from, each.to), each.seconds * 1e9, PEERS)
          if (enabled) sent.count++
          if (enabled) sent.sum += each.seconds
        }
        const now = page()
        const expired = new Map(store.family(metric).expired.samples())
        const all = (sample: string) => now.sum(sample) + (expired.get(sample) ?? 0)
        if (all(`${metric.name}_count`) !== sent.count || all(`${metric.name}_sum`) !== sent.sum) return false
        if (now.sum(`${metric.name}_bucket`, { le: '+Inf' }) !== now.sum(`${metric.name}_count`)) return false
      }
      return true
    })
    t.doesNotThrow(() => fc.assert(tries, { seed: SEED, numRuns: 60 }), `seed ${SEED}`)
  },
)
