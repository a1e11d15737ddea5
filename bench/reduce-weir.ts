/**
 * reduce-weir.ts - ns per record on one core: decode, entities, reduce and series of all weir_* families.
 *
 * In:    bench/fixtures/bench.pcap.gz as frames in memory, examples/inventory.json.
 * Out:   CPU time, the median of PASSES passes after a warm-up; as a note the same for records of Weir's own datapath (root).
 * Fail:  throws if a record was not decoded or not counted.
 */

import type { Entities } from '../src/datapath/identity/entities.js'
import { loadInventory } from '../src/datapath/inventory/inventory.js'
import { entitiesOf } from '../src/datapath/inventory/inventory-entities.js'
import { Decoder } from '../src/datapath/record/decode.js'
import { KernelReasons } from '../src/datapath/record/reasons.js'
import { Reducer } from '../src/exporter/reduce/reduce.js'
import { SeriesStore } from '../src/exporter/series/series.js'
import { openDatapath } from './datapath.js'
import { medianOf } from './median.js'
import { fileOf, recordedFrames } from './recorded.js'
import { storm } from './storm.js'

export const name = 'reduce-weir'
export const unit = 'ns'
export const limit = 200
export const peer = 'Hubble 1.19.4 parser and handlers 4,300-4,900 ns'
export const peerValue = 4300
export const notes: string[] = []

const PASSES = 101
const WARM_UP = 40
const NS_PER_US = 1000
/** A storm sends six records per connection, in frames of some 400 bytes. */
const OWN_CONNECTIONS = 3_000
const OWN_BYTES = 16 * 1024 * 1024

interface Batch {
  readonly frames: Uint8Array
  readonly length: number
  readonly entities: Entities
  /** The records are from this process's own datapath. */
  readonly live: boolean
}

export async function run(): Promise<number> {
  const entities = entitiesOf(loadInventory(fileOf('../examples/inventory.json')))
  const frames = recordedFrames(fileOf('./fixtures/bench.pcap.gz'))
  const value = nsPerRecord({ frames, length: frames.length, entities, live: false })
  notes.length = 0
  const own = process.getuid?.() === 0 ? `${nsPerRecord(ownFrames()).toFixed(0)} ns` : 'needs root'
  notes.push(`records of Weir's own datapath: ${own}`)
  return value
}

function nsPerRecord({ frames, length, entities, live }: Batch): number {
  const decoder = new Decoder()
  const reducer = new Reducer(new SeriesStore(), entities, new KernelReasons([]), live)
  const pass = () => decoder.decode(frames, length, reducer)
  pass()
  const records = recordsOf(decoder)
  const faults = Object.values(decoder.faults).reduce((sum, n) => sum + n)
  if (records === 0 || faults + reducer.unread > 0)
    throw new Error(`${faults + reducer.unread} of ${records} records failed`)
  for (let i = 1; i < WARM_UP; i++) pass()
  return medianOf(PASSES, () => {
    const started = process.cpuUsage()
    pass()
    const { user, system } = process.cpuUsage(started)
    return ((user + system) * NS_PER_US) / records
  })
}

function recordsOf({ counts }: Decoder): number {
  return Object.values(counts).reduce((sum, n) => sum + n)
}

function ownFrames(): Batch {
  const frames = new Uint8Array(OWN_BYTES)
  let length = 0
  const { object, live, entities } = openDatapath({
    ringPages: 4096,
    onFrames: (drained, size) => {
      frames.set(drained.subarray(0, size), length)
      length += size
    },
  })
  try {
    storm(object, OWN_CONNECTIONS)
    live.collect()
  } finally {
    live.close()
  }
  return { frames, length, entities, live: true }
}
