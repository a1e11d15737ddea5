/**
 * rates.test.ts - how fast counts rise, over the last samples only.
 */
import t, { type Test } from 'tap'
import { type Counts, Rates } from '../../../src/exporter/http/rates.js'

/** Samples by hand: the timer's own would come after an hour. */
const rates = (t: Test) => {
  let counts: Counts = { Packets: 0 }
  const made = new Rates(() => counts, 3_600_000)
  t.teardown(() => made.stop())
  const sample = (at: number, next: Counts) => {
    counts = next
    made.sample(at)
  }
  return { made, sample }
}

/** Whole, so that differences are. */
const START = Math.ceil(performance.now()) + 1000

t.test('nothing is known of one sample', async t => {
  const { made } = rates(t)
  t.strictSame(made.list(), [])
})

t.test('the rate is that of the last three intervals, not of all time', async t => {
  const { made, sample } = rates(t)
  for (const [seconds, count] of [
    [0, 100],
    [10, 1100],
    [20, 1200],
    [30, 1300],
    [40, 1400],
  ] as const) {
    sample(START + seconds * 1000, { Packets: count })
  }
  t.strictSame(made.list(), [{ name: 'Packets', value: 10 }])
})

t.test('a count that begins anew has no rate below zero, and a new one rises from zero', async t => {
  const { made, sample } = rates(t)
  for (const at of [0, 1, 2, 3]) sample(START + at * 1000, { Packets: 500 })
  sample(START + 4000, { Packets: 20, Drops: 6 })
  t.strictSame(made.list(), [
    { name: 'Packets', value: 0 },
    { name: 'Drops', value: 2 },
  ])
})
