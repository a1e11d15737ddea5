/**
 * macvlan.test.ts - pods on macvlan children of the node's uplink: no interface of the node is theirs, and Weir says so.
 *
 * With --uplinks, packets between two such pods count once: the kernel passes them to the parent as received.
 */
import t from 'tap'
import type { Lab } from '../../src/lab/lab.js'
import { must } from '../../src/lab/process.js'
import { flow } from '../support/ledger.js'
import { until } from '../support/until.js'
import { labOf, ROOT, watch } from '../support/watched-lab.js'

const NETWORK = 61
const PARENT = 'up0'
/** Another machine on the parent's network. */
const OUTSIDE = `10.${NETWORK}.99.9`
const TCP = 8080
const UDP = 4000
const SENT = { packets: 20, bytes: 20 * (100 + 42) }

/** The uplink, another machine behind it in the namespace of `wire`, and pods a and b as its children. */
async function macvlanLab(t: Parameters<typeof labOf>[0]): Promise<Lab> {
  const lab = await labOf(t, ['mac/a', 'mac/b', 'mac/wire'], { network: NETWORK })
  const { netns: wire } = lab.pod('wire')
  const node = (line: string) => must(['ip', '-n', lab.node.netns, ...line.split(' ')])
  await node(`link add ${PARENT} type veth peer name w0 netns ${wire}`)
  await node(`addr add 10.${NETWORK}.99.1/24 dev ${PARENT}`)
  await node(`link set ${PARENT} up`)
  await must(['ip', '-n', wire, 'addr', 'add', `${OUTSIDE}/16`, 'dev', 'w0'])
  await must(['ip', '-n', wire, 'link', 'set', 'w0', 'up'])
  for (const name of ['a', 'b']) {
    const { link, netns, ipv4 } = lab.pod(name)
    await node(`link del ${link}`)
    await node(`link add link ${PARENT} name mv${name} netns ${netns} type macvlan mode bridge`)
    await must(['ip', '-n', netns, 'addr', 'add', `${ipv4}/16`, 'dev', `mv${name}`])
    await must(['ip', '-n', netns, 'link', 'set', `mv${name}`, 'up'])
  }
  return lab
}

t.test('pods on macvlan', ROOT, async t => {
  const lab = await macvlanLab(t)
  const [a, b, wire] = [lab.pod('a'), lab.pod('b'), lab.pod('wire')]
  await b.agent.call('tcpServe', { ports: [TCP] })
  await b.agent.call('udpServe', { port: UDP, answer: 'none' })
  await wire.agent.call('tcpServe', { ports: [TCP] })
  const talk = async () => {
    await a.agent.call('tcpStorm', { host: b.ipv4, ports: [TCP], count: 10, concurrency: 2 })
    await a.agent.call('tcpStorm', { host: OUTSIDE, ports: [TCP], count: 5, concurrency: 1 })
    await a.agent.call('udpSend', { host: b.ipv4, port: UDP, count: SENT.packets, size: 100 })
  }

  await t.test('are named as pods without an interface', async t => {
    const weir = await watch(t, lab)
    const page = await weir.metrics()
    t.equal(page.get('weir_interfaces_watched', { hook: 'pod' }), 1)
    t.equal(page.get('weir_pods_local'), 3)
    t.equal(page.get('weir_pods_covered'), 1)
    t.match(await (await fetch(weir.url)).text(), /1 of 3; no interface: mac\/a[^,]*, mac\/b/)
    await weir.stop()
  })

  await t.test('count once at the parent, if it is an uplink', async t => {
    const weir = await watch(t, lab, '--uplinks', PARENT)
    await talk()
    const local = { source_workload: 'a', destination_workload: 'b' }
    const datagrams = async () => flow(await weir.metrics(), { ...local, protocol: 'UDP' })
    await until('the datagrams are counted', async () => (await datagrams()).packets >= SENT.packets)
    const page = await weir.metrics()
    t.strictSame(await datagrams(), SENT)
    const tcp = { reporter: 'uplink', protocol: 'TCP' }
    t.equal(page.sum('weir_connections_opened_total', { ...local, ...tcp }), 10)
    const outside = { source_workload: 'a', destination_workload: 'world' }
    t.equal(page.sum('weir_connections_opened_total', { ...outside, ...tcp }), 5)
    t.equal(page.sum('weir_connections_closed_total', { ...outside, ...tcp, reason: 'fin' }), 5)
    t.equal(page.get('weir_pods_covered'), 1, 'an uplink covers no pod')
    t.equal(page.sum('weir_tcp_handshake_seconds_count', outside), 5)
    // Both directions arrive at the parent as received, so neither is the reply of the other.
    t.equal(page.sum('weir_tcp_handshake_seconds_count', local), 0)
    t.equal(page.sum('weir_connections_closed_total', { ...local, ...tcp }), 0)
    const [there, back] = [flow(page, { ...local, ...tcp }), flow(page, { ...tcp, source_workload: 'b' })]
    t.ok(there.packets >= 40 && back.packets >= 40, `${there.packets} and ${back.packets} packets`)
    t.equal(flow(page, { ...tcp, source_workload: 'b', destination_workload: 'a' }).packets, back.packets)
    await weir.stop()
  })
})
