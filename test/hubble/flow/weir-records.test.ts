/**
 * weir-records.test.ts - flows of Weir's own records: flush records without a packet, and drops of the kernel.
 */
import t from 'tap'
import { TRACE, WEIR_TRACE } from '../../../src/datapath/record/abi.js'
import { typeText } from '../../../src/hubble/observe/print/flow-text.js'
import { DB, flowOf, packet, WEB } from '../../support/flow-records.js'
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
