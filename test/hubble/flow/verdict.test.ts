/**
 * verdict.test.ts - flows of drops, policy verdicts and debug captures, and events of debug messages.
 */
import t from 'tap'
import { capture, DB, debug, drop, flowOf, maker, packet, verdict, WEB } from '../../support/flow-records.js'

t.test('a drop has reason, file and line, and no interface', async t => {
  const flow = flowOf(drop({ reason: 133, file: 2, line: 1567, ifindex: 3, srcLabel: 1001, traceId: 5n }))
  t.match(flow, {
    verdict: 'DROPPED',
    drop_reason: 133,
    drop_reason_desc: 'POLICY_DENIED',
    file: { name: 'bpf_lxc.c', line: 1567 },
    event_type: { type: 1, sub_type: 133 },
    ip_trace_id: { trace_id: '5' },
  })
  for (const absent of ['is_reply', 'interface', 'trace_reason']) t.notOk(absent in flow, absent)
})

t.test('a drop with an unknown file or reason shows the number', async t => {
  const flow = flowOf(drop({ reason: 207 }))
  t.strictSame(flow.file, { name: 'unknown(0)' })
  t.equal(flow.drop_reason_desc, 207)
  t.notOk('drop_reason' in flowOf(drop({ reason: 0 })))
})

t.test('a drop is egress if its emitter is the source', async t => {
  t.equal(flowOf(drop({ source: 7 })).traffic_direction, 'EGRESS')
  t.equal(flowOf(drop({ source: 7, packet: packet(DB, WEB) })).traffic_direction, 'INGRESS')
  t.equal(flowOf(drop({ source: 0 })).traffic_direction, undefined)
})

t.test('a policy verdict is allowed, redirected, audited or denied', async t => {
  t.match(flowOf(verdict()), { verdict: 'FORWARDED', is_reply: false, event_type: { type: 5 } })
  t.match(flowOf(verdict({ verdict: 8080 })), { verdict: 'REDIRECTED', is_reply: false })
  t.match(flowOf(verdict({ flags: 0x42 })), { verdict: 'AUDIT', is_reply: false })
  const denied = flowOf(verdict({ verdict: -181 }))
  t.match(denied, { verdict: 'DROPPED', drop_reason: 181, drop_reason_desc: 'POLICY_DENY' })
  t.notOk('is_reply' in denied)
  t.equal(flowOf(verdict({ verdict: 5, flags: 0x42 })).verdict, 'REDIRECTED', 'audit applies to what would be denied')
})

t.test('the remote identity of a verdict is that of the other side', async t => {
  const ingress = flowOf(verdict({ flags: 0x01, remote: 1002, packet: packet(DB, WEB) }))
  t.match(ingress, { traffic_direction: 'INGRESS', source: { identity: 1002 }, destination: { identity: 1001 } })
  const egress = flowOf(verdict({ flags: 0x02, remote: 6 }))
  t.match(egress, { traffic_direction: 'EGRESS', source: { identity: 1001 }, destination: { identity: 6 } })
  t.equal(flowOf(verdict({ flags: 0x00 })).traffic_direction, 'EGRESS', 'anything but 1')
})

t.test('match type, authentication and both lengths of a verdict are read', async t => {
  t.match(flowOf(verdict({ flags: 0x02 | (4 << 3), auth: 1 })), { policy_match_type: 4, auth_type: 'SPIRE' })
  t.match(flowOf(verdict({ auth: 2 })), { auth_type: 'TEST_ALWAYS_FAIL' })
  t.match(flowOf(verdict({ auth: 9 })), { auth_type: 9 })
  t.notOk('auth_type' in flowOf(verdict()))
  t.match(flowOf(verdict({ length: 32, remote: 6 })), { IP: { source: WEB }, destination: { identity: 6 } })
})

t.test('a debug capture has its point, and an interface or a proxy port', async t => {
  const at = flowOf(capture(5, 3))
  t.match(at, { debug_capture_point: 'DBG_CAPTURE_FROM_LB', interface: { index: 3, name: 'eth0' } })
  t.match(at, { event_type: { type: 3, sub_type: 5 } })
  for (const absent of ['verdict', 'proxy_port', 'is_reply', 'traffic_direction']) t.notOk(absent in at, absent)
  // 15001 in network order in the low half: Hubble swaps all four bytes.
  t.match(flowOf(capture(9, 0x993a)), { debug_capture_point: 'DBG_CAPTURE_PROXY_POST', proxy_port: 0x3a990000 })
  const unknown = flowOf(capture(13, 3))
  t.equal(unknown.debug_capture_point, 13)
  t.notOk('interface' in unknown)
})

t.test("a debug message is an event with its text, and with its endpoint's names if the endpoint is local", async t => {
  const { feed, debugs, flows } = maker()
  feed(debug(19, 7, [1, 2, 3]))
  feed(debug(4, 99, [3, 0x2211, 0]))
  feed(debug(200, 0, [4, 5, 6]))
  t.equal(flows.length, 0)
  t.match(debugs[0], {
    type: 'DBG_TO_HOST',
    source: { ID: 7, pod_name: 'web-0' },
    message: 'Going to host, policy-skip=1',
  })
  t.match(debugs[0], { hash: 0xabcd, arg1: 1, arg2: 2, arg3: 3 })
  t.strictSame(debugs[1]?.source, { ID: 99 })
  t.equal(debugs[1]?.message, 'Local container found ifindex  seclabel 4386', 'Hubble has no interface names here')
  t.equal(debugs[2]?.type, 200)
  t.notOk('source' in debugs[2]!)
})
