/**
 * second-interface.test.ts - a pod's second interface on a bridge, as Multus attaches it, and addresses that no API lists.
 */
import t, { type Test } from 'tap'
import type { Lab } from '../../src/lab/lab.js'
import { must } from '../../src/lab/process.js'
import { flow } from '../support/ledger.js'
import { until } from '../support/until.js'
import { inventoryFile, labOf, ROOT } from '../support/watched-lab.js'
import { startWeir } from '../support/weir-process.js'

const NETWORK = 58
const BRIDGE = 'net1br'
const SECOND = { a: '192.168.58.2', b: '192.168.58.3' } as const
const UNLISTED = '192.168.59.9'
const UDP = 4000

async function twoInterfaces(t: Test): Promise<Lab> {
  const lab = await labOf(t, ['multi/a', 'multi/b'], { network: NETWORK })
  const ip = (netns: string, line: string) => must(['ip', '-n', netns, ...line.split(' ')])
  const node = (line: string) => ip(lab.node.netns, line)
  await node(`link add ${BRIDGE} type bridge`)
  await node(`link set ${BRIDGE} up`)
  for (const [name, address] of Object.entries(SECOND)) {
    const { netns } = lab.pod(name)
    await node(`link add net1${name} type veth peer name net1 netns ${netns}`)
    await node(`link set net1${name} master ${BRIDGE} up`)
    await ip(netns, `addr add ${address}/24 dev net1`)
    await ip(netns, 'link set net1 up')
  }
  await ip(lab.pod('a').netns, `addr add ${UNLISTED}/32 dev eth0`)
  return lab
}

t.test('a pod with two interfaces', ROOT, async t => {
  const lab = await twoInterfaces(t)
  const [a, b] = [lab.pod('a'), lab.pod('b')]
  await b.agent.call('udpServe', { port: UDP, answer: 'none' })
  const { endpoints, ...rest } = lab.inventory()
  const listed = endpoints.map(each => {
    const second = each.ips.includes(a.ipv4) ? SECOND.a : SECOND.b
    return { ...each, ips: [...each.ips, second] }
  })
  const inventory = inventoryFile(t, lab, { ...rest, endpoints: listed })
  const weir = await startWeir(['--netns', lab.node.path, '--inventory', inventory])
  t.teardown(() => weir.stop('SIGKILL'))
  const packets = async (labels: Record<string, string>) =>
    flow(await weir.metrics(), { protocol: 'UDP', verdict: 'FORWARDED', ...labels }).packets
  const pair = { source_workload: 'a', destination_workload: 'b' }

  await a.agent.call('udpSend', { host: SECOND.b, port: UDP, count: 20, size: 100 })
  await until('counted', async () => (await packets({ reporter: 'source' })) >= 20)
  for (const reporter of ['source', 'destination']) t.equal(await packets({ ...pair, reporter }), 20, reporter)
  const page = await weir.metrics()
  t.equal(page.get('weir_interfaces_watched', { hook: 'pod' }), 4)
  t.equal(page.get('weir_pods_covered'), 2)

  await lab.run(a, ['bash', '-c', `ip route add ${b.ipv4}/32 via 169.254.1.1 dev eth0 src ${UNLISTED}`])
  await a.agent.call('udpSend', { host: b.ipv4, port: UDP, count: 7, size: 100 })
  await until('the others are counted', async () => (await packets({ reporter: 'source' })) >= 27)
  t.equal(await packets({ ...pair, reporter: 'source' }), 27, 'an address that no API lists is of the interface')
  await weir.stop()
})
