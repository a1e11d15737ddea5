/**
 * packet-labels.test.ts - labels from the packet: addresses and the server's port, in families configured with them.
 */
import t from 'tap'
import { BARE_FACTS, NO_CHANGES } from '../../../src/datapath/identity/entity-changes.js'
import { SERVICE_IDENTITY } from '../../../src/datapath/identity/identity.js'
import { Direction, EventLane } from '../../../src/datapath/record/abi.js'
import { M } from '../../../src/exporter/catalog/catalog.js'
import { metricsConfig } from '../../../src/exporter/reduce/metrics-config.js'
import { PacketEndpoints, UNKNOWN } from '../../../src/exporter/reduce/packet-endpoints.js'
import { parseAddress } from '../../../src/lib/address.js'
import { DB, DB6, entityOf, type Reduced, reduced, WEB, WEB6 } from '../../support/reduced.js'
import { dropRecord, traceRecord } from '../../support/weir-records.js'

const TCP = 6
const FLOWS = M.flowPackets.name
const LABELS = ['source_ip', 'destination_ip', 'destination_port']

function withPacketLabels(names: readonly string[]): Reduced {
  const r = reduced(true)
  const families = Object.fromEntries(names.map(name => [name, { labels: LABELS }]))
  r.reducer.apply(metricsConfig({ families, exemplars: true }))
  return r
}

function connection({ entities }: Reduced, aPort: number, events: readonly number[] = []) {
  const entityIds = { aEntity: entityOf(entities, 'web'), bEntity: entityOf(entities, 'db') }
  const counts = [
    [Direction.aToB, 0, 3, 180],
    [Direction.bToA, 0, 2, 120],
  ] as const
  const initiator = Direction.aToB
  return { a: WEB, b: DB, proto: TCP, aPort, bPort: 5432, ...entityIds, initiator, counts, events, hook: 0 }
}

function lines(r: Reduced, name: string): string[] {
  return r
    .page()
    .series(name)
    .map(({ labels, value }) => `${Object.values(labels).join(' ')} = ${value}`)
    .sort()
}

t.test('packets to the server have its port as a label, replies have none', async t => {
  const r = withPacketLabels([FLOWS])
  r.add(traceRecord(connection(r, 40_000)), traceRecord(connection(r, 40_001)))
  t.strictSame(
    lines(r, FLOWS),
    [`${WEB} ${DB} 5432 source FORWARDED TCP = 6`, `${DB} ${WEB}  destination FORWARDED TCP = 4`].sort(),
  )
  t.strictSame(lines(r, M.flowBytes.name).length, 2, 'other families keep their labels')
})

t.test('IPv6 addresses are labels too', async t => {
  const r = withPacketLabels([FLOWS])
  r.add(traceRecord({ ...connection(r, 40_000), a: WEB6, b: DB6 }))
  t.strictSame(
    lines(r, FLOWS)
      .map(line => line.split(' ').slice(0, 3))
      .sort(),
    [
      [WEB6, DB6, '5432'],
      [DB6, WEB6, ''],
    ].sort(),
  )
})

t.test('drops have the port label but no addresses, as one record counts many packets', async t => {
  const r = withPacketLabels([M.dropPackets.name])
  r.add(dropRecord({ src: WEB, dst: DB, proto: TCP, reason: 8, packets: 2, bytes: 120 }))
  t.strictSame(lines(r, M.dropPackets.name), ['  0 node NETFILTER_DROP TCP = 2'])
})

t.test('connections by port open and close in the same series', async t => {
  const r = withPacketLabels([M.connectionsActive.name])
  const opened = Object.assign([0, 0, 0, 0], { [EventLane.opened]: 1 })
  const closed = Object.assign([0, 0, 0, 0], { [EventLane.fin]: 1 })
  r.add(traceRecord(connection(r, 40_000, opened)))
  t.strictSame(lines(r, M.connectionsActive.name), [`${WEB} ${DB} 5432 source TCP = 1`])
  r.reducer.invalidate()
  r.add(traceRecord(connection(r, 40_000, closed)))
  t.strictSame(lines(r, M.connectionsActive.name), [`${WEB} ${DB} 5432 source TCP = 0`])
})

t.test('packets with the same used fields have the same number, up to the limit', async t => {
  const [web, db] = [parseAddress(WEB), parseAddress(DB)]
  const bytes = Buffer.concat([web, db])
  const endpoints = new PacketEndpoints(
    { sourceIp: false, destinationIp: true, destinationPort: true, service: false },
    2,
  )
  const first = endpoints.number(bytes, 0, 16, true, 80)
  t.equal(endpoints.number(bytes, 16, 16, true, 80), first)
  t.equal(endpoints.number(bytes, UNKNOWN, 28, false, 80), first, 'a 4-byte address equals its mapped form')
  t.strictSame(
    [endpoints.sourceIp(first), endpoints.destinationIp(first), endpoints.destinationPort(first)],
    ['', DB, '80'],
  )
  const none = endpoints.number(bytes, 0, UNKNOWN, true, UNKNOWN)
  t.strictSame([endpoints.destinationIp(none), endpoints.destinationPort(none)], ['', ''])
  t.equal(endpoints.full, true)
  endpoints.clear()
  t.equal(endpoints.full, false)
  t.equal(endpoints.number(bytes, 0, 16, true, 0), 1)
  t.equal(endpoints.destinationPort(1), '0')
})

t.test('a handshake becomes the exemplar of its bucket', async t => {
  const r = withPacketLabels([])
  r.add(traceRecord({ ...connection(r, 40_000), handshakeNs: 2_000_000 }))
  const family = r.store.family(M.tcpHandshake)
  const bucket = family.buckets.indexOf(0.0025)
  const exemplar = family.exemplar(0, bucket)
  t.strictSame(exemplar?.labels, [
    ['source', `${WEB}:40000`],
    ['destination', `${DB}:5432`],
  ])
  t.equal(exemplar?.value, 0.002)
  t.equal(family.exemplar(0, bucket + 1), undefined)
  r.reducer.apply(metricsConfig())
  t.equal(family.exemplar(0, bucket), undefined, 'none once exemplars are off')
})

t.test('destination_service is the Service asked for, and source_service in its answers', async t => {
  const r = reduced(true)
  const ip = '10.96.0.10'
  const facts = { ...BARE_FACTS, key: 'service/shop/db-svc', kind: 'service', ips: [ip], namespace: 'shop' } as const
  r.entities.apply({ ...NO_CHANGES, upserts: [{ ...facts, service: 'db-svc', identity: SERVICE_IDENTITY }] })
  const labels = ['source_service', 'source_workload', 'destination_service', 'destination_workload']
  r.reducer.apply(metricsConfig({ families: { [FLOWS]: { labels }, [M.connectionsActive.name]: { labels } } }))
  const service = entityOf(r.entities, 'db-svc')
  r.add(
    traceRecord({ ...connection(r, 40_000, [1]), service }),
    traceRecord({ ...connection(r, 40_001, [1]), service: 0 }),
  )
  const expected = [
    ' web db-svc db source FORWARDED TCP = 3',
    'db-svc db  web destination FORWARDED TCP = 2',
    ' web  db source FORWARDED TCP = 3',
    ' db  web destination FORWARDED TCP = 2',
  ].sort()
  t.strictSame(lines(r, FLOWS), expected)
  const open = [' web  db source TCP = 1', ' web db-svc db source TCP = 1']
  t.strictSame(lines(r, M.connectionsActive.name), open)
  r.reducer.invalidate()
  t.strictSame(lines(r, M.connectionsActive.name), open, 'open connections keep their Service')
})
