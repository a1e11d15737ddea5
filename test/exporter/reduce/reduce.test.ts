/**
 * reduce.test.ts - Weir records, and counts kept outside records, to exact series.
 */
import t from 'tap'
import { DB, DB6, entityOf, IDENTITY, reduced, STRANGER, WEB, WEB6 } from '../../support/reduced.js'
import { dropRecord, traceRecord } from '../../support/weir-records.js'

const TCP = 6
const UDP = 17
const ICMP = 1
const ICMPV6 = 58
const UPLINK = 1
const ESTABLISHED = 2
const RELATED = 5

t.test('packed counters of both directions count under the sender', async t => {
  const r = reduced()
  r.add(
    traceRecord({
      a: WEB,
      b: DB,
      proto: TCP,
      state: ESTABLISHED,
      counts: [
        [0, 0, 3, 180],
        [0, 5, 2, 3000],
        [1, 1, 4, 400],
        [1, 7, 1, 60_000],
      ],
    }),
  )
  t.strictSame(r.lines(), [
    'flow_bytes db>web destination FORWARDED TCP = 60400',
    'flow_bytes web>db source FORWARDED TCP = 3180',
    'flow_packets db>web destination FORWARDED TCP = 5',
    'flow_packets web>db source FORWARDED TCP = 5',
    'packet_size_bytes db>web destination = 4<=128 1<=Infinity sum 60400',
    'packet_size_bytes web>db source = 3<=64 2<=1518 sum 3180',
  ])
})

t.test('the largest packed counter of every size class is exact, also twice', async t => {
  const r = reduced()
  const all = [0, 1, 2, 3, 4, 5, 6, 7].map(size => [0, size, 2 ** 23 - 1, 2 ** 40 - 1] as const)
  const record = traceRecord({ a: WEB, b: DB, proto: UDP, counts: all })
  r.add(record, record)
  t.equal(r.page().sum('weir_flow_packets_total'), 16 * (2 ** 23 - 1))
  t.equal(r.page().sum('weir_flow_bytes_total'), 16 * (2 ** 40 - 1))
})

t.test('TCP flags count by direction, and for TCP only', async t => {
  const flags = [
    [1, 0, 1, 0],
    [0, 1, 0, 65_535],
  ] as const
  const r = reduced()
  r.add(traceRecord({ a: WEB, b: DB, proto: TCP, flags }), traceRecord({ a: WEB, b: DB, proto: UDP, flags }))
  t.strictSame(r.lines(), [
    'tcp_flags db>web destination RST = 65535',
    'tcp_flags db>web destination SYN-ACK = 1',
    'tcp_flags web>db source FIN = 1',
    'tcp_flags web>db source SYN = 1',
  ])
})

t.test('a connection counts under its initiator: a behind its veth, or b from elsewhere', async t => {
  const life = { proto: TCP, events: [1, 0, 1, 0], handshakeNs: 800_000, durationNs: 2_000_000_000, closedBytes: 5000 }
  const r = reduced()
  r.add(traceRecord({ a: WEB, b: DB, initiator: 0, ...life }))
  t.strictSame(r.lines(), [
    'connection_bytes web>db source = 1<=10000 sum 5000',
    'connection_duration_seconds web>db source = 1<=10 sum 2',
    'connections_closed web>db source TCP fin = 1',
    'connections_opened web>db source TCP = 1',
    'tcp_handshake_seconds web>db source = 1<=0.001 sum 0.0008',
  ])
  const other = reduced()
  other.add(traceRecord({ a: WEB, b: STRANGER, initiator: 1, ...life }))
  t.strictSame(other.lines(), [
    'connection_bytes world>web destination = 1<=10000 sum 5000',
    'connection_duration_seconds world>web destination = 1<=10 sum 2',
    'connections_closed world>web destination TCP fin = 1',
    'connections_opened world>web destination TCP = 1',
    'tcp_handshake_seconds world>web destination = 1<=0.001 sum 0.0008',
  ])
})

t.test('open connections are those opened or adopted minus those closed', async t => {
  const r = reduced()
  const of = (fields: object) => traceRecord({ a: WEB, b: DB, proto: TCP, ...fields })
  r.add(
    of({ events: [5, 2, 0, 0] }),
    of({ events: [0, 0, 2, 1] }),
    of({ timedOut: true, durationNs: 1, closedBytes: 7 }),
  )
  t.strictSame(r.lines(), [
    'connection_bytes web>db source = 1<=100 sum 7',
    'connection_duration_seconds web>db source = 1<=0.001 sum 1e-9',
    'connections_active web>db source TCP = 3',
    'connections_closed web>db source TCP fin = 2',
    'connections_closed web>db source TCP reset = 1',
    'connections_closed web>db source TCP timeout = 1',
    'connections_opened web>db source TCP = 5',
  ])
})

