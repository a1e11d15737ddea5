/**
 * memory.ts - bytes per series of 6 labels: values, prefix, index and interned labels together.
 *
 * In:    --expose-gc, which `npm run bench` sets.
 * Out:   heap and external memory with 100,000 series minus that without, per series. `external` includes ArrayBuffers.
 */
import { SeriesStore } from '../src/exporter/series/series.js'
import { fill, SERIES } from './many.js'

export const name = 'memory'
export const unit = 'bytes'
export const limit = 600
export const peer = 'FLP 2.3-3.0 KB'
export const peerValue = 2304

export async function run(): Promise<number> {
  fill(new SeriesStore()) // compiled code must not count as memory of the series
  const before = await settled()
  const store = new SeriesStore()
  fill(store)
  const after = await settled()
  if (store.families().length === 0) throw new Error('memory: the store is empty')
  return (after - before) / SERIES
}

/** Buffers are freed a turn of the event loop after the collection that finds them. */
async function settled(): Promise<number> {
  if (globalThis.gc === undefined) throw new Error('memory: run with --expose-gc')
  for (let round = 0; round < 3; round++) {
    globalThis.gc()
    await new Promise(resolve => setImmediate(resolve))
  }
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}
