/**
 * recorded-last.test.ts - the last flows of a recording are those of the whole recording, decoded from its end.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { loadInventory } from '../../../src/datapath/inventory/inventory.js'
import { RecordingReader } from '../../../src/datapath/source/recording-reader.js'
import { InventoryResolver } from '../../../src/hubble/flow/inventory-resolver.js'
import { RecordedFlows } from '../../../src/hubble/observe/recorded-flows.js'
import type { FlowResponse } from '../../../src/hubble/observe/response.js'
import { predicateOf, select } from '../../../src/hubble/observe/selection.js'

const EXAMPLES = new URL('../../../examples/', import.meta.url).pathname
const resolver = InventoryResolver.from(loadInventory(join(EXAMPLES, 'inventory.json')))
const recorded = (path: string) => new RecordedFlows({ path, resolver, nodeName: 'node', version: '1.2.3' })
/** Without the random ids. */
const shown = (responses: readonly FlowResponse[]) => responses.map(({ flow }) => ({ ...flow, uuid: '' }))

t.test('with and without filters, the same flows as by reading everything', async t => {
  const path = join(EXAMPLES, 'records.pcap')
  const deny = { allow: [], deny: [] }
  for (const selection of [
    deny,
    { ...deny, allow: [{ verdict: ['DROPPED'] }] },
    { ...deny, allow: [{ uuid: ['x'] }] },
  ]) {
    for (const last of [1, 20, 511, 512, 513, 1_000_000]) {
      const want: FlowResponse[] = []
      for await (const response of select(recorded(path), { ...selection, last })) want.push(response)
      t.strictSame(shown(recorded(path).last(last, predicateOf(selection))), shown(want))
    }
  }
})

t.test('the damage of a truncated recording is reported', async t => {
  const reader = new RecordingReader(join(EXAMPLES, 'records.pcap'))
  const path = join(t.testdir({}), 'cut.pcap')
  const whole = new Uint8Array(reader.view.buffer).slice(0, 100_001)
  reader.close()
  writeFileSync(path, whole)
  const flows = recorded(path)
  t.equal(flows.last(3, () => true).length, 3)
  t.match(flows.damage, /truncated at byte/)
})

t.test('the last flow of a large recording needs one block of records', async t => {
  const flows = recorded(join(EXAMPLES, 'records.pcap'))
  flows.last(1, () => true)
  const { counts } = flows.decoder
  const decoded = Object.values(counts).reduce((sum, n) => sum + n, 0)
  t.ok(decoded <= 512, `${decoded} records`)
})
