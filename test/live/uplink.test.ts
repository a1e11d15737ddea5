/**
 * uplink.test.ts - on an uplink the node's own side is `a`: what leaves it and what comes in count as reporter="uplink".
 */
import t from 'tap'
import { ping } from '../../src/lab/traffic.js'
import { GaugedLab, needsRoot } from '../support/gauged-lab.js'
import { addsUp, agreesWithAllLinks, connectionsAddUp, flow } from '../support/ledger.js'

const NETWORK = 86
const PODS = ['inside', 'outside'].map(name => ({ name, namespace: 'uplink', workload: name }))

t.test('an uplink counts both directions, and no veth of a pod does so for it', needsRoot, async t => {
  const gauged = await GaugedLab.start(t, PODS, { network: NETWORK }, lab => ['--uplinks', lab.pod('outside').link])
  const [inside, outside] = [gauged.lab.pod('inside'), gauged.lab.pod('outside')]
  await outside.agent.call('tcpServe', { ports: [443] })
  await inside.agent.call('tcpServe', { ports: [443] })
  for (const [from, to] of [
    [inside, outside],
    [outside, inside],
  ] as const) {
    await from.agent.call('tcpStorm', { host: to.ipv4, ports: [443], count: 20, concurrency: 4 })
    await ping(from, to.ipv6, { count: 3 })
  }
  const reading = await gauged.read()
  const { samples, links } = reading
  const uplink = links.get('outside')
  const out = flow(samples, { reporter: 'uplink', destination_workload: 'outside' })
  const back = flow(samples, { reporter: 'uplink', source_workload: 'outside' })
  t.strictSame(out, { packets: uplink?.tx.packets, bytes: uplink?.tx.bytes }, 'out')
  t.strictSame(back, { packets: uplink?.rx.packets, bytes: uplink?.rx.bytes }, 'in')
  t.strictSame(flow(samples, { reporter: 'source', source_workload: 'inside' }), out, "the pod's veth saw the same")
  t.strictSame(flow(samples, { reporter: 'destination', destination_workload: 'inside' }), back)
  t.equal(flow(samples, { reporter: 'destination', destination_workload: 'outside' }).packets, 0)
  for (const source_workload of ['inside', 'outside']) {
    const labels = { reporter: 'uplink', source_workload }
    t.equal(samples.sum('weir_connections_opened_total', { ...labels, protocol: 'TCP' }), 20, `by ${source_workload}`)
    t.equal(samples.sum('weir_connections_closed_total', { ...labels, reason: 'fin' }), 20)
    t.equal(samples.sum('weir_tcp_flags_total', { ...labels, flag: 'SYN' }), 20)
    t.equal(samples.sum('weir_icmp_messages_total', { ...labels, type: 'EchoRequest' }), 3)
  }
  t.equal(samples.get('weir_interfaces_watched', { hook: 'uplink' }), 1)
  t.equal(samples.get('weir_interfaces_watched', { hook: 'pod' }), 1)
  agreesWithAllLinks(t, reading)
  addsUp(t, samples)
  connectionsAddUp(t, samples)
})
