/**
 * bridge.test.ts - pods on a bridge of the node, VXLAN to another node and masquerading to the world, as with flannel.
 */
import t from 'tap'
import type { Lab } from '../../src/lab/lab.js'
import { must } from '../../src/lab/process.js'
import { flow } from '../support/ledger.js'
import { until } from '../support/until.js'
import { labOf, ROOT, watch } from '../support/watched-lab.js'

const NETWORK = 62
const BRIDGE = 'cni0'
const TUNNEL = 'flannel.1'
const GATEWAY = `10.${NETWORK}.0.1`
/** The other node, and its pods' network behind the tunnel. */
const NODES = [`10.${NETWORK}.200.1`, `10.${NETWORK}.200.2`] as const
const REMOTE = '10.98.0.1'
/** This node's address at the tunnel, as flannel gives it. */
const LOCAL = '10.97.0.1'
const TCP = 8080
const UDP = 4000
const SENT = { packets: 20, bytes: 20 * (100 + 42) }

/** Pods a and b on a bridge; another node in the namespace of `far`. */
async function bridgeLab(t: Parameters<typeof labOf>[0]): Promise<Lab> {
  const lab = await labOf(t, ['flat/a', 'flat/b', 'flat/far'], { network: NETWORK, neighbours: 'learned' })
  const far = lab.pod('far').netns
  const ip = (netns: string, line: string) => must(['ip', '-n', netns, ...line.split(' ')])
  const node = (line: string) => ip(lab.node.netns, line)
  await node(`link add ${BRIDGE} type bridge`)
  await node(`addr add ${GATEWAY}/24 dev ${BRIDGE}`)
  await node(`link set ${BRIDGE} up`)
  for (const name of ['a', 'b']) {
    const { link, netns, ipv4 } = lab.pod(name)
    await node(`route del ${ipv4}/32 dev ${link}`)
    await node(`link set ${link} master ${BRIDGE}`)
    await ip(netns, `addr del ${ipv4}/32 dev eth0`)
    await ip(netns, 'route flush dev eth0')
    await ip(netns, `addr add ${ipv4}/24 dev eth0`)
    await ip(netns, `route replace default via ${GATEWAY}`)
  }
  await node(`link add up0 type veth peer name w0 netns ${far}`)
  for (const [i, [netns, link]] of [[lab.node.netns, 'up0'] as const, [far, 'w0'] as const].entries()) {
    await ip(netns, `addr add ${NODES[i]}/30 dev ${link}`)
    await ip(netns, `link set ${link} up`)
    await ip(
      netns,
      `link add ${TUNNEL} type vxlan id 1 local ${NODES[i]} remote ${NODES[1 - i]} dev ${link} dstport 8472`,
    )
    await ip(netns, `link set ${TUNNEL} up`)
  }
  await ip(far, `addr add ${REMOTE}/32 dev ${TUNNEL}`)
  await ip(far, `route add ${LOCAL}/32 dev ${TUNNEL}`)
  await ip(far, `route add 10.${NETWORK}.0.0/24 via ${LOCAL}`)
  await lab.nft(`table ip masq { chain out { type nat hook postrouting priority 100; oifname up0 masquerade; }; }`)
  await node(`addr add ${LOCAL}/32 dev ${TUNNEL}`)
  await node(`route add ${REMOTE}/32 dev ${TUNNEL}`)
  return lab
}

t.test('pods on a bridge, behind VXLAN and masquerading', ROOT, async t => {
  const lab = await bridgeLab(t)
  const [a, b, far] = [lab.pod('a'), lab.pod('b'), lab.pod('far')]
  for (const { agent } of [b, far]) await agent.call('tcpServe', { ports: [TCP] })
  await b.agent.call('udpServe', { port: UDP, answer: 'none' })
  const weir = await watch(t, lab, '--uplinks', TUNNEL, '--uplinks', 'up0')
  await a.agent.call('tcpStorm', { host: b.ipv4, ports: [TCP], count: 10, concurrency: 2 })
  await a.agent.call('tcpStorm', { host: REMOTE, ports: [TCP], count: 5, concurrency: 1 })
  await a.agent.call('tcpStorm', { host: NODES[1], ports: [TCP], count: 3, concurrency: 1 })
  await a.agent.call('udpSend', { host: b.ipv4, port: UDP, count: SENT.packets, size: 100 })
  const opened = async (labels: Record<string, string>) =>
    (await weir.metrics()).sum('weir_connections_opened_total', { source_workload: 'a', protocol: 'TCP', ...labels })
  await until('the connections are counted', async () => (await opened({ reporter: 'uplink' })) === 8)

  t.equal((await weir.metrics()).get('weir_interfaces_watched', { hook: 'pod' }), 3, "not the node's uplink")
  t.equal((await weir.metrics()).get('weir_pods_covered'), 3)
  for (const reporter of ['source', 'destination']) {
    t.equal(await opened({ destination_workload: 'b', reporter }), 10, reporter)
    t.strictSame(flow(await weir.metrics(), { source_workload: 'a', protocol: 'UDP', reporter }), SENT)
  }
  t.equal(await opened({ destination_workload: 'world', reporter: 'source' }), 8)
  t.equal(await opened({ destination_workload: 'world', reporter: 'uplink' }), 8, 'inside the tunnel, and masqueraded')
  await weir.stop()
})
