/**
 * printers.test.ts - the output formats compact, dict and table.
 */
import t from 'tap'
import type { Flow } from '../../../src/hubble/flow/flow.js'
import { nodeStatusLine } from '../../../src/hubble/observe/print/node-status-text.js'
import type { PrinterOptions } from '../../../src/hubble/observe/print/printer.js'
import { createPrinter } from '../../../src/hubble/observe/print/printers.js'
import { timeFormatter } from '../../../src/hubble/observe/print/time-format.js'
import { type FlowResponse, responseOf } from '../../../src/hubble/observe/response.js'

const OPTIONS: PrinterOptions = { time: timeFormatter('StampMilli')!, nodeName: false, numeric: false }
const FLOW: Flow = {
  time: '2026-01-02T03:04:05.678901Z',
  verdict: 'FORWARDED',
  IP: { source: '10.0.0.1', destination: '10.0.1.2', ipVersion: 'IPv4' },
  l4: { TCP: { source_port: 43210, destination_port: 80, flags: { SYN: true } } },
  source: { identity: 1001, namespace: 'default', pod_name: 'a' },
  destination: { identity: 1002, namespace: 'default', pod_name: 'b' },
  node_name: 'node-1',
  event_type: { type: 4 },
  is_reply: false,
  Summary: 'TCP Flags: SYN',
}
const LOST: FlowResponse = {
  lost_events: { source: 'HUBBLE_RING_BUFFER', num_events_lost: '12', cpu: 3 },
  node_name: 'node-1',
  time: '2026-01-02T03:04:05Z',
}

function print(
  output: string,
  responses: readonly (Flow | FlowResponse)[],
  options: Partial<PrinterOptions> = {},
): string {
  const printer = createPrinter(output, { ...OPTIONS, ...options })!
  const text = responses.map(one =>
    printer.print('flow' in one || 'lost_events' in one ? one : responseOf(one as Flow)),
  )
  return text.join('') + printer.end()
}

const compact = (flow: Flow, options: Partial<PrinterOptions> = {}) => print('compact', [flow], options)
/** The part of a compact line between time and verdict. */
const peers = (flow: Flow) => compact(flow).replace(/^.*?: (.*) to-endpoint .*\n$/s, '$1')

t.test('the arrow of a compact line points away from the client', async t => {
  t.equal(
    compact(FLOW),
    'Jan  2 03:04:05.678: default/a:43210 (ID:1001) -> default/b:80 (ID:1002) to-endpoint FORWARDED (TCP Flags: SYN)\n',
  )
  t.equal(
    compact({ ...FLOW, is_reply: true }),
    'Jan  2 03:04:05.678: default/b:80 (ID:1002) <- default/a:43210 (ID:1001) to-endpoint FORWARDED (TCP Flags: SYN)\n',
  )
  const { is_reply: _, ...unknown } = FLOW
  t.match(compact(unknown), ': default/a:43210 (ID:1001) <> default/b:80 (ID:1002) ')
})

t.test('the node name is printed on request', async t => {
  t.match(compact(FLOW, { nodeName: true }), /^Jan {2}2 03:04:05\.678 \[node-1\]: default/)
})

t.test('an endpoint prints as its pod, Service, DNS names or address', async t => {
  const base: Flow = { ...FLOW, source: {}, destination: {} }
  t.equal(peers(base), '10.0.0.1:43210 (unknown) -> 10.0.1.2:80 (unknown)')
  const names = { ...base, destination_names: ['a.b', 'c.d'] }
  t.equal(peers(names), '10.0.0.1:43210 (unknown) -> a.b,c.d:80 (unknown)')
  const service = { ...names, destination_service: { name: 'dns', namespace: 'kube-system' } }
  t.equal(peers(service), '10.0.0.1:43210 (unknown) -> kube-system/dns:80 (unknown)')
  const both = { ...service, destination: { identity: 1, namespace: 'default', pod_name: 'b' } }
  t.equal(peers(both), '10.0.0.1:43210 (unknown) -> kube-system/b:80 (host)', "with the Service's namespace")
  t.equal(peers({ ...base, source: { pod_name: 'a' } }), 'a:43210 (unknown) -> 10.0.1.2:80 (unknown)')
  t.match(compact(both, { numeric: true }), ': 10.0.0.1:43210 (unknown) -> 10.0.1.2:80 (host) ')
})

