/**
 * decode.ts - ns per record on one core: frames to record windows, with the fields that the reducer reads of every record.
 *
 * In:    bench/fixtures/bench.pcap.gz as frames in memory.
 * Out:   CPU time, the median of PASSES passes after a warm-up.
 * Fail:  throws if a record was not decoded.
 */
import { Decoder, type RecordSink, type RecordWindow } from '../src/datapath/record/decode.js'
import { medianOf } from './median.js'
import { fileOf, recordedFrames } from './recorded.js'

export const name = 'decode'
export const unit = 'ns'

const PASSES = 101
const WARM_UP = 40
const NS_PER_US = 1000

export async function run(): Promise<number> {
  const frames = recordedFrames(fileOf('./fixtures/bench.pcap.gz'))
  const decoder = new Decoder()
  // The sum keeps the compiler from removing the reads.
  let sum = 0
  const read = (record: RecordWindow) => {
    sum += record.source + record.packetAt + record.packetLength + record.lenOrig
  }
  const sink: RecordSink = { trace: read, drop: read, verdict: read }
  const pass = () => {
    const started = process.cpuUsage()
    decoder.decode(frames, frames.length, sink)
    const { user, system } = process.cpuUsage(started)
    return (user + system) * NS_PER_US
  }
  pass()
  const records = Object.values(decoder.counts).reduce((all, n) => all + n)
  const faults = Object.values(decoder.faults).reduce((all, n) => all + n)
  if (records === 0 || faults > 0 || sum === 0) throw new Error(`${faults} of ${records} records failed`)
  for (let i = 1; i < WARM_UP; i++) pass()
  return medianOf(PASSES, () => pass() / records)
}
