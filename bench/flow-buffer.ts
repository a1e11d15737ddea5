/**
 * flow-buffer.ts - ns per record for the flow buffer without clients: what the flow API costs the live source.
 *
 * In:    bench/fixtures/bench.pcap.gz as frames, in batches of the live source's maximum drain size.
 * Out:   CPU time, the median of PASSES passes after a warm-up.
 * Fail:  throws if the buffer missed a record.
 */
import { RecordRing } from '../src/hubble/api/record-ring.js'
import { medianOf } from './median.js'
import { fileOf, recordedFrames } from './recorded.js'

export const name = 'flow-buffer'
export const unit = 'ns'
export const limit = 50

const CAPACITY = 4095
const PASSES = 21
const WARM_UP = 10
/** Repetitions in a pass, so that the clock's resolution does not matter. */
const COPIES = 20
const NS_PER_US = 1000
const FRAME_HEADER = 4
/** As in src/datapath/source/live.ts. */
const BATCH = 1 << 20

export async function run(): Promise<number> {
  const batches = cut(recordedFrames(fileOf('./fixtures/bench.pcap.gz')))
  const ring = new RecordRing(CAPACITY)
  const pass = () => {
    const before = ring.seen
    const started = process.cpuUsage()
    for (let i = 0; i < COPIES; i++) for (const batch of batches) ring.append(batch, batch.length, i, 0)
    const { user, system } = process.cpuUsage(started)
    return ((user + system) * NS_PER_US) / (ring.seen - before)
  }
  for (let i = 0; i < WARM_UP; i++) pass()
  if (ring.length !== CAPACITY) throw new Error(`${ring.length} of ${CAPACITY} records are stored`)
  return medianOf(PASSES, pass)
}

/** Splits the frames into batches of whole frames, at most BATCH bytes each. */
function cut(frames: Uint8Array): Uint8Array[] {
  const view = new DataView(frames.buffer, frames.byteOffset, frames.byteLength)
  const batches: Uint8Array[] = []
  let from = 0
  for (let at = 0; at < frames.length; ) {
    const end = at + FRAME_HEADER + view.getUint32(at, true)
    if (end - from > BATCH) {
      batches.push(frames.slice(from, at))
      from = at
    }
    at = end
  }
  return [...batches, frames.slice(from)]
}