t.test('an uplink reports as uplink in both directions', async t => {
  const r = reduced()
  const counts = [
    [0, 0, 1, 60],
    [1, 0, 2, 120],
  ] as const
  r.add(traceRecord({ a: WEB, b: STRANGER, proto: UDP, hook: UPLINK, initiator: 1, events: [1], counts }))
  t.strictSame(r.lines(), [
    'connections_active world>web uplink UDP = 1',
    'connections_opened world>web uplink UDP = 1',
    'flow_bytes web>world uplink FORWARDED UDP = 60',
    'flow_bytes world>web uplink FORWARDED UDP = 120',
    'flow_packets web>world uplink FORWARDED UDP = 1',
    'flow_packets world>web uplink FORWARDED UDP = 2',
    'packet_size_bytes web>world uplink = 1<=64 sum 60',
    'packet_size_bytes world>web uplink = 2<=64 sum 120',
  ])
})

t.test('an echo connection counts requests from its initiator and replies to it, for ICMP and ICMPv6', async t => {
  const counts = [
    [0, 1, 3, 294],
    [1, 1, 2, 196],
  ] as const
  const messages = (fields: object) => {
    const r = reduced()
    r.add(traceRecord({ a: WEB, b: DB, proto: ICMP, aPort: 77, bPort: 8 << 8, counts, ...fields }))
    return r.lines().filter(line => line.startsWith('icmp'))
  }
  t.strictSame(messages({}), [
    'icmp_messages db>web destination EchoReply = 2',
    'icmp_messages web>db source EchoRequest = 3',
  ])
  t.strictSame(messages({ initiator: 1, aPort: 8 << 8, bPort: 77 }), [
    'icmp_messages db>web destination EchoRequest = 2',
    'icmp_messages web>db source EchoReply = 3',
  ])
  t.strictSame(messages({ a: WEB6, b: DB6, proto: ICMPV6, bPort: 128 << 8 }), [
    'icmp_messages db>web destination EchoReply = 2',
    'icmp_messages web>db source EchoRequest = 3',
  ])
})

t.test("other ICMP messages have their type in the receiver's port, a fragment without header has no type", async t => {
  const messages = (fields: object) => {
    const r = reduced()
    r.add(traceRecord({ a: WEB, b: DB, proto: ICMP, state: RELATED, ...fields }))
    t.equal(r.page().sum('weir_flow_packets_total'), 2)
    return r.lines().filter(line => line.startsWith('icmp'))
  }
  const sent = [[0, 0, 2, 120]] as const
  const received = [[1, 0, 2, 120]] as const
  t.strictSame(messages({ bPort: (3 << 8) | 1, counts: sent }), [
    'icmp_messages web>db source DestinationUnreachable = 2',
  ])
  t.strictSame(messages({ aPort: 11 << 8, initiator: 1, counts: received }), [
    'icmp_messages db>web destination TimeExceeded = 2',
  ])
  t.strictSame(messages({ proto: ICMPV6, a: WEB6, b: DB6, bPort: 135 << 8, counts: sent }), [
    'icmp_messages web>db source NeighborSolicitation = 2',
  ])
  t.strictSame(messages({ aPort: 0xffff, bPort: 0xffff, counts: sent }), [])
})

t.test(
  "endpoints of a recording are found by address, or by the record's identity where that is more specific",
  async t => {
    const counts = [[0, 0, 1, 60]] as const
    const flows = (fields: object) => {
      const r = reduced()
      r.add(traceRecord({ a: WEB, b: STRANGER, proto: UDP, counts, aEntity: 1, bEntity: 1, ...fields }))
      const [{ labels } = { labels: {} }] = r.page().series('weir_flow_packets_total')
      return Object.values(labels).slice(0, 4)
    }
    t.strictSame(flows({}), ['shop', 'web', '', 'world'])
    t.strictSame(flows({ dstLabel: IDENTITY.batch }), ['shop', 'web', 'jobs', 'batch'])
    t.strictSame(flows({ direction: 1, srcLabel: IDENTITY.batch }), ['shop', 'web', 'jobs', 'batch'], 'b is the sender')
    t.strictSame(flows({ b: '192.0.2.9', dstLabel: 2 }), ['shop', 'web', '', '192.0.2.0/24'])
    t.strictSame(flows({ a: WEB6, b: DB6 }), ['shop', 'web', 'shop', 'db'])
  },
)

