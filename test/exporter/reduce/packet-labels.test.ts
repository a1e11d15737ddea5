/**
 * packet-labels.test.ts - labels of a packet's own: addresses and the server's port, only where a family asks for them.
 */
import t from 'tap'
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

function asking(names: readonly string[]): Reduced {
  const one = reduced(true)
  const families = Object.fromEntries(names.map(name => [name, { labels: LABELS }]))
  one.reducer.apply(metricsConfig({ families, exemplars: true }))
  return one
}

function connection({ entities }: Reduced, aPort: number, events: readonly number[] = []) {
  const ends = { aEntity: entityOf(entities, 'web'), bEntity: entityOf(entities, 'db') }
  const counts = [
    [Direction.aToB, 0, 3, 180],
    [Direction.bToA, 0, 2, 120],
  ] as const
  const initiator = Direction.aToB
  return { a: WEB, b: DB, proto: TCP, aPort, bPort: 5432, ...ends, initiator, counts, events, hook: 0 }
}

function lines(one: Reduced, name: string): string[] {
  return one
    .page()
    .series(name)
    .map(({ labels, value }) => `${Object.values(labels).join(' ')} = ${value}`)
    .sort()
}

t.test('the opener’s packets are labelled with the server’s port, answers with none', async t => {
  const one = asking([FLOWS])
  one.add(traceRecord(connection(one, 40_000)), traceRecord(connection(one, 40_001)))
  t.strictSame(
    lines(one, FLOWS),
    [`${WEB} ${DB} 5432 source FORWARDED TCP = 6`, `${DB} ${WEB}  destination FORWARDED TCP = 4`].sort(),
  )
  t.strictSame(lines(one, M.flowBytes.name).length, 2, 'other families have their labels')
})

t.test('IPv6 addresses too', async t => {
  const one = asking([FLOWS])
  one.add(traceRecord({ ...connection(one, 40_000), a: WEB6, b: DB6 }))
  t.strictSame(
    lines(one, FLOWS)
      .map(line => line.split(' ').slice(0, 3))
      .sort(),
    [
      [WEB6, DB6, '5432'],
      [DB6, WEB6, ''],
    ].sort(),
  )
})

t.test('dropped packets have their port; addresses are not known of all that are told together', async t => {
  const one = asking([M.dropPackets.name])
  one.add(dropRecord({ src: WEB, dst: DB, proto: TCP, reason: 8, packets: 2, bytes: 120 }))
  t.strictSame(lines(one, M.dropPackets.name), ['  0 node NETFILTER_DROP TCP = 2'])
})

t.test('open connections by port come and go in one series', async t => {
  const one = asking([M.connectionsActive.name])
  const opened = Object.assign([0, 0, 0, 0], { [EventLane.opened]: 1 })
  const closed = Object.assign([0, 0, 0, 0], { [EventLane.fin]: 1 })
  one.add(traceRecord(connection(one, 40_000, opened)))
  t.strictSame(lines(one, M.connectionsActive.name), [`${WEB} ${DB} 5432 source TCP = 1`])
  one.reducer.invalidate()
  one.add(traceRecord(connection(one, 40_000, closed)))
  t.strictSame(lines(one, M.connectionsActive.name), [`${WEB} ${DB} 5432 source TCP = 0`])
})

t.test('numbers: one for what is asked for, whatever else differs; none past the limit', async t => {
  const [web, db] = [parseAddress(WEB), parseAddress(DB)]
  const bytes = Buffer.concat([web, db])
  const ends = new PacketEndpoints({ sourceIp: false, destinationIp: true, destinationPort: true }, 2)
  const first = ends.number(bytes, 0, 16, true, 80)
  t.equal(ends.number(bytes, 16, 16, true, 80), first)
  t.equal(ends.number(bytes, UNKNOWN, 28, false, 80), first, 'four bytes are the same address')
  t.strictSame([ends.sourceIp(first), ends.destinationIp(first), ends.destinationPort(first)], ['', DB, '80'])
  const none = ends.number(bytes, 0, UNKNOWN, true, UNKNOWN)
  t.strictSame([ends.destinationIp(none), ends.destinationPort(none)], ['', ''])
  t.equal(ends.full, true)
  ends.clear()
  t.equal(ends.full, false)
  t.equal(ends.number(bytes, 0, 16, true, 0), 1)
  t.equal(ends.destinationPort(1), '0')
})

t.test('a handshake leaves its addresses as the example of its bucket', async t => {
  const one = asking([])
  one.add(traceRecord({ ...connection(one, 40_000), handshakeNs: 2_000_000 }))
  const family = one.store.family(M.tcpHandshake)
  const bucket = family.buckets.indexOf(0.0025)
  const example = family.exemplar(0, bucket)
  t.strictSame(example?.labels, [
    ['source', `${WEB}:40000`],
    ['destination', `${DB}:5432`],
  ])
  t.equal(example?.value, 0.002)
  t.equal(family.exemplar(0, bucket + 1), undefined)
  one.reducer.apply(metricsConfig())
  t.equal(family.exemplar(0, bucket), undefined, 'none once they are switched off')
})
