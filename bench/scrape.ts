/**
 * scrape.ts - CPU ms to render 100,000 series of 6 labels when every value has changed since the last scrape.
 *
 * In:    --peers: also measure prom-client with the same series, on standard error.
 * Out:   the median of 15 pages written in pieces, as in the server; text, and as a note OpenMetrics with _created.
 */
import { Counter, Registry } from 'prom-client'
import { freeze } from '../src/exporter/exposition/frozen.js'
import { pieces, type TextOptions } from '../src/exporter/exposition/text.js'
import { SeriesStore } from '../src/exporter/series/series.js'
import { fill, LABELS, metricOf, SERIES, valuesOf } from './many.js'

export const name = 'scrape'
export const unit = 'ms'
export const limit = 35
export const peer = 'prom-client 370-530 ms, client_golang 650-760 ms'
export const peerValue = 370
export const notes: string[] = []

const ROUNDS = 15
const MEGABYTE = 1e6

export async function run(): Promise<number> {
  const store = new SeriesStore()
  const slots = fill(store)
  const change = (i: number) => store.add(slots[i]!, increment(i))
  const ms = await median(change, async () => page(store, { format: 'text', created: false }))
  const open = await median(change, async () => page(store, { format: 'openmetrics', created: true }))
  notes.push(`${open.toFixed(1)} ms as OpenMetrics with _created`)
  if (process.argv.includes('--peers'))
    process.stderr.write(`prom-client here: ${(await promClient()).toFixed(0)} ms\n`)
  return ms
}

function page(store: SeriesStore, options: TextOptions): void {
  let bytes = 0
  for (const piece of pieces(freeze([store]), options)) bytes += piece.length
  if (bytes < 16 * MEGABYTE) throw new Error(`scrape: ${bytes} bytes for ${SERIES} series is not the recorded case`)
}

/** Six to seven digits, different for each series, so that no scrape repeats the text of the last one. */
function increment(i: number): number {
  return 100_000 + ((i * 7919) % 1_000_000)
}

async function median(change: (series: number) => void, render: () => Promise<unknown>): Promise<number> {
  const times: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    for (let i = 0; i < SERIES; i++) change(i)
    const started = process.cpuUsage()
    await render()
    const { user, system } = process.cpuUsage(started)
    times.push((user + system) / 1000)
  }
  return times.sort((a, b) => a - b)[ROUNDS >> 1]!
}

async function promClient(): Promise<number> {
  const registry = new Registry()
  const counters = Array.from({ length: 10 }, (_, family) => {
    const { name, help } = metricOf(family)
    return new Counter({ name, help, labelNames: [...LABELS], registers: [registry] })
  })
  const labels = Array.from({ length: SERIES }, (_, i) => {
    const values = valuesOf(i)
    return Object.fromEntries(LABELS.map((label, at) => [label, values[at]!]))
  })
  return median(
    i => counters[Math.floor((i * 10) / SERIES)]!.inc(labels[i]!, increment(i)),
    () => registry.metrics(),
  )
}
