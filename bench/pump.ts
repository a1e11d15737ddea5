/**
 * pump.ts - records per second that one core drains end to end: kernel ring, native drain, decode, reduce, series.
 *
 * In:    root; storms of short connections that leave the ring some ten thousand records full.
 * Out:   the median over ROUNDS storms of records by the seconds that Live's own drain took for them.
 * Fail:  throws when records were lost or the ring overran: then it was another number of records.
 */
import type { RingKind } from '../src/datapath/source/ring.js'
import { openDatapath } from './datapath.js'
import { median } from './median.js'
import { storm } from './storm.js'

export const name = 'pump'
export const unit = 'records/s'
export const more = true
export const peer = 'Hubble parser and handlers alone 204,000-233,000, without its ring'
export const peerValue = 233_000
export const notes: string[] = []

/** 16 MiB a CPU, which hold 40,000 of these records: the storm runs on one CPU, as the scheduler likes. */
const RING_PAGES = 4096
const CONNECTIONS = 4_000
const ROUNDS = 15
const WARM_UP = 5

export async function run(): Promise<number> {
  const perf = measure('perf')
  const buffer = measure('ringbuf')
  notes.length = 0
  notes.push(
    `flush of a table for 262,144 connections with ${CONNECTIONS} in it: ${perf.flushMs.toFixed(1)} ms`,
    `through a BPF ring buffer: ${Math.round(buffer.rate).toLocaleString('en')} records/s`,
    `a packet that sends a record, as a test run: ${perf.sendUs.toFixed(2)} us, ring buffer ${buffer.sendUs.toFixed(2)} us`,
  )
  return perf.rate
}

function measure(ring: RingKind): { rate: number; flushMs: number; sendUs: number } {
  const { live, object } = openDatapath({ ringPages: RING_PAGES, ring })
  try {
    const rates: number[] = []
    const flushes: number[] = []
    const sends: number[] = []
    for (let round = -WARM_UP; round < ROUNDS; round++) {
      const start = performance.now()
      const records = storm(object, CONNECTIONS)
      const sent = performance.now()
      const before = { trace: live.decoder.counts.trace, ...live.seconds }
      live.collect()
      const decoded = live.decoder.counts.trace - before.trace
      if (decoded !== records)
        throw new Error(`${decoded} records of ${records}; ring full: ${live.counters.totals.ring_full.packets}`)
      if (round < 0) continue
      rates.push(records / (live.seconds.drain - before.drain))
      flushes.push((live.seconds.flush - before.flush) * 1000)
      sends.push(((sent - start) * 1000) / records)
    }
    return { rate: median(rates), flushMs: median(flushes), sendUs: median(sends) }
  } finally {
    live.close()
  }
}
