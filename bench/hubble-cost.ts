/**
 * hubble-cost.ts - ns per record on one core for decoding and the hubble_* metrics of one configuration.
 *
 * In:    bench/fixtures/bench.pcap.gz as frames in memory, examples/inventory.json.
 * Out:   CPU time, the median of ROUNDS rounds after a warm-up. A round is ten passes and the flush of a scrape.
 * Fail:  throws if a record was not decoded, or a later round had to build flows.
 */

import { loadInventory } from '../src/datapath/inventory/inventory.js'
import { entitiesOf } from '../src/datapath/inventory/inventory-entities.js'
import { Decoder } from '../src/datapath/record/decode.js'
import { KernelReasons } from '../src/datapath/record/reasons.js'
import { InventoryResolver } from '../src/hubble/flow/inventory-resolver.js'
import { compileMetrics } from '../src/hubble/metrics/compile.js'
import { flowBuilder } from '../src/hubble/metrics/flow-builder.js'
import { parseStatic } from '../src/hubble/metrics/grammar.js'
import { HubbleMetrics } from '../src/hubble/metrics/metrics.js'
import { medianOf } from './median.js'
import { fileOf, recordedFrames } from './recorded.js'

/** 200,000 records, as on a busy node between two scrapes. */
const PASSES = 10
const ROUNDS = 21
const WARM_UP = 5
const NS_PER_US = 1000

export interface Cost {
  /** The first pass, where nearly every record has a new key. */
  readonly first: number
  readonly later: number
}

/** The cost of `config`, in the grammar of --hubble-metrics. */
export function hubbleCost(config: string): Cost {
  const frames = recordedFrames(fileOf('./fixtures/bench.pcap.gz'))
  const inventory = loadInventory(fileOf('../examples/inventory.json'))
  const flow = flowBuilder(InventoryResolver.from(inventory), new KernelReasons([]))
  const metrics = new HubbleMetrics(compileMetrics(parseStatic(config)), entitiesOf(inventory), flow)
  const decoder = new Decoder()
  const round = (passes: number) => {
    const started = process.cpuUsage()
    for (let pass = 0; pass < passes; pass++) decoder.decode(frames, frames.length, metrics)
    metrics.flush()
    const { user, system } = process.cpuUsage(started)
    return ((user + system) * NS_PER_US) / passes
  }
  const first = round(1)
  const records = Object.values(decoder.counts).reduce((sum, n) => sum + n)
  const faults = Object.values(decoder.faults).reduce((sum, n) => sum + n)
  if (records === 0 || faults > 0) throw new Error(`${faults} of ${records} records failed`)
  const { flowsMade: made } = metrics
  for (let i = 0; i < WARM_UP; i++) round(PASSES)
  const later = medianOf(ROUNDS, () => round(PASSES) / records)
  if (metrics.flowsMade !== made) throw new Error(`${metrics.flowsMade - made} flows were built again`)
  return { first: first / records, later }
}
