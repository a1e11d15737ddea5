/**
 * records.ts - fuzz target: one record through everything that reads records.
 *
 * Out:   the decoder, the flow maker and all printers, the monitor's formatter, the reducer and hubble_* families take any
 *        bytes: they make something of them or count a fault.
 */
import fc from 'fast-check'
import { createPrinter, OUTPUTS } from '../../src/hubble/observe/print/printers.js'
import { timeFormatter } from '../../src/hubble/observe/print/time-format.js'
import { responseOf } from '../../src/hubble/observe/response.js'
import { maker } from '../support/flow-records.js'
import { feed, hubbleMetrics, recordedRecords } from '../support/hubble-metrics.js'
import { formatterOf } from '../support/monitor-text.js'
import { reduced } from '../support/reduced.js'
import { dropRecord, traceRecord } from '../support/weir-records.js'
import { around, type FuzzTarget } from './target.js'

const FAMILIES = 'drop:sourceContext=pod;destinationContext=ip tcp flow port-distribution icmp policy flows-to-world'
const TIME = timeFormatter('StampMilli')!
const VERBOSITIES = ['info', 'debug', 'verbose', 'json'] as const
/** Families, caches and tables grow with the inputs, and start again after this many. */
const INPUTS_PER_STATE = 2000

const own = [
  traceRecord({ a: '10.0.0.1', b: '10.0.0.2', proto: 6, aPort: 40_000, bPort: 80, counts: [[0, 1, 3, 300]] }),
  traceRecord({ a: 'fd00::1', b: 'fd00::2', proto: 17, aPort: 5353, bPort: 53, counts: [[1, 0, 1, 60]] }),
  dropRecord({ src: '10.0.0.1', dst: '10.0.0.2', proto: 6, reason: 3, packets: 2, bytes: 120 }),
]
export const validRecords = fc.constantFrom(...recordedRecords(), ...own).map(record => Uint8Array.from(record))

let inputs = 0
let state = newState()

function newState() {
  return {
    flows: maker(),
    metrics: hubbleMetrics(FAMILIES),
    reducers: [reduced(), reduced(true)],
    printers: OUTPUTS.map(format => createPrinter(format, { time: TIME, nodeName: true, numeric: false })!),
    monitors: VERBOSITIES.map(verbosity => formatterOf({ verbosity })),
  }
}

export const records: FuzzTarget = {
  name: 'records',
  input: around(validRecords),
  run(record) {
    if (++inputs % INPUTS_PER_STATE === 0) state = newState()
    const { flows, metrics, reducers, printers, monitors } = state
    const view = new DataView(record.buffer, record.byteOffset, record.length)
    flows.feed(record)
    for (const flow of flows.flows.splice(0)) for (const printer of printers) printer.print(responseOf(flow))
    flows.debugs.length = 0
    for (const monitor of monitors) monitor.record(view, 0, record.length, 0)
    for (const reducer of reducers) reducer.add(record)
    feed(metrics, [record])
  },
}
