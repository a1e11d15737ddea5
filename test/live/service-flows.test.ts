/**
 * service-flows.test.ts - a Service's connections in flows and hubble_*, and on kernels whose programs cannot read conntrack.
 */
import t, { type Test } from 'tap'
import { parseInventory } from '../../src/datapath/inventory/inventory.js'
import { Lab } from '../../src/lab/lab.js'
import { needsRoot } from '../support/gauged-lab.js'
import { flow } from '../support/ledger.js'
import { type LiveExporterOptions, liveExporter } from '../support/live-exporter.js'

const NETWORK = 59
const pod = (name: string) => ({ name, namespace: 'shop', workload: name })
const SERVICE = { ipv4: '10.96.0.10', ipv6: 'fd96::10', empty: '10.96.0.11' }
const HUBBLE = 'flow:sourceContext=workload|reserved-identity;destinationContext=workload|identity'

async function serviceLab(t: Test): Promise<Lab> {
  const lab = await Lab.create(['web', 'api'].map(pod), { network: NETWORK })
  t.teardown(() => lab.destroy())
  const api = lab.pod('api')
  await lab.nft(`
table inet kube {
  chain prerouting {
    type nat hook prerouting priority -100
    ip daddr ${SERVICE.ipv4} tcp dport 80 dnat ip to ${api.ipv4}:8080
    ip daddr ${SERVICE.ipv4} udp dport 53 dnat ip to ${api.ipv4}:53
    ip daddr ${SERVICE.ipv4} udp dport 8125 dnat ip to ${api.ipv4}:8125
    ip6 daddr ${SERVICE.ipv6} tcp dport 80 dnat ip6 to [${api.ipv6}]:8080
  }
}
table inet filter {
  chain forward { type filter hook forward priority 0; ip daddr ${SERVICE.empty} tcp dport 80 reject with tcp reset; }
}`)
  await lab.run('node', ['ip', 'route', 'add', `${SERVICE.empty}/32`, 'dev', api.link])
  await api.agent.call('tcpServe', { ports: [8080] })
  await api.agent.call('udpServe', { port: 53, answer: 'echo' })
  await api.agent.call('udpServe', { port: 8125, answer: 'none' })
  return lab
}

function weirOn(t: Test, lab: Lab, options: Partial<LiveExporterOptions> = {}) {
  const services = Object.entries(SERVICE).map(([name, ip]) => ({
    name: `${name}-svc`,
    ip,
    namespace: 'shop',
    port: 80,
  }))
  const inventory = parseInventory(JSON.stringify({ ...lab.inventory(), services }), 'test')
  return liveExporter(t, lab, { inventory, hubble: HUBBLE, ...options })
}

const TO = { source_workload: 'web', destination_workload: 'api' }

async function traffic(t: Test, lab: Lab): Promise<void> {
  const { agent } = lab.pod('web')
  for (const host of [SERVICE.ipv4, SERVICE.ipv6]) {
    const done = await agent.call('tcpStorm', { host, ports: [80], count: 10, concurrency: 2 })
    t.equal(done.succeeded, 10, host)
  }
  await agent.call('udpSend', { host: SERVICE.ipv4, port: 53, count: 20, size: 50, echo: true })
  await agent.call('udpSend', { host: SERVICE.ipv4, port: 8125, count: 30, size: 50 })
}

t.test('hubble_* name the backend, IPv4 and IPv6', needsRoot, async t => {
  const lab = await serviceLab(t)
  const { samples } = await weirOn(t, lab)
  await traffic(t, lab)
  await new Promise(resolve => setTimeout(resolve, 200))
  const page = samples()
  for (const protocol of ['TCP', 'UDP']) {
    const there = { ...TO, protocol, reporter: 'source' }
    t.strictSame(flow(page, there), flow(page, { ...there, reporter: 'destination' }), protocol)
  }
  t.equal(page.sum('weir_connections_opened_total', { ...TO, protocol: 'TCP', reporter: 'source' }), 20)
  const destinations = page.series('hubble_flows_processed_total').map(({ labels }) => labels.destination)
  t.strictSame([...new Set(destinations)].sort(), ['shop/api', 'shop/web'])
  const sources = page.series('hubble_flows_processed_total').map(({ labels }) => labels.source)
  t.strictSame([...new Set(sources)].sort(), ['shop/api', 'shop/web'])
})

t.test('a Service without a backend has an identity of its own', needsRoot, async t => {
  const lab = await serviceLab(t)
  const { samples } = await weirOn(t, lab)
  const storm = { host: SERVICE.empty, ports: [80], count: 4, concurrency: 1 }
  t.equal((await lab.pod('web').agent.call('tcpStorm', storm)).failed, 4, 'refused')
  const page = samples()
  t.equal(page.sum('weir_connections_opened_total', { source_workload: 'web', destination_workload: 'empty-svc' }), 4)
  t.equal(page.get('weir_service_unresolved_connections_total'), 4)
  const world = page.series('hubble_flows_processed_total').filter(({ labels }) => /world/.test(JSON.stringify(labels)))
  t.strictSame(world, [], 'not the world')
  t.ok(page.sum('hubble_flows_processed_total', { destination: 'weir:service' }) > 0)
})

for (const [kernel, options] of [
  ['cannot read the BTF of conntrack', { kernel: { kernelField: () => undefined } }],
  ['is older than 6.2', { kernel: { kernelHasFunction: () => false } }],
] as const) {
  t.test(`user space asks conntrack where the kernel ${kernel}`, needsRoot, async t => {
    const lab = await serviceLab(t)
    const { samples } = await weirOn(t, lab, options)
    await traffic(t, lab)
    await new Promise(resolve => setTimeout(resolve, 200))
    const page = samples()
    for (const protocol of ['TCP', 'UDP']) {
      const there = { ...TO, protocol, reporter: 'source' }
      t.strictSame(flow(page, there), flow(page, { ...there, reporter: 'destination' }), protocol)
    }
    t.equal(page.sum('weir_connections_opened_total', { ...TO, protocol: 'TCP', reporter: 'source' }), 20)
    t.equal(page.sum('weir_tcp_handshake_seconds_count', { ...TO, reporter: 'source' }), 20)
    t.equal(page.get('weir_service_unresolved_connections_total'), 0)
  })
}
