/**
 * hubble-tally.test.ts - pending counts by key come to the same as adding each at once, however many and however large.
 *
 * In:    keys of two words, their series, counts.
 * Out:   what flush(), growth, forget() and large counts hand on, against sums in a Map.
 */
import fc from 'fast-check'
import t from 'tap'
import { MOST_TIMES, NEW, Tally, type Target } from '../src/hubble/tally.js'
import { feed, hubbleMetrics, seriesOf } from './hubbled.js'
import { dropRecord } from './weir-records.js'

const SEED = 20_260_105
const MOST = 1_000_000
const NO_TAG = -1

/** A tally, and what it has added to its series. */
function tally(most = MOST) {
  const sums = new Map<string, number>()
  const adds: number[] = []
  const add = (metric: number, slot: number, n: number) => {
    adds.push(n)
    sums.set(`${metric}/${slot}`, (sums.get(`${metric}/${slot}`) ?? 0) + n)
  }
  return { counts: new Tally(most, add), sums, adds }
}

/** As its owner does: what is new is learned first. */
function countIn(counts: Tally, a: number, b: number, times: number, targets: readonly Target[], tag = NO_TAG): number {
  const found = counts.count(a, b, times)
  if (found !== NEW) return found
  counts.learn(a, b, targets, tag)
  return counts.count(a, b, times)
}

const one = (slot: number): Target[] => [{ metric: 0, slot }]

t.test('any counts, flushes and forgetting: each series has the sum of its keys', async t => {
  const small = fc.integer({ min: -3, max: 3 })
  const number = fc.oneof(small, small, fc.constantFrom(-(2 ** 31), 2 ** 31 - 1), fc.integer())
  const times = fc.oneof(fc.integer({ min: 1, max: 9 }), fc.constantFrom(MOST_TIMES, MOST_TIMES - 1, 1 << 28))
  const count = fc.record({ a: number, b: number, times, series: fc.nat(3) })
  const step = fc.oneof(
    { weight: 40, arbitrary: count },
    { weight: 1, arbitrary: fc.constantFrom('flush' as const, 'forget' as const) },
  )
  const tries = fc.property(fc.array(step, { maxLength: 1000, size: 'max' }), steps => {
    const { counts, sums } = tally()
    const known = new Map<string, { targets: readonly Target[]; tag: number }>()
    const want = new Map<string, number>()
    for (const [i, step] of steps.entries()) {
      if (typeof step === 'string') {
        counts[step]()
        if (step === 'forget') known.clear()
        continue
      }
      const { a, b, times, series } = step
      const name = `${a} ${b}`
      const fresh = {
        targets: Array.from({ length: series }, (_, metric) => ({ metric, slot: i % 7 })),
        tag: i % 2 ? i : NO_TAG,
      }
      const { targets, tag } = known.get(name) ?? fresh
      known.set(name, { targets, tag })
      if (countIn(counts, a, b, times, fresh.targets, fresh.tag) !== tag) return false
      for (const { metric, slot } of targets) {
        want.set(`${metric}/${slot}`, (want.get(`${metric}/${slot}`) ?? 0) + times)
      }
      if (counts.size !== known.size) return false
    }
    counts.flush()
    return sums.size === want.size && [...want].every(([series, n]) => sums.get(series) === n)
  })
  t.doesNotThrow(() => fc.assert(tries, { seed: SEED, numRuns: 100 }), `seed ${SEED}`)
})

t.test('what is new is not counted before it is learned', async t => {
  const { counts, sums } = tally()
  t.equal(counts.count(1, 2, 5), NEW)
  t.equal(counts.count(1, 2, 5), NEW)
  t.equal(counts.size, 0)
  counts.learn(1, 2, one(3), 4)
  counts.flush()
  t.equal(sums.size, 0)
  t.equal(counts.count(1, 2, 5), 4)
  t.equal(counts.count(2, 1, 5), NEW)
  counts.flush()
  t.strictSame([...sums], [['0/3', 5]])
})

t.test('it grows with counts pending, and loses none', async t => {
  const { counts, sums } = tally()
  const keys = 20_000
  // Words as keys have them: a row in the low bits, a kind in the high ones.
  const first = (i: number) => (i % 500) | ((i % 11) << 17)
  const second = (i: number) => i | (i << 29)
  for (let round = 1; round <= 3; round++) {
    for (let i = 0; i < keys; i++) {
      if (countIn(counts, first(i), second(i), round, one(i), i) !== i) t.fail(`key ${i}`)
    }
  }
  t.equal(counts.size, keys)
  counts.flush()
  t.strictSame(
    [...sums].filter(([, n]) => n !== 6),
    [],
  )
  t.equal(sums.size, keys)
})

t.test('counts that 31 bits could not hold are handed on before', async t => {
  for (const times of [MOST_TIMES, MOST_TIMES - 1, MOST_TIMES / 2 + 1, 3]) {
    const { counts, sums, adds } = tally()
    for (let i = 0; i < 12; i++) {
      countIn(counts, 7, 7, times, one(0))
      countIn(counts, 8, 8, MOST_TIMES, one(1))
    }
    counts.flush()
    t.strictSame([sums.get('0/0'), sums.get('0/1')], [12 * times, 12 * MOST_TIMES], `${times} at once`)
    t.ok(
      adds.every(n => n > 0),
      'and none twice',
    )
  }
})

t.test('it is full at its limit, and forgets all but what was counted', async t => {
  const { counts, sums } = tally(3)
  for (let i = 0; i < 3; i++) {
    t.equal(counts.full, false)
    countIn(counts, i, i, 10, one(i))
  }
  t.equal(counts.full, true)
  counts.forget()
  t.strictSame([counts.size, counts.full], [0, false])
  t.strictSame(
    [...sums],
    [
      ['0/0', 10],
      ['0/1', 10],
      ['0/2', 10],
    ],
  )
  t.equal(counts.count(1, 1, 1), NEW)
  countIn(counts, 1, 1, 5, one(9))
  counts.flush()
  t.strictSame([sums.get('0/1'), sums.get('0/9')], [10, 5], 'and it leads elsewhere now')
})

t.test('records that tell of billions of packets count them all', async t => {
  for (const packets of [MOST_TIMES, MOST_TIMES + 1, 2 ** 30, 2 ** 31, 2 ** 32 - 1, 2 ** 32, 2 ** 40]) {
    const metrics = hubbleMetrics('drop')
    const record = dropRecord({ src: '10.0.0.1', dst: '10.0.0.2', proto: 6, reason: 3, packets, bytes: 60 })
    feed(metrics, [record, record, record])
    t.strictSame([...seriesOf(metrics).values()], [3 * packets], `${packets} three times`)
  }
})