t.test('an IPv6 address is in brackets only before a port, and port 0 is omitted', async t => {
  const base: Flow = { ...FLOW, source: {}, destination: {}, IP: { source: 'fd00::1', destination: 'fd00::2' } }
  t.equal(peers(base), '[fd00::1]:43210 (unknown) -> [fd00::2]:80 (unknown)')
  t.equal(peers({ ...base, l4: { UDP: {} } }), 'fd00::1 (unknown) -> fd00::2 (unknown)')
  t.equal(peers({ ...base, l4: { ICMPv6: {} } }), 'fd00::1 (unknown) -> fd00::2 (unknown)')
  t.equal(peers({ ...base, l4: { SCTP: { source_port: 1 } } }), '[fd00::1]:1 (unknown) -> fd00::2 (unknown)')
})

t.test('without IP addresses the MAC addresses are printed, without those nothing', async t => {
  const { IP: _, l4: __, ...base } = FLOW
  t.match(
    compact({ ...base, ethernet: { source: '02:01', destination: '02:02' } }),
    ': 02:01 (ID:1001) -> 02:02 (ID:1002) ',
  )
  t.match(compact(base), ':  (ID:1001) ->  (ID:1002) ')
})

t.test('the type depends on the event', async t => {
  const type = (flow: Partial<Flow>) => {
    const { is_reply: _, ...rest } = FLOW
    return compact({ ...rest, ...flow }).replace(/^.*\(ID:1002\) (.*) \w+ \(.*\n$/s, '$1')
  }
  t.equal(type({ event_type: { type: 4, sub_type: 9 } }), 'from-overlay')
  t.equal(type({ event_type: { type: 4, sub_type: 99 } }), '99')
  t.equal(type({ event_type: { type: 1, sub_type: 133 } }), 'Policy denied')
  t.equal(type({ event_type: { type: 1, sub_type: 207 } }), '207, 0')
  t.equal(type({ event_type: { type: 5 } }), 'policy-verdict:none TRAFFIC_DIRECTION_UNKNOWN')
  t.equal(
    type({ event_type: { type: 5 }, policy_match_type: 4, traffic_direction: 'EGRESS' }),
    'policy-verdict:all EGRESS',
  )
  t.equal(type({ event_type: { type: 3 } }), 'DBG_CAPTURE_POINT_UNKNOWN')
  t.equal(type({ event_type: { type: 3 }, debug_capture_point: 'DBG_CAPTURE_FROM_LB' }), 'DBG_CAPTURE_FROM_LB')
  t.equal(type({ event_type: { type: 7 } }), 'SOCK_XLATE_POINT_UNKNOWN')
  t.equal(type({ event_type: { type: 7 }, sock_xlate_point: 'SOCK_XLATE_POINT_POST_DIRECTION_REV' }), 'post-xlate-rev')
  t.equal(type({ event_type: { type: 99 } }), 'UNKNOWN')
  t.equal(type({ l7: { type: 'REQUEST', http: {} } }), 'http-request')
  t.equal(type({ l7: { type: 'RESPONSE', dns: { observation_source: 'proxy' } } }), 'dns-response proxy')
  t.equal(type({ l7: { kafka: {} } }), 'kafka-unknown_l7_type')
  t.equal(type({ l7: { type: 'SAMPLE' } }), 'l7-sample')
})

t.test('a policy verdict prints as ALLOWED, DENIED or AUDITED', async t => {
  const verdict = (flow: Partial<Flow>) => compact({ ...FLOW, ...flow }).replace(/^.* (\w+) \(TCP.*\n$/s, '$1')
  const policy = { event_type: { type: 5 } }
  t.equal(verdict({ ...policy, verdict: 'FORWARDED' }), 'ALLOWED')
  t.equal(verdict({ ...policy, verdict: 'REDIRECTED' }), 'ALLOWED')
  t.equal(verdict({ ...policy, verdict: 'DROPPED' }), 'DENIED')
  t.equal(verdict({ ...policy, verdict: 'ERROR' }), 'DENIED')
  t.equal(verdict({ ...policy, verdict: 'AUDIT' }), 'AUDITED')
  t.equal(verdict({ verdict: 'AUDIT' }), 'AUDIT')
  const { verdict: _, ...none } = FLOW
  t.match(compact(none), ' to-endpoint VERDICT_UNKNOWN (')
})

t.test('trace ID and authentication are in the summary', async t => {
  t.match(
    compact({ ...FLOW, ip_trace_id: { trace_id: '7' }, auth_type: 'SPIRE' }),
    '(IP Trace ID: 7; TCP Flags: SYN; Auth: SPIRE)',
  )
})

t.test('dict prints one block per flow, with a line between blocks', async t => {
  const block = [
    '  TIMESTAMP: Jan  2 03:04:05.678',
    '     SOURCE: default/a:43210',
    'DESTINATION: default/b:80',
    '       TYPE: to-endpoint',
    '    VERDICT: FORWARDED',
    '    SUMMARY: TCP Flags: SYN',
    '',
  ].join('\n')
  t.equal(print('dict', [FLOW]), block)
  t.equal(print('dict', [FLOW, { ...FLOW, is_reply: true }]), `${block}------------\n${block}`, 'sides are not swapped')
  t.match(print('dict', [FLOW], { nodeName: true }), '\n       NODE: node-1\n     SOURCE: ')
})

t.test('table columns are as wide as their widest cell', async t => {
  t.equal(print('table', []), '')
  t.equal(
    print('tab', [FLOW, { ...FLOW, source: {}, Summary: 'x' }]),
    [
      'TIMESTAMP             SOURCE            DESTINATION    TYPE          VERDICT     SUMMARY',
      'Jan  2 03:04:05.678   default/a:43210   default/b:80   to-endpoint   FORWARDED   TCP Flags: SYN',
      'Jan  2 03:04:05.678   10.0.0.1:43210    default/b:80   to-endpoint   FORWARDED   x',
      '',
    ].join('\n'),
  )
  t.match(print('table', [FLOW], { nodeName: true }), /^TIMESTAMP {13}NODE {5}SOURCE/)
  t.match(
    print('table', [{ ...FLOW, source: { pod_name: '\u{1f40b}' } }]),
    /^TIMESTAMP {13}SOURCE {4}DEST.*\n.*\u{1f40b}:43210 {3}default/u,
  )
})

t.test('every format prints lost events', async t => {
  t.equal(print('compact', [LOST]), 'Jan  2 03:04:05.000 EVENTS LOST: HUBBLE_RING_BUFFER CPU(3) 12\n')
  const span: FlowResponse = {
    ...LOST,
    lost_events: { num_events_lost: '1', first: '2026-01-02T03:04:04Z', last: '2026-01-02T03:04:05Z' },
  }
  t.match(
    print('compact', [span]),
    'UNKNOWN_LOST_EVENT_SOURCE CPU(0) 1 (first: Jan  2 03:04:04.000, last: Jan  2 03:04:05.000)',
  )
  t.equal(
    print('dict', [LOST], { nodeName: true }),
    [
      '  TIMESTAMP: Jan  2 03:04:05.000',
      '       NODE: node-1',
      '     SOURCE: HUBBLE_RING_BUFFER',
      '       TYPE: EVENTS LOST',
      '    VERDICT: -',
      '    SUMMARY: CPU(3) - 12',
      '',
    ].join('\n'),
  )
  t.match(print('table', [FLOW, LOST]), /\n.*HUBBLE_RING_BUFFER {3}- {14}EVENTS LOST {3}- {11}CPU\(3\) - 12\n/)
  t.match(JSON.parse(print('jsonpb', [LOST])), LOST)
})

t.test('escape sequences and carriage returns do not reach the terminal', async t => {
  const evil: Flow = { ...FLOW, Summary: '\x1b[31mred\rgone' }
  for (const output of ['compact', 'dict', 'table']) {
    const text = print(output, [evil])
    t.match(text, '^[[31mred\\rgone')
    t.notOk(text.includes('\x1b') || text.includes('\r'))
  }
})

t.test('a response without a flow prints nothing, and an unknown format has no printer', async t => {
  for (const output of ['compact', 'dict', 'table', 'jsonpb']) {
    t.equal(createPrinter(output, OPTIONS)!.print({ time: '2026-01-02T03:04:05Z' }), '')
  }
  for (const output of ['xml', '', 'constructor', 'Compact']) t.equal(createPrinter(output, OPTIONS), undefined)
})

t.test('only node failures are reported, with a few of the node names', async t => {
  const of = (node_status: FlowResponse['node_status']) =>
    nodeStatusLine({ node_status, node_name: 'relay', time: LOST.time } as FlowResponse, OPTIONS.time)
  t.equal(of({ state_change: 'NODE_CONNECTED', node_names: ['a'] }), '')
  t.equal(
    of({ state_change: 'NODE_UNAVAILABLE', node_names: ['a', 'b'] }),
    'Jan  2 03:04:05.000 [relay]: 2 nodes are unavailable: a, b\n',
  )
  const many = Array.from({ length: 9 }, (_, i) => `node-000000${i}`)
  t.match(
    of({ state_change: 'NODE_ERROR', node_names: many, message: 'x"y' }),
    'Error "x\\"y" on 9 nodes: node-0000000, node-0000001, node-0000002 (and 6 more)\n',
  )
})
