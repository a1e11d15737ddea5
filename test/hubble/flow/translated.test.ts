/**
 * translated.test.ts - flows of connections behind address translation: the peer itself, and the Service that was asked for.
 */
import t from 'tap'
import { Direction, HDR } from '../../../src/datapath/record/abi.js'
import { udp } from '../../support/ethernet.js'
import { DB, flowOf, packet, WEB } from '../../support/flow-records.js'
import { type TraceFields, traceRecord } from '../../support/weir-records.js'

const SERVICE = '10.96.0.10'
const NODE = '10.0.2.9'
const UDP = 17
const DNS = { name: 'kube-dns', namespace: 'kube-system' }
/** WEB asks the Service, whose backend is DB. */
const CLIENT: TraceFields = { a: WEB, b: DB, proto: UDP, aPort: 40_000, bPort: 5353, translated: true }

function captured(fields: TraceFields, src: string, dst: string, ports: readonly [number, number]): Buffer {
  const bytes = packet(src, dst, udp(...ports, Buffer.from('data')), UDP)
  const record = traceRecord(fields)
  record.writeUInt16LE(bytes.length, HDR.lenCap)
  return Buffer.concat([record, bytes])
}

t.test('a request to a Service goes to the backend', async t => {
  const flow = flowOf(captured(CLIENT, WEB, SERVICE, [40_000, 53]))
  t.match(flow, {
    IP: { source: WEB, destination: DB, ipVersion: 'IPv4' },
    l4: { UDP: { source_port: 40_000, destination_port: 5353 } },
    destination: { pod_name: 'db-0' },
    destination_service: DNS,
  })
  t.notOk(flow.IP?.source_xlated)
  t.ok(flow.ethernet, 'the rest is as captured')
})

t.test('its answer comes from the backend; the source in the packet is the translated one', async t => {
  const flow = flowOf(captured({ ...CLIENT, direction: Direction.bToA }, SERVICE, WEB, [53, 40_000]))
  t.match(flow, {
    IP: { source: DB, source_xlated: SERVICE, destination: WEB },
    l4: { UDP: { source_port: 5353, destination_port: 40_000 } },
    source: { pod_name: 'db-0' },
    source_service: DNS,
  })
})

t.test('a server sees the client before source NAT', async t => {
  const server: TraceFields = { ...CLIENT, b: '93.184.216.34', bPort: 1234, direction: Direction.bToA, initiator: 1 }
  const flow = flowOf(captured(server, NODE, WEB, [6000, 40_000]))
  t.match(flow, { IP: { source: '93.184.216.34', source_xlated: NODE, destination: WEB } })
  t.match(flow.l4?.UDP, { source_port: 1234, destination_port: 40_000 })
})

t.test('a record without a packet has the backend from its extension, and the Service by its entity', async t => {
  const flow = flowOf(traceRecord({ ...CLIENT, service: 77 }), undefined, {
    serviceOf: entity => (entity === 77 ? DNS : undefined),
  })
  t.match(flow, { IP: { source: WEB, destination: DB }, destination_service: DNS })
  t.notOk('source_service' in flow)
  t.notOk('destination_service' in flowOf(traceRecord({ ...CLIENT, service: 77 })), "another process's entity ids")
})

t.test('a packet without translation is as captured', async t => {
  const flow = flowOf(captured({ ...CLIENT, translated: false }, WEB, SERVICE, [40_000, 53]))
  t.match(flow, { IP: { source: WEB, destination: SERVICE }, destination_service: DNS })
})
