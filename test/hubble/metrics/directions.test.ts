/**
 * directions.test.ts - a flush record in hubble_* metrics: one flow for each direction with traffic.
 */
import t from 'tap'
import { HDR, TRACE } from '../../../src/datapath/record/abi.js'
import { Decoder } from '../../../src/datapath/record/decode.js'
import { render } from '../../../src/exporter/exposition/text.js'
import { parseStatic } from '../../../src/hubble/metrics/grammar.js'
import { Hubble } from '../../../src/hubble/metrics/hubble.js'
import { tcp } from '../../support/ethernet.js'
import { packet, trace } from '../../support/flow-records.js'
import { PARTS, parseSeries } from '../../support/hubble-metrics.js'
import { type TraceFields, traceRecord } from '../../support/weir-records.js'

const [A, B] = ['10.66.0.1', '10.66.0.2'] as const
const ECHO: TraceFields = {
  a: A,
  b: B,
  proto: 1,
  aPort: 77,
  bPort: 0x0800,
  initiator: 0,
  state: 2,
  srcLabel: 11,
  dstLabel: 12,
}
const POINT = { toEndpoint: 0, toStack: 3, fromNetwork: 10, toNetwork: 11 } as const
const [REQUESTS, REPLIES] = [
  [0, 1, 3, 300],
  [1, 1, 2, 200],
] as const

/** Series of hubble_icmp_total and hubble_flows_processed_total, and whether the record kept its bytes. */
function counted(fields: TraceFields, point: number, reason = 1) {
  const record = traceRecord(fields)
  record[HDR.subtype] = point
  record[TRACE.reason] = reason
  const before = Buffer.from(record)
  const hubble = new Hubble(PARTS, parseStatic('icmp flow:sourceContext=ip;labelsContext=traffic_direction'))
  new Decoder().record(new DataView(record.buffer, record.byteOffset, record.length), 0, record.length, hubble)
  hubble.collect()
  const series = parseSeries(render(...hubble.stores).toString())
  return { series: Object.fromEntries(series), untouched: before.equals(record) }
}

const flow = (source: string, point: string) =>
  `hubble_flows_processed_total{protocol="ICMPv4",source="${source}",subtype="${point}",traffic_direction="unknown",type="Trace",verdict="FORWARDED"}`
const message = (type: string) => `hubble_icmp_total{family="IPv4",type="${type}"}`

t.test('requests and replies since the last flush are one flow each, each at its observation point', async t => {
  t.strictSame(counted({ ...ECHO, counts: [REQUESTS, REPLIES] }, POINT.toStack), {
    series: {
      [flow(A, 'to-stack')]: 1,
      [flow(B, 'to-endpoint')]: 1,
      [message('EchoRequest')]: 1,
      [message('EchoReply')]: 1,
    },
    untouched: true,
  })
  const entering = { ...ECHO, a: B, b: A, aPort: 0x0800, bPort: 77, hook: 1, initiator: 1, direction: 1 }
  const { series } = counted({ ...entering, counts: [REQUESTS, REPLIES] }, POINT.fromNetwork)
  t.match(
    series,
    { [flow(A, 'from-network')]: 1, [flow(B, 'to-network')]: 1, [message('EchoReply')]: 1 },
    'at an uplink',
  )
})

t.test('a direction without traffic is no flow', async t => {
  const requests = counted({ ...ECHO, counts: [REQUESTS] }, POINT.toStack)
  t.strictSame(requests.series, { [flow(A, 'to-stack')]: 1, [message('EchoRequest')]: 1 })
  const replies = counted({ ...ECHO, counts: [REPLIES] }, POINT.toStack)
  t.strictSame(replies.series, { [flow(B, 'to-endpoint')]: 1, [message('EchoReply')]: 1 })
  t.ok(replies.untouched)
  t.strictSame(
    counted({ ...ECHO, timedOut: true }, POINT.toStack).series,
    {},
    'nor is the expiry of an idle connection',
  )
})

const TCP: TraceFields = { a: A, b: B, proto: 6, aPort: 40_000, bPort: 80, initiator: 0, state: 2, seen: [0x1b, 0x1b] }
const FLAGS = 'tcp:sourceContext=ip flows-to-world:syn-only'

/** Series of hubble_tcp_flags_total of the records, and whether they kept their bytes. */
function flagsCounted(...records: readonly Buffer[]) {
  const before = records.map(record => Buffer.from(record))
  const hubble = new Hubble(PARTS, parseStatic(FLAGS))
  const decoder = new Decoder()
  for (const record of records)
    decoder.record(new DataView(record.buffer, record.byteOffset, record.length), 0, record.length, hubble)
  hubble.collect()
  const series = Object.fromEntries(parseSeries(render(...hubble.stores).toString()))
  return { series, untouched: records.every((record, i) => record.equals(before[i]!)) }
}

/** SYNs to an address outside the cluster. */
const TO_WORLD = 'hubble_flows_to_world_total{protocol="TCP",verdict="FORWARDED"}'
const flag = (name: string, source: string) => `hubble_tcp_flags_total{family="IPv4",flag="${name}",source="${source}"}`

function atPoint(record: Buffer, point: number): Buffer {
  record[HDR.subtype] = point
  return record
}

/** The record with a captured packet: what the ring delivers. */
function withPacket(record: Buffer, flags: number): Buffer {
  const bytes = packet(A, B, tcp(40_000, 80, flags))
  const whole = Buffer.concat([record, bytes])
  whole.writeUInt16LE(bytes.length, HDR.lenCap)
  return whole
}

t.test('TCP flags are counted by the counters of a record, not by its packet', async t => {
  const lost: TraceFields = {
    ...TCP,
    counts: [REQUESTS, REPLIES],
    flags: [
      [3, 0, 2, 1],
      [0, 3, 1, 0],
    ],
  }
  const want = {
    [flag('SYN', A)]: 3,
    [flag('FIN', A)]: 2,
    [flag('RST', A)]: 1,
    [flag('SYN-ACK', B)]: 3,
    [flag('FIN', B)]: 1,
    [TO_WORLD]: 3,
  }
  const flushed = flagsCounted(atPoint(traceRecord(lost), POINT.toStack))
  t.strictSame(flushed, { series: want, untouched: true }, 'in a flush record')
  const inRing = flagsCounted(withPacket(atPoint(traceRecord(lost), POINT.toStack), 0x10))
  t.strictSame(inRing, { series: want, untouched: true }, 'in a record with a packet that has none of them')
})

t.test('a record in the reverse direction gives its flags to the right endpoint', async t => {
  const reply: TraceFields = { ...TCP, direction: 1, flags: [[1], [0, 1]] }
  const record = traceRecord(reply)
  record[TRACE.reason] = 2
  const { series, untouched } = flagsCounted(record)
  t.strictSame(series, { [flag('SYN', A)]: 1, [flag('SYN-ACK', B)]: 1, [TO_WORLD]: 1 })
  t.ok(untouched)
})

t.test("Cilium's records before and after Weir's own are counted by their packets", async t => {
  const cilium = trace({ packet: packet(A, B, tcp(40_000, 80, 0x02)) })
  const { series } = flagsCounted(cilium, traceRecord({ ...TCP, flags: [[2], []] }), cilium)
  t.strictSame(series, { [flag('SYN', A)]: 4, [TO_WORLD]: 4 })
})
