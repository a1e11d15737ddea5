/**
 * hubble.ts - ns a record, one core: decode and hubble_* metrics, seven families with workload contexts.
 *
 * In:    bench/fixtures/bench.pcap.gz as frames in memory, bench.config, test/fixtures/world.json.
 * Out:   processor time, the median of ROUNDS rounds after a warm-up; a round is ten passes and the flush of a scrape.
 *        As notes the first pass, in which nearly every record is the first of its kind, and the same for `drop tcp flow`.
 * Fail:  throws when a record was not decoded, or a later round had to make flows.
 */
import { readFileSync } from 'node:fs'
import { Decoder } from '../src/datapath/decode.js'
import { Entities } from '../src/datapath/entities.js'
import { KernelReasons } from '../src/datapath/reasons.js'
import { loadWorld } from '../src/datapath/world.js'
import { WorldDirectory } from '../src/datapath/world-directory.js'
import { compileMetrics } from '../src/hubble/compile.js'
import { flowOf } from '../src/hubble/flow-of.js'
import { parseStatic } from '../src/hubble/grammar.js'
import { HubbleMetrics } from '../src/hubble/metrics.js'
import { medianOf } from './median.js'
import { fileOf, recordedFrames } from './reduce.js'

export const name = 'hubble'
export const unit = 'ns'
export const limit = 250
export const peer = 'Hubble 1.19.4 parser and handlers 9,200-10,100 ns'
export const peerValue = 9200
export const notes: string[] = []

/** 200,000 records: what a busy node has between two scrapes. */
const PASSES = 10
const ROUNDS = 21
const WARM_UP = 5
const NS_PER_US = 1000
const PLAIN = 'drop tcp flow'

interface Cost {
  readonly first: number
  readonly later: number
}

export async function run(): Promise<number> {
  const frames = recordedFrames(fileOf('./fixtures/bench.pcap.gz'))
  const workload = cost(frames, readFileSync(fileOf('./fixtures/bench.config'), 'utf8'))
  const plain = cost(frames, PLAIN)
  notes.length = 0
  notes.push(`${PLAIN}: ${plain.later.toFixed(0)} ns (peer: Hubble 4,300-4,900 ns)`)
  notes.push(`first pass, cold, most keys new: ${workload.first.toFixed(0)} ns; ${PLAIN}: ${plain.first.toFixed(0)} ns`)
  return workload.later
}

function cost(frames: Uint8Array, config: string): Cost {
  const world = loadWorld(fileOf('../test/fixtures/world.json'))
  const flow = flowOf(new WorldDirectory(world), new KernelReasons([]))
  const metrics = new HubbleMetrics(compileMetrics(parseStatic(config)), Entities.from(world), flow)
  const decoder = new Decoder()
  const round = (passes: number) => {
    const begun = process.cpuUsage()
    for (let pass = 0; pass < passes; pass++) decoder.decode(frames, frames.length, metrics)
    metrics.flush()
    const { user, system } = process.cpuUsage(begun)
    return ((user + system) * NS_PER_US) / passes
  }
  const first = round(1)
  const records = Object.values(decoder.counts).reduce((sum, n) => sum + n)
  const faults = Object.values(decoder.faults).reduce((sum, n) => sum + n)
  if (records === 0 || faults > 0) throw new Error(`${faults} of ${records} records failed`)
  const { made } = metrics
  for (let i = 0; i < WARM_UP; i++) round(PASSES)
  const later = medianOf(ROUNDS, () => round(PASSES) / records)
  if (metrics.made !== made) throw new Error(`${metrics.made - made} flows were made anew`)
  return { first: first / records, later }
}
