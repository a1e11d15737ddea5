/**
 * stall.ts - the longest delay of a drain, in ms, while 100,000 series are scraped over HTTP, gzipped, in both formats.
 *
 * In:    nothing; the scraper runs in a thread of its own, as a real one runs in another process.
 * Out:   the longest delay without waits for a CPU (loop-delay.ts); a note has both.
 */
import { Worker } from 'node:worker_threads'
import { createServer } from '../src/exporter/http/server.js'
import { SeriesStore } from '../src/exporter/series/series.js'
import { longestDelay } from './loop-delay.js'
import { fill, SERIES } from './many.js'

export const name = 'stall'
export const unit = 'ms'
export const limit = 50
export const peer = 'prom-client 370-530 ms in one piece'
export const peerValue = 370
export const notes: string[] = []

const ROUNDS = 10
const ACCEPT = ['text/plain', 'application/openmetrics-text;version=1.0.0']

export async function run(): Promise<number> {
  const store = new SeriesStore()
  const slots = fill(store)
  const server = createServer({
    telemetryPath: '/metrics',
    store,
    collect: () => {
      for (const slot of slots) store.add(slot, 1)
    },
    ready: () => undefined,
    status: () => [],
  })
  const url = `${await server.listen('127.0.0.1:0')}/metrics`
  const { own, all } = await longestDelay(scrapes(url))
  await server.close(0)
  notes.push(`${all.toFixed(1)} ms with waits for a CPU; ${SERIES} series, ${ROUNDS} pages in each format`)
  return own
}

/** ROUNDS pages in each format, one after the other. Each must be complete. */
async function scrapes(url: string): Promise<void> {
  const scraper = new Worker(
    `const { workerData: { url, accept, rounds }, parentPort } = require('node:worker_threads')
     const scrape = async () => {
       for (let i = 0; i < rounds * accept.length; i++) {
         const page = await fetch(url, { headers: { accept: accept[i % accept.length] } })
         const { byteLength } = await page.arrayBuffer()
         if (byteLength < 16e6) throw new Error('a page of ' + byteLength + ' bytes')
       }
     }
     scrape().then(() => parentPort.postMessage('done'), error => { throw error })`,
    { eval: true, workerData: { url, accept: ACCEPT, rounds: ROUNDS } },
  )
  await new Promise((resolve, reject) => scraper.once('message', resolve).once('error', reject))
  await scraper.terminate()
}
