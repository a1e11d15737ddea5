/**
 * reduce-cilium.test.ts - Cilium records to exact series: traces, drops and policy verdicts, one packet each.
 */
import t from 'tap'
import { DROP_3, hex, patched, TRACE_2, VERDICT_40 } from '../../support/records.js'
import { reduced } from '../../support/reduced.js'

/** A Cilium record with another captured packet; the original length is 1500 bytes. */
function withPacket(record: Buffer, headerLength: number, packet: Buffer): Buffer {
  const whole = Buffer.concat([record.subarray(0, headerLength), packet])
  whole.writeUInt16LE(packet.length, 12)
  return whole
}

const ETHERNET = '000000000000 000000000000 0800'
const ipv4 = (protocol: string, from: string, to: string) => `4500 05ce 0000 0000 40 ${protocol} 0000 ${from} ${to}`
const TCP_SYN_ACK = hex(
  `${ETHERNET} ${ipv4('06', '0a000001', '0a000002')} 01bb c350 00000000 00000000 50 12 0000 0000 0000`,
)
const TCP_FIN_RST = hex(
  `${ETHERNET} ${ipv4('06', '0a000001', '0a000002')} 01bb c350 00000000 00000000 50 15 0000 0000 0000`,
)
const ECHO = hex(`${ETHERNET} ${ipv4('01', '0a000001', 'c0000205')} 08 00 0000 0001 0001`)
const ARP = hex('000000000000 000000000000 0806 0001 0800 06 04 0001')

t.test('a Cilium trace counts one packet, reported by its observation point', async t => {
  const r = reduced()
  r.add(withPacket(patched(TRACE_2, 1, 0), 56, TCP_SYN_ACK))
  t.strictSame(r.lines(), [
    'flow_bytes web>db destination FORWARDED TCP = 1500',
    'flow_packets web>db destination FORWARDED TCP = 1',
    'packet_size_bytes web>db destination = 1<=1518 sum 1500',
    'tcp_flags web>db destination SYN-ACK = 1',
  ])
  const reporters = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12].map(point => {
    const r = reduced()
    r.add(withPacket(patched(TRACE_2, 1, point), 56, TCP_SYN_ACK))
    return r.page().series('weir_flow_packets_total')[0]?.labels.reporter
  })
  const node = 'node'
  t.strictSame(reporters, ['destination', 'source', 'source', 'source', node, 'source', ...Array(7).fill(node)])
})

t.test('TCP flags and ICMP types of Cilium packets count once each', async t => {
  const r = reduced()
  const trace = patched(TRACE_2, 1, 5)
  r.add(withPacket(trace, 56, TCP_FIN_RST), withPacket(trace, 56, ECHO), withPacket(trace, 56, ECHO))
  t.strictSame(
    r.lines().filter(line => !/^(flow|packet)/.test(line)),
    [
      'icmp_messages web>192.0.2.0/24 source EchoRequest = 2',
      'tcp_flags web>db source FIN = 1',
      'tcp_flags web>db source RST = 1',
    ],
  )
})

t.test("a Cilium drop counts under Cilium's reason", async t => {
  const r = reduced()
  r.add(withPacket(patched(DROP_3, 1, 133), 48, TCP_SYN_ACK))
  t.strictSame(r.lines(), [
    'drop_bytes web>db node POLICY_DENIED TCP = 1500',
    'drop_packets web>db node POLICY_DENIED TCP = 1',
    'flow_bytes web>db node DROPPED TCP = 1500',
    'flow_packets web>db node DROPPED TCP = 1',
  ])
})

t.test('a policy verdict counts by direction, match and action, and in no flow family', async t => {
  const r = reduced()
  const verdict = (value: number, flags: number) => {
    const record = withPacket(VERDICT_40, 40, TCP_SYN_ACK)
    record.writeInt32LE(value, 20)
    record[27] = flags
    return record
  }
  const [INGRESS, EGRESS, AUDIT] = [1, 2, 0x40]
  const match = (n: number) => n << 3
  r.add(verdict(0, INGRESS | match(1)), verdict(0, INGRESS | match(1)), verdict(-133, EGRESS | match(2)))
  r.add(verdict(15_000, EGRESS | match(0)), verdict(-133, INGRESS | AUDIT | match(4)), verdict(0, EGRESS | match(7)))
  t.strictSame(r.lines(), [
    'policy_verdicts web>db egress l3-l4 dropped = 1',
    'policy_verdicts web>db egress none redirected = 1',
    'policy_verdicts web>db egress unknown forwarded = 1',
    'policy_verdicts web>db ingress all audit = 1',
    'policy_verdicts web>db ingress l3-only forwarded = 2',
  ])
})

t.test('verdicts, ICMP types and drop reasons of the same pair are counted apart', async t => {
  const r = reduced()
  // Details 0 to 255 of ICMP over the same pair, reporter and protocol as the verdicts below.
  for (let type = 0; type < 256; type++) r.add(withPacket(patched(TRACE_2, 1, 4), 56, patched(ECHO, 34, type)))
  for (let flags = 0; flags < 128; flags++) r.add(patched(withPacket(VERDICT_40, 40, ECHO), 27, flags))
  for (let reason = 130; reason < 200; reason++) r.add(withPacket(patched(DROP_3, 1, reason), 48, ECHO))
  const page = r.page()
  t.equal(page.sum('weir_icmp_messages_total'), 256)
  t.equal(page.series('weir_icmp_messages_total').length, 256)
  t.equal(page.sum('weir_policy_verdicts_total'), 128)
  t.equal(page.sum('weir_drop_packets_total'), 70)
  t.equal(page.series('weir_drop_packets_total').length, 70)
  t.equal(page.sum('weir_flow_packets_total', { verdict: 'FORWARDED' }), 256)
})

t.test('a record without an IP packet counts as unread, by type, and in no flow series', async t => {
  const r = reduced()
  r.add(withPacket(TRACE_2, 56, ARP), TRACE_2, DROP_3, VERDICT_40, patched(TRACE_2, 15, 9))
  t.strictSame(r.reducer.unreadOf, { trace: 3, drop: 1, policyVerdict: 1 })
  t.equal(r.reducer.unread, 5)
  t.equal(r.decoder.extensionsUnknown, 1)
  t.strictSame(r.lines(), [])
})
