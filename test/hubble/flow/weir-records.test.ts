/**
 * weir-records.test.ts - flows of Weir's own records: flush records without a packet, and drops of the kernel.
 */
import t from 'tap'
import { TRACE, WEIR_TRACE } from '../../../src/datapath/record/abi.js'
import { Decoder } from '../../../src/datapath/record/decode.js'
import { render } from '../../../src/exporter/exposition/text.js'
import { parseStatic } from '../../../src/hubble/metrics/grammar.js'
import { Hubble } from '../../../src/hubble/metrics/hubble.js'
import { compileFilter } from '../../../src/hubble/observe/filter/filter.js'
import { typeText } from '../../../src/hubble/observe/print/flow-text.js'
import { tcp } from '../../support/ethernet.js'
import { DB, flowOf, maker, packet, trace, WEB } from '../../support/flow-records.js'
import { PARTS } from '../../support/hubble-metrics.js'
import { dropRecord, type TraceFields, traceRecord } from '../../support/weir-records.js'

const TCP: TraceFields = { a: WEB, b: DB, proto: 6, aPort: 40_000, bPort: 443, srcLabel: 1001, dstLabel: 1002 }

/** A flush record with this reason, and the flags seen in each direction. */
function flushRecord(fields: TraceFields, reason = 0, seen: readonly [number, number] = [0, 0]): Buffer {
  const record = traceRecord(fields)
  record[TRACE.reason] = reason
  record.set(seen, TRACE.size + WEIR_TRACE.seen)
  return record
}

t.test('a flush record gives the connection in its direction', async t => {
  const opened = flowOf(flushRecord({ ...TCP, flags: [[1], []] }, 1, [0x1a, 0x12]))
  t.match(
    opened,
    { l4: { TCP: { flags: { SYN: true } } }, Summary: 'TCP Flags: SYN, PSH' },
    'a SYN since the last record',
  )
  const there = flowOf(flushRecord(TCP, 1, [0x1b, 0x12]))
  t.match(there, {
    verdict: 'FORWARDED',
    IP: { source: WEB, destination: DB, ipVersion: 'IPv4' },
    l4: { TCP: { source_port: 40_000, destination_port: 443, flags: { PSH: true, ACK: true } } },
    source: { ID: 7 },
    destination: { pod_name: 'db-0' },
    is_reply: false,
    Summary: 'TCP Flags: ACK, PSH',
  })
  t.notOk('ethernet' in there)
  const back = flowOf(
    flushRecord({ ...TCP, flags: [[], [0, 1]], direction: 1, srcLabel: 1002, dstLabel: 1001 }, 2, [0x1a, 0x10]),
  )
  t.match(back, { IP: { source: DB, destination: WEB }, is_reply: true, Summary: 'TCP Flags: SYN, ACK' })
  t.match(back.l4?.TCP, { source_port: 443, destination_port: 40_000 })
})

t.test('UDP, SCTP and protocols without ports come from the extension', async t => {
  t.match(flowOf(flushRecord({ ...TCP, proto: 17 })), { l4: { UDP: { source_port: 40_000 } }, Summary: 'UDP' })
  t.match(flowOf(flushRecord({ ...TCP, proto: 132 })), { l4: { SCTP: { destination_port: 443 } }, Summary: 'SCTP' })
  const gre = flowOf(flushRecord({ ...TCP, proto: 47, a: 'fd00::1', b: 'fd00::2' }))
  t.match(gre, { IP: { source: 'fd00::1', ipVersion: 'IPv6' }, Summary: 'IPv6' })
  t.notOk('l4' in gre)
})

t.test('echo requests, echo replies and other ICMP messages get their type from the ports', async t => {
  const echo: TraceFields = { a: WEB, b: DB, proto: 1, aPort: 77, bPort: 0x0800, initiator: 0 }
  t.equal(flowOf(flushRecord(echo)).Summary, 'ICMPv4 EchoRequest')
  t.equal(flowOf(flushRecord({ ...echo, direction: 1 })).Summary, 'ICMPv4 EchoReply')
  const sameId = { ...echo, aPort: 0x0800, direction: 1 }
  t.equal(flowOf(flushRecord(sameId)).Summary, 'ICMPv4 EchoReply', 'whatever the echo id')
  const echo6: TraceFields = { a: 'fd00::1', b: 'fd00::2', proto: 58, aPort: 0x8000, bPort: 77, initiator: 1 }
  t.equal(flowOf(flushRecord({ ...echo6, direction: 1 })).Summary, 'ICMPv6 EchoRequest')
  t.equal(flowOf(flushRecord({ ...echo6, direction: 0 })).Summary, 'ICMPv6 EchoReply')
  const unreachable = flowOf(flushRecord({ a: WEB, b: DB, proto: 1, aPort: 0x0301, state: 5, direction: 1 }))
  t.equal(unreachable.Summary, 'ICMPv4 DestinationUnreachable(Host)')
})

