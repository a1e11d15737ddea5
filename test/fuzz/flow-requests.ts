/**
 * flow-requests.ts - fuzz target: the bytes of a GetFlowsRequest.
 *
 * Out:   the request is refused with an Error, or its query reads the ring.
 */
import fc from 'fast-check'
import { loadInventory } from '../../src/datapath/inventory/inventory.js'
import { type FlowsRequest, Observer } from '../../src/hubble/api/observer.js'
import { loadApi } from '../../src/hubble/api/proto.js'
import { RecordRing } from '../../src/hubble/api/record-ring.js'
import { RingFlows } from '../../src/hubble/api/ring-flows.js'
import { InventoryResolver } from '../../src/hubble/flow/inventory-resolver.js'
import { fillRing } from '../support/served-flows.js'
import { around, type FuzzTarget } from './target.js'

const INVENTORY = new URL('../../examples/inventory.json', import.meta.url).pathname
/** Each step reads one record. */
const STEPS = 200

const ring = new RecordRing(1023)
fillRing(ring)
const flows = new RingFlows(ring, {
  resolver: InventoryResolver.from(loadInventory(INVENTORY)),
  nodeName: 'node-1',
  version: '1.2.3',
})
const observer = new Observer({ ring, flows, nodeName: 'node-1', version: '1.2.3' })
const api = await loadApi()
const { requestSerialize, requestDeserialize } = api.observer.GetFlows!

const word = fc.constantFrom('web', 'shop/web', '*', '*.*', '**', 'a*b*c', '10.0.0.1', '10.0.0.0/8', 'fd00::/8', '443')
const selector = fc.constantFrom('k8s:app=web', 'app in (a, b)', '!app', 'app notin (a,b),x=y', ',', 'a in (', 'a=b,')
const expression = fc.constantFrom('(a+)+$', '^/.*', '(a|a)*b', '[a-z]{1,50}', 'x{1000}', '(?=a)', '\\1', '(.*)*z')
const text = fc.oneof(
  word,
  selector,
  expression,
  fc.string({ maxLength: 40 }),
  fc
    .tuple(fc.constantFrom('*', ',', '(', 'a*', '!', '.', '(a'), fc.nat(2000))
    .map(([part, times]) => part.repeat(times)),
)
const values = fc.array(text, { maxLength: 4 })
const TEXT_FIELDS = ['source_ip', 'source_pod', 'source_fqdn', 'source_label', 'destination_fqdn', 'destination_label']
const MORE_FIELDS = [
  'node_name',
  'node_labels',
  'http_path',
  'http_url',
  'dns_query',
  'protocol',
  'source_port',
  'uuid',
]
const filter = fc.dictionary(fc.constantFrom(...TEXT_FIELDS, ...MORE_FIELDS), values, { maxKeys: 4 })
const filters = fc.array(filter, { maxLength: 4 })
const time = fc.option(fc.record({ seconds: fc.integer(), nanos: fc.integer() }), { nil: undefined })
const request = fc
  .record({
    number: fc.nat(),
    first: fc.boolean(),
    follow: fc.boolean(),
    whitelist: filters,
    blacklist: filters,
    since: time,
    until: time,
    field_mask: fc.record({
      paths: fc.array(fc.constantFrom('time', 'source', 'source.labels', 'IP.source', '', 'a.b')),
    }),
  })
  .map(fields => new Uint8Array(requestSerialize(fields)))

export const flowRequests: FuzzTarget = {
  name: 'flow-requests',
  input: around(request),
  run(bytes) {
    const query = accepted(bytes)
    for (let i = 0; query !== undefined && i < STEPS; i++) {
      const step = query.cursor.step()
      if (step === 'end' || step === 'wait') return
      if (step !== 'more') query.message(step)
    }
  },
}

/** Undefined for a refused request: the server answers it with the Error's message. */
function accepted(bytes: Uint8Array) {
  try {
    return observer.getFlows(requestDeserialize(Buffer.from(bytes)) as FlowsRequest, api.fields)
  } catch (error) {
    if (error instanceof Error && error.message.length < 5000) return undefined
    throw error
  }
}
