/**
 * families.test.ts - each hubble_* family counts the flows that Hubble's handler counts, under the same labels.
 */
import t from 'tap'
import type { Flow, TcpFlags } from '../../../src/hubble/flow/flow.js'
import { compileMetrics } from '../../../src/hubble/metrics/compile.js'
import { parseStatic } from '../../../src/hubble/metrics/grammar.js'

/** Label values that a flow counts under, as one text for each increment. */
const counts = (config: string, flow: Flow, chunk = '') =>
  compileMetrics(parseStatic(config)).flatMap(metric => metric.count(flow, chunk).map(values => values.join(' ')))

const TRACE: Flow = { verdict: 'FORWARDED', event_type: { type: 4, sub_type: 3 }, IP: { ipVersion: 'IPv4' } }
const tcp = (flags: TcpFlags, more: Flow = {}): Flow => ({
  ...TRACE,
  l4: { TCP: { destination_port: 443, flags } },
  ...more,
})
const WORLD = { destination: { identity: 2, labels: ['reserved:world'] } }

t.test("drop counts dropped packets by the reason's name", async t => {
  const dropped: Flow = { verdict: 'DROPPED', drop_reason_desc: 'POLICY_DENIED', event_type: { type: 1 } }
  t.strictSame(counts('drop', { ...dropped, l4: { UDP: {} } }), ['POLICY_DENIED UDP'])
  t.strictSame(counts('drop', { ...dropped, drop_reason_desc: 207, l4: { VRRP: {} } }), ['207 VRRP'])
  t.strictSame(counts('drop', { verdict: 'DROPPED', event_type: { type: 5 } }), ['DROP_REASON_UNKNOWN Unknown L4'])
  t.strictSame(counts('drop', { ...dropped, verdict: 'AUDIT' }), [])
  t.strictSame(counts('drop', tcp({ SYN: true })), [])
})

t.test('tcp counts FIN, SYN and RST apart, and SYN with ACK as SYN-ACK', async t => {
  t.strictSame(counts('tcp', tcp({ SYN: true })), ['SYN IPv4'])
  t.strictSame(counts('tcp', tcp({ SYN: true, ACK: true })), ['SYN-ACK IPv4'])
  t.strictSame(counts('tcp', tcp({ FIN: true, SYN: true, RST: true })), ['FIN IPv4', 'SYN IPv4', 'RST IPv4'])
  t.strictSame(counts('tcp', tcp({ FIN: true, ACK: true }, { IP: { ipVersion: 'IPv6' } })), ['FIN IPv6'])
  t.strictSame(counts('tcp', tcp({ ACK: true, PSH: true })), [])
})

t.test('tcp counts only forwarded packets', async t => {
  t.strictSame(counts('tcp', tcp({ SYN: true }, { verdict: 'REDIRECTED' })), ['SYN IPv4'])
  for (const verdict of ['DROPPED', 'AUDIT', 'TRACED'] as const)
    t.strictSame(counts('tcp', tcp({ SYN: true }, { verdict })), [], verdict)
  t.strictSame(counts('tcp', { ...TRACE, l4: { TCP: {} } }), [], 'a socket has no flags')
})

t.test('flow counts every flow, also with unknown fields', async t => {
  t.strictSame(counts('flow', tcp({})), ['TCP Trace to-stack FORWARDED'])
  t.strictSame(counts('flow', { ...TRACE, event_type: { type: 4 } }), ['Unknown L4 Trace to-endpoint FORWARDED'])
  t.strictSame(counts('flow', { ...TRACE, event_type: { type: 4, sub_type: 14 } }), ['Unknown L4 Trace  FORWARDED'])
  t.strictSame(counts('flow', { verdict: 'DROPPED', event_type: { type: 1, sub_type: 133 } }), [
    'Unknown L4 Drop  DROPPED',
  ])
  t.strictSame(counts('flow', { event_type: { type: 3, sub_type: 4 } }), ['Unknown L4 Capture  VERDICT_UNKNOWN'])
  t.strictSame(counts('flow', { verdict: 'AUDIT', event_type: { type: 5 } }), ['Unknown L4 PolicyVerdict  AUDIT'])
  t.strictSame(counts('flow', { verdict: 'TRACED', event_type: { type: 7, sub_type: 1 }, l4: { UDP: {} } }), [
    'Unknown flow Unknown 7 TRACED',
  ])
})

t.test('icmp counts types and codes by name, also for dropped packets', async t => {
  const icmp = (l4: Flow['l4']): Flow => ({ ...TRACE, l4: l4!, verdict: 'DROPPED' })
  t.strictSame(counts('icmp', icmp({ ICMPv4: { type: 8 } })), ['IPv4 EchoRequest'])
  t.strictSame(counts('icmp', icmp({ ICMPv4: {} })), ['IPv4 EchoReply'])
  t.strictSame(counts('icmp', icmp({ ICMPv4: { type: 3, code: 3 } })), ['IPv4 DestinationUnreachable(Port)'])
  t.strictSame(counts('icmp', icmp({ ICMPv6: { type: 128, code: 9 } })), ['IPv6 EchoRequest(Code: 9)'])
  t.strictSame(counts('icmp', icmp({ ICMPv6: { type: 143 } })), ['IPv6 143(0)'])
  t.strictSame(counts('icmp', tcp({ SYN: true })), [])
})

