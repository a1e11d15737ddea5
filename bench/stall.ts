/**
 * stall.ts - ms that the longest drain waits while 100,000 series are scraped, over HTTP, gzipped, as OpenMetrics.
 *
 * In:    nothing; the scraper is a thread of its own, as a scraper is a process of its own.
 * Out:   the longest of: a 10 ms timer's lateness (the drain timer), and the way of a message from another thread to its
 *        handler (a ring's watermark reaches Weir the same way: as an event that the loop polls). Without the time that
 *        this thread was ready and other processes had the CPU: the kernel tells it, and a note shows both.
 */
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'
import { SeriesStore } from '../src/exporter/series.js'
import { createServer } from '../src/exporter/server.js'
import { fill, SERIES } from './many.js'

export const name = 'stall'
export const unit = 'ms'
export const limit = 50
export const peer = 'prom-client 370-530 ms in one piece'
export const peerValue = 370
export const notes: string[] = []

const ROUNDS = 10
const TIMER_MS = 10
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
  const { own, all } = await longest(scrapes(url))
  await server.close(0)
  notes.push(
    `${all.toFixed(1)} ms with the waits for a CPU that others had; ${SERIES} series, ${ROUNDS} pages of each text`,
  )
  return own
}

/** ROUNDS pages of each text, one after the other; each must be whole. */
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

/** The longest delay while `work` lasts: in all, and without the waits for a CPU. */
async function longest(work: Promise<unknown>): Promise<{ own: number; all: number }> {
  const late = { own: 0, all: 0 }
  const seen = [{ at: performance.now(), waited: waitedMs() }]
  let due = performance.now() + TIMER_MS
  const tell = (delay: number) => {
    const now = { at: performance.now(), waited: waitedMs() }
    const before = seen.findLast(({ at }) => at <= now.at - delay) ?? now
    late.all = Math.max(late.all, delay)
    late.own = Math.max(late.own, delay - (now.waited - before.waited))
    seen.push(now)
  }
  const timer = setInterval(() => {
    const now = performance.now()
    tell(now - due)
    due = now + TIMER_MS
  }, TIMER_MS)
  const sender = new Worker(
    `const { parentPort } = require('node:worker_threads')
     setInterval(() => parentPort.postMessage(performance.timeOrigin + performance.now()), 2)`,
    { eval: true },
  )
  sender.on('message', (sent: number) => tell(performance.timeOrigin + performance.now() - sent))
  await work
  clearInterval(timer)
  await sender.terminate()
  return late
}

/** How long this thread was ready to run and had no CPU, since it began (Documentation/scheduler/sched-stats.rst). */
function waitedMs(): number {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6
}
