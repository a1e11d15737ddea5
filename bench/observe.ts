/**
 * observe.ts - flows per second on one core: records decoded, named, expanded to flows and printed as compact lines.
 *
 * In:    bench/fixtures/bench.pcap.gz as frames in memory, examples/inventory.json.
 * Out:   CPU time, the median of PASSES passes after a warm-up; nothing is written.
 * Fail:  throws if a record produced no line.
 */

import { loadInventory } from '../src/datapath/inventory/inventory.js'
import { Decoder } from '../src/datapath/record/decode.js'
import { InventoryResolver } from '../src/hubble/flow/inventory-resolver.js'
import { FlowMaker } from '../src/hubble/flow/maker.js'
import { CompactPrinter } from '../src/hubble/observe/print/compact-printer.js'
import { timeFormatter } from '../src/hubble/observe/print/time-format.js'
import { responseOf } from '../src/hubble/observe/response.js'
import { medianOf } from './median.js'
import { fileOf, recordedFrames } from './recorded.js'

export const name = 'observe'
export const unit = 'flows/s'
export const more = true

const PASSES = 21
const WARM_UP = 10
const US_PER_SECOND = 1e6

export async function run(): Promise<number> {
  const frames = recordedFrames(fileOf('./fixtures/bench.pcap.gz'))
  const printer = new CompactPrinter({ time: timeFormatter('StampMilli')!, nodeName: false, numeric: false })
  let characters = 0
  const maker = new FlowMaker({
    resolver: InventoryResolver.from(loadInventory(fileOf('../examples/inventory.json'))),
    now: () => '2026-01-02T03:04:05.678Z',
    nodeName: 'node-1',
    version: '0',
    onFlow: flow => {
      characters += printer.print(responseOf(flow)).length
    },
  })
  const decoder = new Decoder()
  const pass = () => {
    const started = process.cpuUsage()
    decoder.decode(frames, frames.length, maker)
    const { user, system } = process.cpuUsage(started)
    return user + system
  }
  pass()
  const { flows } = maker
  const records = Object.values(decoder.counts).reduce((sum, n) => sum + n)
  if (flows !== records || characters === 0) throw new Error(`${flows} flows of ${records} records`)
  for (let i = 1; i < WARM_UP; i++) pass()
  return medianOf(PASSES, () => (flows * US_PER_SECOND) / pass())
}