t.test('port-distribution counts the port of packets that are known not to be replies', async t => {
  t.strictSame(counts('port-distribution', tcp({}, { is_reply: false })), ['TCP 443'])
  t.strictSame(counts('port-distribution', { ...TRACE, is_reply: false, l4: { SCTP: {} } }), ['SCTP 0'])
  t.strictSame(counts('port-distribution', { ...TRACE, is_reply: false, l4: { ICMPv6: { type: 1 } } }), ['ICMPv6 0'])
  t.strictSame(counts('port-distribution', { ...TRACE, is_reply: false, l4: { IGMP: {} } }), ['IGMP 0'])
  t.strictSame(counts('port-distribution', tcp({}, { is_reply: true })), [])
  t.strictSame(counts('port-distribution', tcp({})), [], 'it may be a reply')
  t.strictSame(counts('port-distribution', tcp({}, { is_reply: false, verdict: 'DROPPED' })), [])
  t.strictSame(counts('port-distribution', { ...TRACE, is_reply: false }), [])
})

t.test('policy counts verdicts, except those of the host', async t => {
  const verdict: Flow = {
    verdict: 'REDIRECTED',
    event_type: { type: 5 },
    policy_match_type: 2,
    traffic_direction: 'EGRESS',
    source: { identity: 1000 },
  }
  t.strictSame(counts('policy', verdict), ['egress l3-l4 redirected'])
  t.strictSame(counts('policy', { ...verdict, policy_match_type: 7, verdict: 'AUDIT' }), ['egress unknown audit'])
  t.strictSame(counts('policy', { event_type: { type: 5 } }), ['traffic_direction_unknown none verdict_unknown'])
  t.strictSame(
    counts('policy', { ...verdict, source: { identity: 4 } }),
    ['egress l3-l4 redirected'],
    'health is counted',
  )
  t.strictSame(counts('policy', { ...verdict, source: { identity: 1 } }), [])
  t.strictSame(counts('policy', tcp({ SYN: true })), [])
})

t.test('flows-to-world counts outgoing packets, without replies and without most drops', async t => {
  const out = tcp({ ACK: true }, WORLD)
  t.strictSame(counts('flows-to-world', out), ['TCP FORWARDED'])
  t.strictSame(counts('flows-to-world', { ...out, is_reply: false }), ['TCP FORWARDED'])
  t.strictSame(counts('flows-to-world', { ...out, is_reply: true }), [])
  t.strictSame(counts('flows-to-world', { ...TRACE, ...WORLD }), [], 'no layer 4')
  // In dual stack the world is 9 and 10; Hubble's handler compares with the whole label (flows-to-world/handler.go).
  for (const [identity, label] of [
    [9, 'reserved:world-ipv4'],
    [10, 'reserved:world-ipv6'],
  ] as const)
    t.strictSame(counts('flows-to-world', { ...out, destination: { identity, labels: [label] } }), [], label)
  const cidr = { identity: 16777217, labels: ['cidr:192.0.2.0/24', 'reserved:world'] }
  t.strictSame(counts('flows-to-world', { ...out, destination: cidr }), ['TCP FORWARDED'], 'a CIDR of the world')
  const drop: Flow = { ...out, verdict: 'DROPPED', event_type: { type: 1 } }
  t.strictSame(counts('flows-to-world', { ...drop, drop_reason_desc: 'POLICY_DENIED' }), ['TCP DROPPED'])
  t.strictSame(counts('flows-to-world', { ...drop, drop_reason_desc: 'POLICY_DENY' }), [])
  t.strictSame(counts('flows-to-world:any-drop', { ...drop, drop_reason_desc: 'POLICY_DENY' }), ['TCP DROPPED'])
})

t.test('flows-to-world has a port label, or counts only SYN packets, if its options say so', async t => {
  const out = tcp({ SYN: true }, WORLD)
  t.strictSame(counts('flows-to-world:port', out), ['TCP FORWARDED 443'])
  t.strictSame(counts('flows-to-world:port', { ...TRACE, ...WORLD, l4: { ICMPv4: { type: 8 } } }), [
    'ICMPv4 FORWARDED ',
  ])
  t.strictSame(counts('flows-to-world:syn-only', out), ['TCP FORWARDED'])
  t.strictSame(counts('flows-to-world:syn-only', tcp({ ACK: true }, WORLD)), [])
  t.strictSame(counts('flows-to-world:syn-only', { ...TRACE, ...WORLD, l4: { UDP: {} } }), [])
})

t.test('sctp counts chunks that have a name in Hubble', async t => {
  const sctp: Flow = { ...TRACE, l4: { SCTP: {} } }
  t.strictSame(counts('sctp', sctp, 'INIT_ACK'), ['INIT_ACK IPv4'])
  t.strictSame(counts('sctp', sctp), [])
  t.strictSame(counts('sctp', { ...sctp, verdict: 'DROPPED' }, 'INIT'), [])
  t.strictSame(counts('sctp', tcp({}), 'INIT'), [])
})
