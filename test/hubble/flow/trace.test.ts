/**
 * trace.test.ts - flows of trace records: point, reason, reply, direction, addresses, ids.
 */
import t from 'tap'
import { DB, flowOf, packet, trace, WEB } from '../../support/flow-records.js'

t.test('a trace gives a forwarded flow with fields in the order of flow.proto', async t => {
  const flow = flowOf(
    trace({ source: 7, srcLabel: 1001, dstLabel: 1002, point: 4, reason: 1, ifindex: 3, traceId: 2n ** 63n + 1n }),
  )
  t.strictSame(JSON.parse(JSON.stringify(flow)), {
    time: '2026-01-02T03:04:05.678Z',
    uuid: 'a-b-c',
    emitter: { name: 'Weir', version: '1.2.3' },
    verdict: 'FORWARDED',
    ethernet: { source: '02:00:00:00:00:01', destination: '02:00:00:00:00:0a' },
    IP: { source: WEB, destination: DB, ipVersion: 'IPv4' },
    l4: { TCP: { source_port: 40_000, destination_port: 443, flags: { SYN: true } } },
    source: {
      ID: 7,
      identity: 1001,
      cluster_name: 'east',
      namespace: 'shop',
      labels: ['k8s:app=web', 'k8s:io.cilium.k8s.policy.cluster=east'],
      pod_name: 'web-0',
      workloads: [{ name: 'web', kind: 'StatefulSet' }],
    },
    destination: {
      identity: 1002,
      namespace: 'data',
      labels: ['k8s:app=db', 'k8s:io.kubernetes.pod.namespace=data', 'k8s:z=1'],
      pod_name: 'db-0',
    },
    Type: 'L3_L4',
    node_name: 'node-1',
    event_type: { type: 4, sub_type: 4 },
    traffic_direction: 'EGRESS',
    trace_observation_point: 'TO_OVERLAY',
    trace_reason: 'ESTABLISHED',
    ip_trace_id: { trace_id: '9223372036854775809' },
    is_reply: false,
    interface: { index: 3, name: 'eth0' },
    Summary: 'TCP Flags: SYN',
  })
  t.equal(Object.keys(flow).at(-1), 'Summary')
})

t.test('to-endpoint has its own name, and unknown points keep their number', async t => {
  const point = (n: number) => flowOf(trace({ point: n }))
  t.match(point(0), { trace_observation_point: 'TO_ENDPOINT', event_type: { type: 4 } })
  t.notOk('sub_type' in point(0).event_type!)
  t.equal(point(13).trace_observation_point, 'TO_CRYPTO')
  t.equal(point(14).trace_observation_point, 14)
})

t.test('the reason decides whether it is a reply', async t => {
  const reasons: [number, unknown, boolean | undefined][] = [
    [0, 'NEW', false],
    [1, 'ESTABLISHED', false],
    [2, 'REPLY', true],
    [3, 'RELATED', false],
    [4, 'REOPENED', false],
    [5, undefined, undefined],
    [6, 'SRV6_ENCAP', undefined],
    [7, 'SRV6_DECAP', undefined],
    [8, 'ENCRYPT_OVERLAY', false],
    [9, 9, false],
    [0x80, 'NEW', false],
    [0x82, 'REPLY', true],
  ]
  for (const [reason, name, reply] of reasons) {
    const flow = flowOf(trace({ reason }))
    t.equal(flow.trace_reason, name, `reason ${reason}`)
    t.equal(flow.is_reply, reply, `reply of ${reason}`)
    t.equal(flow.reply, reply || undefined)
    t.equal(flow.IP?.encrypted, reason >= 0x80 || undefined)
  }
})

t.test('the direction follows from the emitter, replies and NAT', async t => {
  const direction = (fields: Parameters<typeof trace>[0]) => flowOf(trace(fields)).traffic_direction
  t.equal(direction({ source: 7, reason: 0 }), 'EGRESS')
  t.equal(direction({ source: 7, reason: 2 }), 'INGRESS')
  t.equal(direction({ source: 8, reason: 0 }), 'INGRESS')
  t.equal(direction({ source: 8, reason: 2 }), 'EGRESS')
  t.equal(direction({ source: 8, reason: 1, orig: [10, 9, 9, 9] }), 'EGRESS', 'translated')
  t.equal(direction({ source: 7, reason: 5 }), undefined, 'the reason is not known')
  t.equal(direction({ source: 0, reason: 0 }), undefined, 'the emitter is no endpoint')
  t.equal(direction({ source: 7, reason: 9 }), 'EGRESS', 'an unknown number is a known reason')
  // An address of another node has no endpoint id.
  t.equal(direction({ source: 7, packet: packet(DB, WEB), reason: 0 }), 'INGRESS')
})

t.test("the source is the address before NAT, and the packet's source is kept as source_xlated", async t => {
  const flow = flowOf(trace({ orig: [10, 0, 0, 1], packet: packet('10.0.2.9', DB) }))
  t.strictSame(flow.IP, { source: WEB, source_xlated: '10.0.2.9', destination: DB, ipVersion: 'IPv4' })
  t.equal(flow.source?.ID, 7, 'and its endpoint is looked up')
  t.strictSame(Object.keys(flow.IP!), ['source', 'source_xlated', 'destination', 'ipVersion'])
  const same = flowOf(trace({ orig: [10, 0, 0, 1] }))
  t.notOk('source_xlated' in same.IP!, 'nothing was translated')
  const ipv6 = flowOf(trace({ orig: [0xfd, ...Array(14).fill(0), 1], flags: 1, packet: packet('fd00::9', 'fd00::2') }))
  t.match(ipv6.IP, { source: 'fd00::1', source_xlated: 'fd00::9' })
  const old = flowOf(trace({ version: 0, packet: packet('10.0.2.9', DB) }))
  t.equal(old.IP?.source, '10.0.2.9', 'version 0 has none')
})

t.test('only a trace at to-proxy has a proxy port', async t => {
  t.equal(flowOf(trace({ point: 1, dstId: 15_001 })).proxy_port, 15_001)
  t.notOk('proxy_port' in flowOf(trace({ point: 0, dstId: 15_001 })))
  t.notOk('proxy_port' in flowOf(trace({ point: 1 })))
})

t.test('an interface without a name has only its index, and index 0 is no interface', async t => {
  t.strictSame(flowOf(trace({ ifindex: 99 })).interface, { index: 99 })
  t.notOk('interface' in flowOf(trace()))
})

t.test('without a packet the flow has identities and their labels', async t => {
  const flow = flowOf(trace({ srcLabel: 1001, packet: new Uint8Array(0) }))
  t.strictSame(flow.source, {
    identity: 1001,
    cluster_name: 'east',
    labels: ['k8s:app=web', 'k8s:io.cilium.k8s.policy.cluster=east'],
  })
  t.strictSame(flow.destination, { labels: ['reserved:unknown'] })
  for (const absent of ['IP', 'l4', 'ethernet', 'Summary']) t.notOk(absent in flow, absent)
})
