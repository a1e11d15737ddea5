/**
 * sock.test.ts - flows of socket traces, in both layouts and both directions.
 */
import t from 'tap'
import { DB, flowOf, maker, packedSock, sock, WEB } from '../../support/flow-records.js'

const OUT = { point: 1, cgroup: 5000n, ip: [10, 0, 1, 2], port: 443 }

t.test('a socket trace is a flow from the pod of the cgroup', async t => {
  const flow = flowOf(sock({ ...OUT, cookie: 2n ** 64n - 1n }))
  t.match(flow, {
    verdict: 'TRACED',
    IP: { source: WEB, destination: DB, ipVersion: 'IPv4' },
    l4: { TCP: { destination_port: 443 } },
    source: { ID: 7, pod_name: 'web-0' },
    destination: { pod_name: 'db-0' },
    Type: 'SOCK',
    event_type: { type: 7, sub_type: 1 },
    sock_xlate_point: 'SOCK_XLATE_POINT_PRE_DIRECTION_FWD',
    socket_cookie: '18446744073709551615',
    cgroup_id: '5000',
    Summary: 'TCP',
  })
  for (const absent of ['is_reply', 'traffic_direction', 'ethernet']) t.notOk(absent in flow, absent)
  t.notOk('source_port' in flow.l4!.TCP!)
  t.notOk('flags' in flow.l4!.TCP!)
})

t.test('in the reverse direction the pod is the destination', async t => {
  const flow = flowOf(sock({ ...OUT, point: 4, proto: 2 }))
  t.match(flow, { verdict: 'TRANSLATED', IP: { source: DB, destination: WEB }, l4: { UDP: { source_port: 443 } } })
  t.match(flow, { source: { pod_name: 'db-0' }, destination: { ID: 7 }, Summary: 'UDP' })
})

t.test('the packed layout of older agents gives the same flow', async t => {
  for (const point of [1, 2, 3, 4]) t.strictSame(flowOf(packedSock({ ...OUT, point })), flowOf(sock({ ...OUT, point })))
  const padded = Buffer.concat([packedSock(OUT), Buffer.from('0badf00d0bad', 'hex')])
  t.strictSame(flowOf(padded), flowOf(sock(OUT)), 'perf pads either to 44 bytes')
})

t.test("an IPv6 socket has the pod's IPv6 address", async t => {
  const flow = flowOf(sock({ point: 1, cgroup: 5001n, ipv6: true, ip: [0xfd, ...Array(14).fill(0), 2] }))
  t.match(flow, { IP: { source: 'fd00::1', destination: 'fd00::2', ipVersion: 'IPv6' }, source: { ID: 7 } })
})

t.test('an unknown point or protocol leaves verdict and ports out', async t => {
  const flow = flowOf(sock({ ...OUT, point: 0, proto: 0 }))
  for (const absent of ['verdict', 'l4', 'sock_xlate_point']) t.notOk(absent in flow, absent)
  t.strictSame(flow.event_type, { type: 7 })
  t.equal(flow.Summary, 'Unknown')
  t.equal(flowOf(sock({ ...OUT, point: 9 })).sock_xlate_point, 9)
})

t.test('a cgroup without a pod, or without an address of that family, is skipped and counted', async t => {
  const { feed, flows, made } = maker()
  feed(sock({ ...OUT, cgroup: 4999n }))
  feed(sock({ ...OUT, ipv6: true }))
  t.equal(flows.length, 0)
  t.equal(made.faults.cgroup, 2)
})
