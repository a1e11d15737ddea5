/**
 * churn.ts - MB by which the process grows while 10 million label sets are added, counted and removed.
 *
 * In:    --expose-gc, which `npm run bench` sets. A round counts 12,000 new label sets in a family with a budget of 10,000;
 *        a TTL later all of them expire.
 * Out:   resident memory after the last round minus that after a tenth of the rounds, both after garbage collection; as notes the
 *        figures, and the time per set.
 * Fail:  throws if exposed, overflow and expired values do not add up to what was counted.
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
/** A tenth of the rounds: the heap has reached its size by then. */
const WARM_ROUNDS = 83
const MEGABYTE = 1e6

export async function run(): Promise<number> {
  const clock = { now: 1_764_072_000_000 }
  const store = new SeriesStore({ budget: BUDGET, now: () => clock.now })
  const family = store.family(metricOf(0))
  const rounds = Math.ceil(SETS / A_ROUND)
  let [before, half] = [0, 0]
  const started = performance.now()
  for (let round = 0; round < rounds; round++) {
    if (round === WARM_ROUNDS) before = await residentBytes()
    if (round === rounds >> 1) half = await residentBytes()
    count(store, family, round)
    expire(store, family, clock)
  }
  const microseconds = ((performance.now() - started) * 1000) / (rounds * A_ROUND)
  const after = await residentBytes()
  checkSum(store, family, rounds * A_ROUND)
  notes.push(
    `${(rounds * A_ROUND).toLocaleString('en-US')} label sets, ${family.expired.count.toLocaleString('en-US')} series added and removed`,
    `RSS ${megabytes(before)} before, ${megabytes(half)} at half, ${megabytes(after)} after; ${microseconds.toFixed(2)} us per set, everything included`,
  )
  return (after - before) / MEGABYTE
}

function megabytes(bytes: number): string {
  return `${(bytes / MEGABYTE).toFixed(1)} MB`
}

/** Counts once in each label set of a round. */
function count(store: SeriesStore, family: Family, round: number): void {
  for (let i = 0; i < A_ROUND; i++) {
    const values = valuesOf(i)
    values[1] = `service-${round}-${i}`
    store.add(family.series(values), 1)
  }
}

/** The first pass notices that the series changed, the second that they did not. */
function expire(store: SeriesStore, family: Family, clock: { now: number }): void {
  store.expire([family], TTL_MS)
  clock.now += TTL_MS
  store.expire([family], TTL_MS)
  if (family.size > 0) throw new Error(`churn: ${family.size} series did not expire`)
}

function checkSum(store: SeriesStore, family: Family, expected: number): void {
  let sum = family.expired.samples()[0]?.[1] ?? 0
  for (let series = 0; series < family.size; series++) sum += store.get(family.slot(series))
  if (sum !== expected) throw new Error(`churn: counted ${sum} instead of ${expected}`)
}

/** Buffers are freed a turn of the event loop after the collection that finds them. */
async function residentBytes(): Promise<number> {
  if (globalThis.gc === undefined) throw new Error('churn: run with --expose-gc')
  for (let turn = 0; turn < 3; turn++) {
    globalThis.gc()
    await new Promise(resolve => setImmediate(resolve))
  }
  return process.memoryUsage.rss()
}
