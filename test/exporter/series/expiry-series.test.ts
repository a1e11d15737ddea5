/**
 * expiry-series.test.ts - unchanged series are removed, their place in the budget is reused, and no count is lost.
 */

import fc from 'fast-check'
import t from 'tap'
import { parseInventory } from '../../../src/datapath/inventory/inventory.js'
import { entitiesOf } from '../../../src/datapath/inventory/inventory-entities.js'
import { M } from '../../../src/exporter/catalog/catalog.js'
import { render } from '../../../src/exporter/exposition/text.js'
import { Pairs } from '../../../src/exporter/reduce/pair.js'
import { Reporter } from '../../../src/exporter/reduce/reporter.js'
import type { Family } from '../../../src/exporter/series/family.js'
import { SeriesStore } from '../../../src/exporter/series/series.js'
import { Samples } from '../../support/samples.js'

const SEED = 20_260_103
const TTL = 1_000
const PODS = 300
const pods = Array.from({ length: PODS }, (_, i) => {
  return `{ ips: [10.0.${i >> 8}.${i & 255}], identity: ${1000 + i}, namespace: n, pod: p${i} }`
})
const ENTITIES = entitiesOf(parseInventory(`endpoints: [${pods.join(', ')}]`, 'the test'))
/** Entity id of the first pod: endpoints have the last ids. */
const FIRST = ENTITIES.count - PODS

function sumOf(store: SeriesStore, family: Family): number {
  let sum = 0
  for (let series = 0; series < family.size; series++) sum += store.get(family.slot(series))
  return sum
}

function everCounted(store: SeriesStore): number {
  const family = store.family(M.flowPackets)
  return sumOf(store, family) + (family.expired.samples()[0]?.[1] ?? 0)
}

function setUp(budget = 10_000) {
  const clock = { now: 1_000_000 }
  const store = new SeriesStore({ budget, now: () => clock.now })
  const pairs = new Pairs(store, ENTITIES)
  const count = (from: number, to: number, n: number) => {
    pairs.traffic(pairs.pair(FIRST + from, FIRST + to, Reporter.source, 6), n, 60 * n)
  }
  return { clock, store, pairs, count }
}

t.test('a series unchanged for the TTL is removed, one that counts stays', async t => {
  const { clock, store, pairs, count } = setUp()
  const family = store.family(M.flowPackets)
  count(0, 1, 5)
  count(0, 2, 7)
  pairs.expire(TTL)
  clock.now += TTL - 1
  count(0, 2, 1)
  pairs.expire(TTL)
  t.equal(family.size, 2, 'not before the TTL')
  clock.now += 1
  pairs.expire(TTL)
  t.equal(family.size, 1)
  t.equal(sumOf(store, family), 8)
  t.strictSame([family.expired.count, family.expired.samples()], [1, [['weir_flow_packets_total', 5]]])
})

t.test('a removed series that comes back starts at 0 with a new creation time', async t => {
  const { clock, store, pairs, count } = setUp()
  count(0, 1, 5)
  pairs.expire(TTL)
  clock.now += TTL
  pairs.expire(TTL)
  count(0, 1, 3)
  const family = store.family(M.flowPackets)
  t.equal(sumOf(store, family), 3)
  t.equal(family.created(0), clock.now)
  t.equal(everCounted(store), 8)
})

t.test('a gauge is removed only at 0', async t => {
  const { clock, store, pairs } = setUp()
  const pair = pairs.pair(FIRST, FIRST + 1, Reporter.source, 6)
  pairs.active(pair, 1)
  for (let i = 0; i < 3; i++) {
    pairs.expire(TTL)
    clock.now += TTL
  }
  t.equal(store.family(M.connectionsActive).size, 1)
  pairs.active(pair, -1)
  for (let i = 0; i < 3; i++) {
    pairs.expire(TTL)
    clock.now += TTL
  }
  t.equal(store.family(M.connectionsActive).size, 0)
})

t.test(
  '50,000 label sets against a budget of 1,000: sums stay exact, and freed places in the budget are reused',
  async t => {
    const { clock, store, pairs, count } = setUp(1_000)
    let sent = 0
    for (let i = 0; i < 50_000; i++) {
      count(i % 250, Math.floor(i / 250), 1 + (i % 7))
      sent += 1 + (i % 7)
    }
    const family = store.family(M.flowPackets)
    t.equal(family.size, 1_001)
    t.equal(everCounted(store), sent)
    pairs.expire(TTL)
    clock.now += TTL
    count(249, 199, 1)
    pairs.expire(TTL)
    t.equal(family.size, 1, 'all but the overflow series, which counted last, are removed')
    t.equal(everCounted(store), sent + 1)
    count(249, 199, 1)
    t.equal(family.size, 2, 'the pair has a series of its own')
    t.equal(everCounted(store), sent + 2)
  },
)

t.test('counts, expiry and budget changes in any order lose nothing and expose no series twice', async t => {
  const step = fc.oneof(
    { weight: 8, arbitrary: fc.tuple(fc.constant('count'), fc.nat(12), fc.nat(12), fc.nat(99)) },
    { weight: 2, arbitrary: fc.tuple(fc.constant('expire'), fc.nat(1500), fc.constant(0), fc.constant(0)) },
    { weight: 1, arbitrary: fc.tuple(fc.constant('budget'), fc.nat(30), fc.constant(0), fc.constant(0)) },
  )
  const tries = fc.property(fc.array(step, { maxLength: 150 }), steps => {
    const { clock, store, pairs, count } = setUp(20)
    let sent = 0
    for (const [what, a, b, n] of steps as [string, number, number, number][]) {
      if (what === 'budget') pairs.setBudgets(() => a)
      else if (what === 'expire') {
        clock.now += a
        pairs.expire(TTL)
      } else {
        count(a, b, n)
        sent += n
      }
      if (everCounted(store) !== sent) return false
    }
    const lines = Samples.parse(render(store).toString()).series('weir_flow_packets_total')
    return new Set(lines.map(({ labels }) => JSON.stringify(labels))).size === lines.length
  })
  t.doesNotThrow(() => fc.assert(tries, { seed: SEED }), `seed ${SEED}`)
})

t.test('a jump of the wall clock expires nothing and keeps nothing', async t => {
  const clock = { wall: 1_800_000_000_000, monotonic: 5000 }
  const store = new SeriesStore({ now: () => clock.wall, monotonic: () => clock.monotonic })
  const family = store.family(M.flowPackets)
  const values = M.flowPackets.labels.map(() => 'a')
  store.add(family.series(values), 1)
  store.expire([family], TTL)
  clock.wall += 3 * 3_600_000
  store.expire([family], TTL)
  t.equal(family.size, 1, 'three hours forward')
  clock.wall -= 6 * 3_600_000
  clock.monotonic += TTL
  store.expire([family], TTL)
  t.equal(family.size, 0, 'backward, and the TTL has passed')
  family.series(values)
  t.equal(family.created(0), clock.wall, 'creation times are of the wall clock')
})
