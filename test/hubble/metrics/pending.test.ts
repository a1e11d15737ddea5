/**
 * pending.test.ts - pending increments give the same sums as adding each count at once, however many and however large.
 *
 * In:    keys of two words, their series and groups, ports, counts.
 * Out:   the counts that flush(), growth, clear() and large increments deliver, compared with sums in a Map.
 */
import fc from 'fast-check'
import t from 'tap'
import {
  MAX_COUNT,
  MAX_GROUPS,
  NO_GROUP,
  PendingIncrements,
  type Target,
  UNKNOWN_KEY,
} from '../../../src/hubble/metrics/pending.js'
import { feed, hubbleMetrics, seriesOf } from '../../support/hubble-metrics.js'
import { dropRecord } from '../../support/weir-records.js'

const SEED = 20_260_105
const MAX = 1_000_000

/** Pending increments, and what they have added to series and ports. */
function pending(max = MAX) {
  const sums = new Map<string, number>()
  const adds: number[] = []
  const into = (name: string, n: number) => {
    adds.push(n)
    sums.set(name, (sums.get(name) ?? 0) + n)
  }
  const counts = new PendingIncrements(max, {
    add: (metric, slot, n) => into(`${metric}/${slot}`, n),
    addPort: (group, port, n) => into(`group ${group} port ${port}`, n),
  })
  return { counts, sums, adds, into }
}

interface Key {
  readonly a: number
  readonly b: number
  readonly targets: readonly Target[]
  readonly group?: number
}

/** Counts as the owner does: an unknown key is inserted first. */
function countIn(counts: PendingIncrements, { a, b, targets, group }: Key, port: number, times: number): number {
  const found = counts.count(a, b, port, times)
  if (found !== UNKNOWN_KEY) return found
  counts.insert(a, b, targets, group, port)
  return counts.count(a, b, port, times)
}

const one = (slot: number): Target[] => [{ metric: 0, slot }]

t.test('for any counts, flushes and clears, each series and each port has the sum of its keys', async t => {
  const small = fc.integer({ min: -3, max: 3 })
  const number = fc.oneof(small, small, fc.constantFrom(-(2 ** 31), 2 ** 31 - 1), fc.integer())
  const times = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(MAX_COUNT, MAX_COUNT - 1, MAX_COUNT / 2))
  const port = fc.constantFrom(0, 0, 80, 443, 65_535)
  const group = fc.constantFrom(NO_GROUP, 0, 1, MAX_GROUPS - 1)
  const count = fc.record({ a: number, b: number, port, times, series: fc.nat(3), group })
  const step = fc.oneof(
    { weight: 40, arbitrary: count },
    { weight: 1, arbitrary: fc.constantFrom('flush' as const, 'clear' as const) },
  )
  const tries = fc.property(fc.array(step, { maxLength: 1000, size: 'max' }), steps => {
    const { counts, sums, into } = pending()
    const known = new Map<string, Required<Key>>()
    const want = new Map<string, number>()
    const add = (name: string, n: number) => want.set(name, (want.get(name) ?? 0) + n)
    for (const [i, step] of steps.entries()) {
      if (typeof step === 'string') {
        counts[step]()
        if (step === 'clear') known.clear()
        continue
      }
      const { a, b, port, times, series, group } = step
      const targets = Array.from({ length: series }, (_, metric) => ({ metric, slot: i % 7 }))
      const key = known.get(`${a} ${b}`) ?? { a, b, targets, group }
      if (counts.has(a, b) !== known.has(`${a} ${b}`)) return false
      known.set(`${a} ${b}`, key)
      const found = countIn(counts, key, port, times)
      if (found >= 0) into(`group ${found} port ${port}`, times)
      for (const { metric, slot } of key.targets) add(`${metric}/${slot}`, times)
      if (key.group !== NO_GROUP) add(`group ${key.group} port ${port}`, times)
      if (counts.size !== known.size) return false
    }
    counts.flush()
    return sums.size === want.size && [...want].every(([name, n]) => sums.get(name) === n)
  })
  t.doesNotThrow(() => fc.assert(tries, { seed: SEED, numRuns: 100 }), `seed ${SEED}`)
})

