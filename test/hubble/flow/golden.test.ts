/**
 * golden.test.ts - 2,000 records of every kind give the flows and lines that Cilium 1.19.4's Hubble gave.
 *
 * In:    examples/records.pcap, inventory.json; flows.jsonl.gz and observe-*.txt.gz are Hubble's own output.
 */
import { readFileSync } from 'node:fs'
import { gunzipSync } from 'node:zlib'
import t from 'tap'
import { loadInventory } from '../../../src/datapath/inventory/inventory.js'
import { InventoryResolver } from '../../../src/hubble/flow/inventory-resolver.js'
import { createPrinter } from '../../../src/hubble/observe/print/printers.js'
import { timeFormatter } from '../../../src/hubble/observe/print/time-format.js'
import { RecordedFlows } from '../../../src/hubble/observe/recorded-flows.js'

const golden = (name: string) => gunzipSync(readFileSync(`test/fixtures/${name}.gz`)).toString()
const resolver = InventoryResolver.from(loadInventory('examples/inventory.json'))
const recorded = () => new RecordedFlows({ path: 'examples/records.pcap', resolver, nodeName: 'node-1', version: '0' })

/** A flow without fields that differ from run to run, and without the record's number. */
function comparable({ time: _, uuid: __, emitter: ___, node_name: ____, n: _____, ...flow }: Record<string, unknown>) {
  return flow
}

t.test('every record gives the flow that Hubble gives, or none', async t => {
  const want = golden('flows.jsonl')
    .split('\n')
    .filter(Boolean)
    .map(line => JSON.parse(line))
    .filter(flow => !flow.error && !flow.debug_event)
    .map(comparable)
  const got = [...recorded()].map(({ flow }) => comparable(flow as Record<string, unknown>))
  t.equal(got.length, want.length)
  t.same(
    want.flatMap((flow, i) => (same(flow, got[i]) ? [] : [{ want: flow, got: got[i] }])),
    [],
  )
})

function same(a: unknown, b: unknown): boolean {
  return JSON.stringify(sorted(a)) === JSON.stringify(sorted(b))
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1))
  return Object.fromEntries(fields.map(([key, field]) => [key, sorted(field)]))
}

for (const output of ['compact', 'dict', 'table']) {
  t.test(`every flow is printed as hubble observe -o ${output} prints it`, async t => {
    const printer = createPrinter(output, { time: timeFormatter('RFC3339Milli')!, nodeName: false, numeric: false })!
    let text = ''
    for (const response of recorded()) text += printer.print(response)
    const got = (text + printer.end()).split('\n')
    const want = golden(`observe-${output}.txt`).split('\n')
    t.same(
      want.flatMap((line, i) => (line === got[i] ? [] : [{ want: line, got: got[i] }])),
      [],
    )
    t.equal(got.length, want.length)
  })
}

t.test('records that Hubble makes no flow from are counted by fault', async t => {
  const source = recorded()
  const flows = [...source].length
  const { decoder, maker } = source
  const sum = (counts: object) => Object.values(counts).reduce((all: number, count: number) => all + count, 0)
  t.same(maker.faults, { packet: 5, cgroup: 6, debug: 11 })
  t.same(decoder.faults, { frame: 0, short: 13, type: 16, version: 0 })
  t.equal(flows + sum(maker.faults) + sum(decoder.faults), 1969)
})