t.test(
  'on a live source the record has the entity ids, whatever the addresses, and an invalid id is unknown',
  async t => {
    const r = reduced(true)
    const [web, db] = [entityOf(r.entities, 'web'), entityOf(r.entities, 'db')]
    const fields = { a: STRANGER, b: STRANGER, proto: UDP, counts: [[0, 0, 1, 60]] } as const
    r.add(
      traceRecord({ ...fields, aEntity: web, bEntity: db }),
      traceRecord({ ...fields, aEntity: 2 ** 32 - 1, bEntity: web }),
    )
    r.add(
      dropRecord({
        src: STRANGER,
        dst: STRANGER,
        proto: TCP,
        reason: 8,
        packets: 1,
        bytes: 74,
        srcEntity: db,
        dstEntity: web,
      }),
    )
    t.strictSame(
      r.lines().filter(line => line.startsWith('flow_packets')),
      [
        'flow_packets db>web node DROPPED TCP = 1',
        'flow_packets unknown>web source FORWARDED UDP = 1',
        'flow_packets web>db source FORWARDED UDP = 1',
      ],
    )
    t.equal(r.entities.misses, 0)
  },
)

t.test('kernel drops count by drop reason and as flows with verdict DROPPED', async t => {
  const r = reduced()
  const drop = { src: WEB, dst: DB, proto: TCP, packets: 3, bytes: 222 } as const
  r.add(
    dropRecord({ ...drop, reason: 8 }),
    dropRecord({ ...drop, reason: 8 }),
    dropRecord({ ...drop, reason: 0x30002 }),
  )
  r.add(dropRecord({ src: WEB6, dst: STRANGER, proto: 47, packets: 2 ** 40, bytes: 2 ** 50, reason: 4711 }))
  t.strictSame(r.lines(), [
    `drop_bytes web>db node NETFILTER_DROP TCP = 444`,
    `drop_bytes web>db node SUBSYSTEM_3_2 TCP = 222`,
    `drop_bytes web>world node 4711 IP_47 = ${2 ** 50}`,
    `drop_packets web>db node NETFILTER_DROP TCP = 6`,
    `drop_packets web>db node SUBSYSTEM_3_2 TCP = 3`,
    `drop_packets web>world node 4711 IP_47 = ${2 ** 40}`,
    `flow_bytes web>db node DROPPED TCP = 666`,
    `flow_bytes web>world node DROPPED IP_47 = ${2 ** 50}`,
    `flow_packets web>db node DROPPED TCP = 9`,
    `flow_packets web>world node DROPPED IP_47 = ${2 ** 40}`,
  ])
})

t.test('packets of the overflow table count by entities, flags and ICMP types', async t => {
  const r = reduced(true)
  const [srcEntity, dstEntity] = [entityOf(r.entities, 'web'), entityOf(r.entities, 'db')]
  const name = { srcEntity, dstEntity, proto: TCP, hook: 0, direction: 0, size: 0, detail: 0 }
  r.reducer.overflowed(name, 5, 300)
  r.reducer.overflowed({ ...name, detail: 0b0101 }, 2, 120)
  r.reducer.overflowed({ ...name, size: 8, detail: 0b1000 }, 9, 0)
  r.reducer.overflowed({ ...name, proto: ICMP, direction: 1, size: 1, detail: 3 }, 1, 100)
  r.reducer.overflowed({ ...name, proto: ICMP, direction: 1, size: 1, detail: 0xff }, 1, 100)
  r.reducer.overflowed({ ...name, proto: UDP, hook: UPLINK, size: 7, detail: 0xff }, 0, 9000)
  t.strictSame(r.lines(), [
    'flow_bytes web>db destination FORWARDED ICMPv4 = 200',
    'flow_bytes web>db source FORWARDED TCP = 420',
    'flow_bytes web>db uplink FORWARDED UDP = 9000',
    'flow_packets web>db destination FORWARDED ICMPv4 = 2',
    'flow_packets web>db source FORWARDED TCP = 7',
    'icmp_messages web>db destination DestinationUnreachable = 1',
    'packet_size_bytes web>db destination = 2<=128 sum 200',
    'packet_size_bytes web>db source = 7<=64 sum 420',
    'packet_size_bytes web>db uplink =  sum 9000',
    'tcp_flags web>db source FIN = 2',
    'tcp_flags web>db source RST = 9',
    'tcp_flags web>db source SYN = 2',
  ])
})

t.test('packets without names count as unknown', async t => {
  const r = reduced(true)
  r.reducer.unnamed(0, 0, 5, 500)
  r.reducer.unnamed(1, 1, 6, 600)
  r.reducer.unnamedDrops(8, 7, 700)
  t.strictSame(r.lines(), [
    'drop_bytes unknown>unknown node NETFILTER_DROP unknown = 700',
    'drop_packets unknown>unknown node NETFILTER_DROP unknown = 7',
    'flow_bytes unknown>unknown node DROPPED unknown = 700',
    'flow_bytes unknown>unknown source FORWARDED unknown = 500',
    'flow_bytes unknown>unknown uplink FORWARDED unknown = 600',
    'flow_packets unknown>unknown node DROPPED unknown = 7',
    'flow_packets unknown>unknown source FORWARDED unknown = 5',
    'flow_packets unknown>unknown uplink FORWARDED unknown = 6',
  ])
})
