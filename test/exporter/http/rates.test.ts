/**
 * rates.test.ts - per-second rates over the last samples.
 */
import t, { type Test } from 'tap'
import { type Counts, Rates } from '../../../src/exporter/http/rates.js'

/** The test takes the samples; the timer's first one would come after an hour. */
const start = (t: Test) => {
  let counts: Counts = { Packets: 0 }
  const list = new Rates(() => counts, 3_600_000)
  t.teardown(() => list.stop())
  const sample = (at: number, next: Counts) => {
    counts = next
    list.sample(at)
  }
  return { rates: list, sample }
}

/** A whole number, so that differences are exact. */
const START = Math.ceil(performance.now()) + 1000

t.test('there are no rates before the second sample', async t => {
  const { rates } = start(t)
  t.strictSame(rates.list(), [])
})

t.test('a rate covers the last three intervals only', async t => {
  const { rates, sample } = start(t)
  for (const [seconds, count] of [
    [0, 100],
    [10, 1100],
    [20, 1200],
    [30, 1300],
    [40, 1400],
  ] as const) {
    sample(START + seconds * 1000, { Packets: count })
  }
  t.strictSame(rates.list(), [{ name: 'Packets', value: 10 }])
})

t.test('a reset counter has rate 0, and a new one starts from zero', async t => {
  const { rates, sample } = start(t)
  for (const at of [0, 1, 2, 3]) sample(START + at * 1000, { Packets: 500 })
  sample(START + 4000, { Packets: 20, Drops: 6 })
  t.strictSame(rates.list(), [
    { name: 'Packets', value: 0 },
    { name: 'Drops', value: 2 },
  ])
})