t.test("one of Weir's records with a packet is decoded like any other", async t => {
  const bytes = packet()
  const record = Buffer.concat([flushRecord(TCP), bytes])
  record.writeUInt16LE(bytes.length, 12)
  const flow = flowOf(record)
  t.match(flow, { ethernet: { source: '02:00:00:00:00:01' }, Summary: 'TCP Flags: SYN' })
})

/** A record of Weir's own with a captured packet. */
function captured(fields: TraceFields, bytes: Uint8Array): Buffer {
  const record = Buffer.concat([flushRecord(fields, 0, [0x02, 0]), bytes])
  record.writeUInt16LE(bytes.length, 12)
  return record
}

const HEADERS = {
  ethernet: Buffer.from('02000000000a020000000001', 'hex'),
  qinq: Buffer.from('88a800058100000608', 'hex'),
}

/** Packets that Hubble shows without ports or not at all, with what the datapath counted them as. */
const ODD: Readonly<Record<string, readonly [TraceFields, Uint8Array]>> = {
  'behind two VLAN tags': [
    { ...TCP, proto: 17 },
    Buffer.concat([
      HEADERS.ethernet,
      HEADERS.qinq,
      Buffer.from([0]),
      packet(WEB, DB, udp(40_000, 443), 17).subarray(14),
    ]),
  ],
  'behind destination options': [
    { ...TCP, a: 'fd00::1', b: 'fd00::2', proto: 17 },
    packet('fd00::1', 'fd00::2', Buffer.concat([Buffer.from([17, 0, 1, 4, 0, 0, 0, 0]), udp(40_000, 443)]), 60),
  ],
  'with an odd TCP option': [{ ...TCP, flags: [[1], []] }, packet(WEB, DB, oddOption())],
  'with a bad UDP length': [{ ...TCP, proto: 17 }, packet(WEB, DB, udp(40_000, 443, 4), 17)],
  'with a capture that ends in the options': [
    { ...TCP, flags: [[1], []] },
    packet(WEB, DB, oddOption()).subarray(0, 55),
  ],
}

function udp(source: number, destination: number, length = 8): Buffer {
  const header = Buffer.alloc(8)
  for (const [i, value] of [source, destination, length].entries()) header.writeUInt16BE(value, 2 * i)
  return header
}

/** A SYN with an option of length 0. */
function oddOption(): Buffer {
  const header = Buffer.concat([tcp(40_000, 443, 0x02), Buffer.from([8, 0, 0, 0])])
  header[12] = 0x60
  return header
}

for (const [name, [fields, bytes]] of Object.entries(ODD)) {
  t.test(`a packet ${name} is a flow with the addresses and ports that its record knows`, async t => {
    const flow = flowOf(captured(fields, bytes))
    t.match(flow, { IP: { source: fields.a, destination: fields.b }, ethernet: { source: '02:00:00:00:00:01' } })
    t.match(flow.l4?.TCP ?? flow.l4?.UDP, { source_port: 40_000, destination_port: 443 })
    if (fields.proto === 6) t.equal(flow.Summary, 'TCP Flags: SYN')
    t.equal(compileFilter({ destination_port: ['443'] })(flow), true)
    const cilium = trace({ packet: bytes })
    const { feed, flows } = maker()
    feed(cilium)
    t.notOk(flows[0]?.l4, "Hubble's rules stay for Cilium's records")
  })

  t.test(`a packet ${name} counts in hubble_* metrics under its protocol and port`, async t => {
    const hubble = new Hubble(PARTS, parseStatic('flow port-distribution'))
    const decoder = new Decoder()
    for (const record of [captured(fields, bytes), captured(fields, bytes)])
      decoder.record(new DataView(record.buffer, record.byteOffset, record.length), 0, record.length, hubble)
    hubble.collect()
    const page = render(...hubble.stores).toString()
    const protocol = fields.proto === 6 ? 'TCP' : 'UDP'
    t.match(page, new RegExp(`hubble_flows_processed_total\\{protocol="${protocol}".*\\} 2\\n`))
    t.match(page, new RegExp(`hubble_port_distribution_total\\{protocol="${protocol}",port="443"\\} 2\\n`))
  })
}

t.test("a drop of the kernel gets Cilium's reason", async t => {
  const fields = { src: WEB, dst: DB, proto: 6, packets: 1, bytes: 60, srcLabel: 1001, dstLabel: 1002 }
  const denied = flowOf(dropRecord({ ...fields, reason: 5 }))
  t.match(denied, {
    verdict: 'DROPPED',
    drop_reason: 133,
    drop_reason_desc: 'POLICY_DENIED',
    event_type: { type: 1, sub_type: 133 },
    file: { name: 'NETFILTER_DROP' },
    IP: { source: WEB, destination: DB },
    Summary: 'TCP Flags: ',
  })
  t.equal(typeText(denied), 'Policy denied')
  const other = flowOf(dropRecord({ ...fields, reason: 6 }))
  t.notOk('drop_reason' in other)
  t.equal(typeText(other), 'NO_SOCKET', 'or keeps the kernel reason')
})
