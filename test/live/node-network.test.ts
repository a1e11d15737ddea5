/**
 * node-network.test.ts - the node's own addresses and uplinks are followed while Weir runs.
 */
import t from 'tap'
import type { Lab } from '../../src/lab/lab.js'
import { until } from '../support/until.js'
import { labOf, ROOT, watch } from '../support/watched-lab.js'
import type { WeirProcess } from '../support/weir-process.js'

const NETWORK = 63
const PORT = 4000
const LATE = '10.63.250.1'

async function ip(lab: Lab, line: string): Promise<void> {
  const { code, stderr } = await lab.run('node', ['ip', ...line.split(' ')])
  if (code !== 0) throw new Error(stderr)
}

function watches(weir: WeirProcess, pods: number): Promise<boolean> {
  return until(`${pods} interfaces are watched`, async () => {
    const page = await weir.metrics()
    return page.get('weir_interfaces_watched', { hook: 'pod' }) === pods
  })
}

/** Packets of pod a, by the destination's workload. */
const packetsTo = (weir: WeirProcess) => async (destination_workload: string) =>
  (await weir.metrics()).sum('weir_flow_packets_total', {
    source_workload: 'a',
    destination_workload,
    reporter: 'source',
  })

t.test("a veth is the node's uplink as long as a default route or an address makes it one", ROOT, async t => {
  const lab = await labOf(t, ['node/a'], { network: NETWORK })
  await ip(lab, `link add up0 type veth peer name w0 netns ${lab.pod('a').netns}`)
  await ip(lab, 'link set up0 up')
  const weir = await watch(t, lab)
  await watches(weir, 2)
  await ip(lab, `addr add ${LATE}/24 dev up0`)
  await watches(weir, 1)
  await ip(lab, `addr del ${LATE}/24 dev up0`)
  await watches(weir, 2)
  await ip(lab, 'route add default dev up0')
  await watches(weir, 1)
  await ip(lab, 'route del default dev up0')
  await watches(weir, 2)
  await ip(lab, 'addr add 169.254.1.1/16 dev up0')
  await ip(lab, `addr add ${LATE}/32 dev up0`)
  const named = await watch(t, lab, '--interfaces', 'up0')
  await ip(lab, 'route add default dev up0')
  await watches(weir, 1)
  await watches(named, 1)
  t.equal((await weir.metrics()).sum('weir_interface_errors_total'), 0)
})

t.test("a port of the node's bridge is its uplink once the gateway is learned behind it", ROOT, async t => {
  const lab = await labOf(t, ['node/a', 'node/gateway'], { network: NETWORK })
  await ip(lab, 'link add br-ex type bridge')
  await ip(lab, 'link set br-ex up')
  for (const [port, pod, address] of [
    ['up0', 'gateway', '10.63.251.254/24'],
    ['net1a', 'a', '10.63.251.9/24'],
  ] as const) {
    const { netns } = lab.pod(pod)
    await ip(lab, `link add ${port} type veth peer name net1 netns ${netns}`)
    await ip(lab, `link set ${port} master br-ex up`)
    await lab.run(lab.pod(pod), ['ip', 'addr', 'add', address, 'dev', 'net1'])
    await lab.run(lab.pod(pod), ['ip', 'link', 'set', 'net1', 'up'])
  }
  await ip(lab, 'addr add 10.63.251.1/24 dev br-ex')
  await ip(lab, 'route add default via 10.63.251.254')
  const weir = await watch(t, lab)
  await watches(weir, 4)
  const page = await weir.metrics()
  t.equal(page.get('weir_bridge_uplink_unknown', { interface: 'br-ex' }), 1)
  t.match(weir.stderr(), /the uplink of a bridge is not known.*br-ex/)
  t.match(await (await fetch(weir.url)).text(), /bridges with an unknown uplink/, 'the landing page')
  await lab.run('node', ['ping', '-c', '1', '-W', '2', '10.63.251.254'])
  await watches(weir, 3)
  t.equal((await weir.metrics()).sum('weir_bridge_uplink_unknown'), 0)
  await ip(lab, 'link set br-ex type bridge fdb_flush')
  await ip(lab, 'neigh flush dev br-ex')
  await ip(lab, 'addr add 10.63.250.7/32 dev lo') // a change: the uplinks are found again
  await watches(weir, 3)
  t.equal((await weir.metrics()).sum('weir_bridge_uplink_unknown'), 0, 'a forgotten entry changes nothing')
})

t.test('addresses and routes are right after notifications were lost', ROOT, async t => {
  const lab = await labOf(t, ['node/a', 'node/b'], { network: NETWORK })
  const weir = await watch(t, lab)
  const packets = packetsTo(weir)
  await ip(lab, 'link add cache0 type bridge')
  await ip(lab, 'link set cache0 up')
  weir.process.kill('SIGSTOP')
  const churn = Array.from({ length: 6000 }, (_, n) => [
    `addr add 10.63.249.${(n % 250) + 1}/32 dev cache0`,
    `addr del 10.63.249.${(n % 250) + 1}/32 dev cache0`,
  ])
  const input = `${[...churn.flat(), `addr add ${LATE}/32 dev cache0`].join('\n')}\n`
  const { code, stderr } = await lab.run('node', ['ip', '-batch', '-'], { input })
  t.equal(code, 0, stderr)
  weir.process.kill('SIGCONT')
  await until('a loss is counted', async () => (await weir.metrics()).get('weir_network_resyncs_total')! > 0)
  await lab.pod('a').agent.call('udpSend', { host: LATE, port: PORT, count: 5, size: 10 })
  await until('the address is known', async () => (await packets('host')) === 5)
  await watches(weir, 2)
})

t.test('an address that the node gets is its own at once, and no longer when it is gone', ROOT, async t => {
  const lab = await labOf(t, ['node/a'], { network: NETWORK })
  const weir = await watch(t, lab)
  const { agent } = lab.pod('a')
  const send = (count: number) => agent.call('udpSend', { host: LATE, port: PORT, count, size: 10 })
  const packets = packetsTo(weir)
  await ip(lab, 'link add cache0 type bridge')
  await ip(lab, 'link set cache0 up')
  await ip(lab, `addr add ${LATE}/32 dev cache0`)
  await new Promise(resolve => setTimeout(resolve, 200))
  await send(7)
  await until("counted as the node's", async () => (await packets('host')) === 7)
  await ip(lab, `addr del ${LATE}/32 dev cache0`)
  await ip(lab, `route add ${LATE}/32 dev cache0`)
  await new Promise(resolve => setTimeout(resolve, 200))
  await send(5)
  t.equal(await packets('host'), 7)
  t.equal(await packets('world'), 5)
})
