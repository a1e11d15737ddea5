/**
 * churn.ts - MB by which the process grows while 10 million label sets come, count and go.
 *
 * In:    --expose-gc, which `npm run bench` gives. A round offers 12,000 label sets that never were to a family with a budget of
 *        10,000; a TTL later all of them rest and a sweep removes them.
 * Out:   resident memory after the last round less that after a tenth of them, each after a collection; as notes the two, and the time a set.
 * Fail:  a sum over series, overflow and what was removed that is not what was counted.
 */
import { type Family, SeriesStore } from '../src/exporter/series/series.js'
import { metricOf, valuesOf } from './many.js'

export const name = 'churn'
export const unit = 'MB'
export const limit = 32
export const peer = 'prom-client never removes a series by itself'
export const notes: string[] = []

const SETS = 10_000_000
const A_ROUND = 12_000
const BUDGET = 10_000
const TTL_MS = 1000
/** A tenth: the heap has found its size by then. */
const WARM_ROUNDS = 83
const MEGABYTE = 1e6

export async function run(): Promise<number> {
  const clock = { now: 1_764_072_000_000 }
  const store = new SeriesStore({ budget: BUDGET, now: () => clock.now })
  const family = store.family(metricOf(0))
  const rounds = Math.ceil(SETS / A_ROUND)
  let [before, half] = [0, 0]
  const begun = performance.now()
  for (let round = 0; round < rounds; round++) {
    if (round === WARM_ROUNDS) before = await residentBytes()
    if (round === rounds >> 1) half = await residentBytes()
    offer(store, family, round)
    rest(store, family, clock)
  }
  const microseconds = ((performance.now() - begun) * 1000) / (rounds * A_ROUND)
  const after = await residentBytes()
  checkSum(store, family, rounds * A_ROUND)
  notes.push(
    `${(rounds * A_ROUND).toLocaleString('en-US')} label sets, ${family.expired.count.toLocaleString('en-US')} series made and removed`,
    `RSS ${megabytes(before)} before, ${megabytes(half)} at half, ${megabytes(after)} after; ${microseconds.toFixed(2)} us a set, all told`,
  )
  return (after - before) / MEGABYTE
}

function megabytes(bytes: number): string {
  return `${(bytes / MEGABYTE).toFixed(1)} MB`
}

/** Count once in each of a round's label sets. */
function offer(store: SeriesStore, family: Family, round: number): void {
  for (let i = 0; i < A_ROUND; i++) {
    const values = valuesOf(i)
    values[1] = `service-${round}-${i}`
    store.add(family.series(values), 1)
  }
}

/** The first sweep sees that they counted, the second that they rest. */
function rest(store: SeriesStore, family: Family, clock: { now: number }): void {
  store.expire([family], TTL_MS)
  clock.now += TTL_MS
  store.expire([family], TTL_MS)
  if (family.size > 0) throw new Error(`churn: ${family.size} series did not go`)
}

function checkSum(store: SeriesStore, family: Family, truth: number): void {
  let sum = family.expired.samples()[0]?.[1] ?? 0
  for (let row = 0; row < family.size; row++) sum += store.get(family.slot(row))
  if (sum !== truth) throw new Error(`churn: ${sum} counted of ${truth}`)
}

/** Buffers are given back a turn after the collection that finds them. */
async function residentBytes(): Promise<number> {
  if (globalThis.gc === undefined) throw new Error('churn: run with --expose-gc')
  for (let turn = 0; turn < 3; turn++) {
    globalThis.gc()
    await new Promise(resolve => setImmediate(resolve))
  }
  return process.memoryUsage.rss()
}
