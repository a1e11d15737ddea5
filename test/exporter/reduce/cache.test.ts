/**
 * cache.test.ts - the slot cache: one entry a key, and clearing it at the limit loses no count.
 */

import fc from 'fast-check'
import t from 'tap'
import { parseInventory } from '../../../src/datapath/inventory/inventory.js'
import { entitiesOf } from '../../../src/datapath/inventory/inventory-entities.js'
import { M } from '../../../src/exporter/catalog/catalog.js'
import { render } from '../../../src/exporter/exposition/text.js'
import { Cache, KEY, UNSET } from '../../../src/exporter/reduce/cache.js'
import { Pairs } from '../../../src/exporter/reduce/pair.js'
import { Reporter } from '../../../src/exporter/reduce/reporter.js'
import { SeriesStore } from '../../../src/exporter/series/series.js'
import { Samples } from '../../support/samples.js'

const SEED = 20_260_102
const cell = (entry: number, columns: number, column = 0): number => entry * (KEY + columns) + KEY + column

t.test('each key has one entry with cells of its own', async t => {
  const cache = new Cache(3)
  const keys = 5000
  for (let i = 0; i < keys; i++) {
    const entry = cache.entry(i % 70, i >> 3, i)
    if (entry !== i) t.fail(`entry ${entry} for new key ${i}`)
    for (let column = 0; column < 3; column++) {
      if (cache.cells[cell(entry, 3, column)] !== UNSET) t.fail(`entry ${entry} is not empty`)
    }
    cache.cells[cell(entry, 3, 1)] = i
  }
  for (let i = 0; i < keys; i++) {
    const entry = cache.entry(i % 70, i >> 3, i)
    if (entry !== i || cache.cells[cell(entry, 3, 1)] !== i) t.fail(`entry ${entry} for key ${i}`)
  }
  t.equal(cache.size, keys)
})

t.test('an entry returns its key, up to the largest number', async t => {
  const cache = new Cache(1)
  const max = 2 ** 32 - 1
  const entry = cache.entry(max, 0, max)
  t.strictSame([cache.source(entry), cache.destination(entry), cache.kind(entry)], [max, 0, max])
  t.equal(cache.entry(max, 0, max), entry)
  t.not(cache.entry(0, max, max), entry)
})

t.test('equal keys have the same entry, different keys do not', async t => {
  const number = fc.oneof(fc.nat(5), fc.integer({ min: 0, max: 2 ** 32 - 1 }))
  const tries = fc.property(fc.array(fc.tuple(number, number, number), { maxLength: 3000 }), keys => {
    const cache = new Cache(1)
    const entries = new Map<string, number>()
    for (const [a, b, c] of keys) {
      const entry = cache.entry(a, b, c)
      const known = entries.get(`${a} ${b} ${c}`)
      if (known !== undefined ? known !== entry : entry !== entries.size) return false
      entries.set(`${a} ${b} ${c}`, entry)
    }
    return cache.size === entries.size
  })
  t.doesNotThrow(() => fc.assert(tries, { seed: SEED }), `seed ${SEED}`)
})

t.test('at its limit the cache is cleared', async t => {
  const cache = new Cache(2, 4)
  for (let i = 0; i < 4; i++) cache.cells[cell(cache.entry(i, i, i), 2)] = i
  t.equal(cache.size, 4)
  const entry = cache.entry(9, 9, 9)
  t.strictSame([entry, cache.size, cache.cells[cell(entry, 2)]], [0, 1, UNSET])
  t.equal(cache.cells[cell(cache.entry(0, 0, 0), 2)], UNSET)
})

t.test('clearing the cache, at any limit, changes no sum', async t => {
  const text = (n: number) => `{ ips: [10.0.0.${n}], identity: ${1000 + n}, namespace: n, pod: p${n} }`
  const entities = entitiesOf(parseInventory(`endpoints: [${[1, 2, 3, 4, 5].map(text).join(', ')}]`, 'the test'))
  const increment = fc.tuple(fc.nat(15), fc.nat(15), fc.constantFrom(1, 6, 17), fc.nat(3), fc.nat(200))
  const page = (increments: readonly (readonly number[])[], limit?: number) => {
    const store = new SeriesStore()
    const pairs = limit === undefined ? new Pairs(store, entities) : new Pairs(store, entities, limit)
    for (const [from, to, protocol, kind, n] of increments as [number, number, number, number, number][]) {
      const pair = pairs.pair(from, to, Reporter.source, protocol)
      if (kind === 0) pairs.traffic(pair, n, 2 * n)
      else if (kind === 1) pairs.packet(pair, n)
      else if (kind === 2) pairs.icmp(pair, n, 3)
      else pairs.dropped(pairs.droppedPair(from, to, protocol), `R${n % 7}`, n, 5)
    }
    return render(store).toString()
  }
  const tries = fc.property(fc.array(increment, { maxLength: 200 }), fc.integer({ min: 1, max: 40 }), (all, limit) => {
    return page(all, limit) === page(all)
  })
  t.doesNotThrow(() => fc.assert(tries, { seed: SEED }), `seed ${SEED}`)
})

t.test('after invalidate() increments go to the existing series', async t => {
  const entities = entitiesOf(parseInventory('endpoints: [{ ips: [10.0.0.1], identity: 1000, pod: p }]', 'the test'))
  const store = new SeriesStore()
  const pairs = new Pairs(store, entities)
  pairs.traffic(pairs.pair(1, 2, Reporter.node, 6), 1, 60)
  pairs.invalidate()
  pairs.traffic(pairs.pair(1, 2, Reporter.node, 6), 2, 120)
  t.equal(store.family(M.flowPackets).size, 1)
  t.equal(Samples.parse(render(store).toString()).get('weir_flow_packets_total'), 3)
})
