/**
 * otlp.ts - CPU ms of the main thread for one OTLP export of 100,000 series, with every value changed since the last.
 *
 * In:    a receiver on loopback that reads and accepts, in a thread of its own.
 * Out:   the median of ROUNDS exports after the first; notes: the first one, which sends all labels, and the worker's time.
 */
import { Worker } from 'node:worker_threads'
import { M } from '../src/exporter/catalog/catalog.js'
import { SeriesStore } from '../src/exporter/series/series.js'
import { OTLP_DEFAULTS } from '../src/otlp/config.js'
import { startOtlp } from '../src/otlp/otlp.js'
import { longestDelay } from './loop-delay.js'
import { fill, SERIES } from './many.js'

export const name = 'otlp'
export const unit = 'ms'
export const limit = 10
export const peer = 'the SDK on one thread: 12 ms to collect from a producer, 900 ms to write JSON'
export const peerValue = 912
export const notes: string[] = []

const ROUNDS = 7
const MINUTE_MS = 60_000
const ignore = (): void => undefined

export async function run(): Promise<number> {
  const { url, sink } = await receiver()
  for (const protocol of ['http/json', 'http/protobuf'] as const) await measure(url, protocol, [], filled())
  const times: number[] = []
  const store = filled()
  const { own, all } = await longestDelay(measure(url, 'http/json', times, store))
  notes.push(
    `longest delay of a drain meanwhile ${own.toFixed(1)} ms (limit 50), ${all.toFixed(1)} with waits for a CPU`,
  )
  await sink.terminate()
  return times.sort((a, b) => a - b)[times.length >> 1]!
}

interface Filled {
  readonly store: SeriesStore
  readonly slots: ReturnType<typeof fill>
}

function filled(): Filled {
  const store = new SeriesStore()
  return { store, slots: fill(store) }
}

async function measure(
  url: string,
  protocol: 'http/json' | 'http/protobuf',
  times: number[],
  { store, slots }: Filled,
): Promise<void> {
  const log = { info: ignore, warn: ignore, error: ignore }
  const config = { ...OTLP_DEFAULTS, url, protocol, intervalMs: 60 * MINUTE_MS, exportTimeoutMs: MINUTE_MS }
  const parts = { store, stores: () => [store], collect: ignore, version: '0', env: {}, log, random: () => 0.99 }
  const otlp = await startOtlp(config, parts)
  const spent = () => store.get(store.family(M.stageSeconds).series(['otlp'])) * 1000
  const busy: number[] = []
  let first = 0
  for (let round = 0; round <= ROUNDS; round++) {
    for (const slot of slots) store.add(slot, 1_000_003)
    const before = spent()
    const done = await otlp.exportNow()
    if (done?.result !== 'success' || done.accepted < SERIES) throw new Error(`otlp: ${done?.result}: ${done?.detail}`)
    if (round === 0) first = spent() - before
    else {
      times.push(spent() - before)
      busy.push(done.busyMs)
    }
  }
  await otlp.close(0)
  busy.sort((a, b) => a - b)
  notes.push(
    `${protocol}: first export ${first.toFixed(0)} ms of this thread, in slices; worker ${busy[ROUNDS >> 1]!.toFixed(0)} ms per export`,
  )
}

async function receiver(): Promise<{ url: string; sink: Worker }> {
  const sink = new Worker(
    `const { parentPort } = require('node:worker_threads')
     const server = require('node:http').createServer((request, response) => {
       request.resume().on('end', () => response.writeHead(200, { 'Content-Type': request.headers['content-type'] }).end(request.headers['content-type'] === 'application/json' ? '{}' : ''))
     })
     server.listen(0, '127.0.0.1', () => parentPort.postMessage(server.address().port))`,
    { eval: true },
  )
  const port = await new Promise<number>((resolve, reject) => sink.once('message', resolve).once('error', reject))
  return { url: `http://127.0.0.1:${port}/v1/metrics`, sink }
}