t.test('an unknown key is not counted before it is inserted', async t => {
  const { counts, sums } = pending()
  t.equal(counts.count(1, 2, 80, 5), UNKNOWN_KEY)
  t.equal(counts.count(1, 2, 80, 5), UNKNOWN_KEY)
  t.equal(counts.size, 0)
  counts.insert(1, 2, one(3))
  counts.flush()
  t.equal(sums.size, 0)
  t.equal(counts.count(1, 2, 80, 5), NO_GROUP)
  t.equal(counts.count(2, 1, 80, 5), UNKNOWN_KEY)
  counts.flush()
  t.strictSame([...sums], [['0/3', 5]])
})

t.test("a flush counts a key's first port, and the caller counts any other port", async t => {
  const { counts, sums } = pending()
  counts.insert(1, 2, one(3), 4, 443)
  t.equal(counts.count(1, 2, 443, 5), NO_GROUP)
  t.equal(counts.count(1, 2, 80, 2), 4)
  t.equal(counts.count(1, 2, 443, 1), NO_GROUP)
  counts.flush()
  t.equal(counts.count(1, 2, 80, 7), 4)
  counts.flush()
  t.strictSame(
    [...sums],
    [
      ['0/3', 15],
      ['group 4 port 443', 6],
    ],
  )
})

t.test('growth loses no pending count', async t => {
  const { counts, sums } = pending()
  const keys = 20_000
  // Words as in real keys: a cache entry in the low bits, a kind in the high ones.
  const key = (i: number) => ({ a: (i % 500) | ((i % 11) << 17), b: i | (i << 29), targets: one(i), group: i % 5 })
  for (let round = 1; round <= 3; round++) {
    for (let i = 0; i < keys; i++) {
      const found = countIn(counts, key(i), round === 2 ? 81 : 80, round)
      if (found !== (round === 2 ? i % 5 : NO_GROUP)) t.fail(`key ${i}`)
    }
  }
  t.equal(counts.size, keys)
  counts.flush()
  t.strictSame(
    [...sums].filter(([name, n]) => n !== (name.startsWith('group') ? (keys / 5) * 4 : 6)),
    [],
  )
  t.equal(sums.size, keys + 5)
})

t.test('counts are delivered before they exceed 31 bits', async t => {
  for (const times of [MAX_COUNT, MAX_COUNT - 1, MAX_COUNT / 2 + 1, 3]) {
    const ports = pending()
    const { counts, sums, adds } = pending()
    const through = new PendingIncrements(MAX, {
      add: () => {},
      addPort: (group, port, n) => countIn(ports.counts, { a: group, b: port, targets: one(2) }, 0, n),
    })
    for (let i = 0; i < 12; i++) {
      countIn(counts, { a: 7, b: 7, targets: one(0) }, 0, times)
      countIn(counts, { a: 8, b: 8, targets: one(1) }, 0, MAX_COUNT)
      for (let key = 0; key < 4; key++) countIn(through, { a: key, b: 0, targets: [], group: 0 }, 80, times)
    }
    counts.flush()
    through.flush()
    ports.counts.flush()
    t.strictSame([sums.get('0/0'), sums.get('0/1')], [12 * times, 12 * MAX_COUNT], `${times} at once`)
    t.equal(ports.sums.get('0/2'), 48 * times, 'the port that four keys share')
    t.ok(
      adds.every(n => n > 0),
      'none delivered twice',
    )
  }
})

t.test('it is full at its limit, and clear() keeps all counts', async t => {
  const { counts, sums } = pending(3)
  const key = (i: number, slot = i) => ({ a: i, b: i, targets: one(slot) })
  for (let i = 0; i < 3; i++) {
    t.equal(counts.full, false)
    countIn(counts, key(i), 0, 10)
  }
  t.equal(counts.full, true)
  counts.clear()
  t.strictSame([counts.size, counts.full], [0, false])
  t.strictSame(
    [...sums],
    [
      ['0/0', 10],
      ['0/1', 10],
      ['0/2', 10],
    ],
  )
  t.equal(counts.count(1, 1, 0, 1), UNKNOWN_KEY)
  countIn(counts, key(1, 9), 0, 5)
  counts.flush()
  t.strictSame([sums.get('0/1'), sums.get('0/9')], [10, 5], 'the key now has another series')
})

t.test('records of billions of packets count them all', async t => {
  for (const packets of [MAX_COUNT, MAX_COUNT + 1, 2 ** 30, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40]) {
    const metrics = hubbleMetrics('drop')
    const record = dropRecord({ src: '10.0.0.1', dst: '10.0.0.2', proto: 6, reason: 3, packets, bytes: 60 })
    feed(metrics, [record, record, record])
    t.strictSame([...seriesOf(metrics).values()], [3 * packets], `${packets} three times`)
  }
})
