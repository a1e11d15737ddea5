/**
 * services-agree.test.ts - 100 Services of 10 backends each, on two nodes: both sides of every pair count the same bytes.
 */
import t from 'tap'
import { needsRoot } from '../support/gauged-lab.js'
import { flow } from '../support/ledger.js'
import { TwoNodes } from '../support/two-nodes.js'

const NETWORK = 57
const SERVICES = 100
const BACKENDS = 10
/** Of each client to each Service. */
const CONNECTIONS = 10
const pod = (name: string) => ({ name, namespace: 'shop', workload: name })
const numbers = (count: number) => Array.from({ length: count }, (_, i) => i)
const address = (service: number) => `10.96.1.${service}`

t.test('source and destination reporters agree to the byte, with the names of the backends', needsRoot, async t => {
  const backends = numbers(BACKENDS).map(i => `backend-${i}`)
  const nodes = await TwoNodes.start(t, {
    network: NETWORK,
    pods: [
      ['client-0', ...backends.slice(0, BACKENDS / 2)].map(pod),
      ['client-1', ...backends.slice(BACKENDS / 2)].map(pod),
    ],
    services: numbers(SERVICES).map(i => ({ name: `service-${i}`, ip: address(i) })),
    args: ['--report-interval', '1s'],
  })
  const addresses = backends.map(name => nodes.pod(name).ipv4)
  const choice = addresses.map((ip, i) => `${i} : ${ip} . 8080`).join(', ')
  const rules = numbers(SERVICES).map(
    i => `ip daddr ${address(i)} tcp dport 80 dnat ip addr . port to numgen inc mod ${BACKENDS} map { ${choice} }`,
  )
  for (const { nft } of nodes.labs.map(lab => ({ nft: (text: string) => lab.nft(text) }))) {
    await nft(`table ip kube { chain prerouting { type nat hook prerouting priority -100; ${rules.join('\n')}\n}\n}`)
  }
  for (const name of backends) await nodes.pod(name).agent.call('tcpServe', { ports: [8080] })
  await nodes.watch()
  for (const client of ['client-0', 'client-1']) {
    for (const i of numbers(SERVICES)) {
      const storm = { host: address(i), ports: [80], count: CONNECTIONS, concurrency: 5, size: 200 + i }
      t.equal((await nodes.pod(client).agent.call('tcpStorm', storm)).failed, 0)
    }
  }
  const [one, two] = await nodes.pages()
  const both = (labels: Record<string, string>) => {
    const [a, b] = [flow(one, labels), flow(two, labels)]
    return { packets: a.packets + b.packets, bytes: a.bytes + b.bytes }
  }
  let bytes = 0
  for (const client of ['client-0', 'client-1']) {
    for (const backend of backends) {
      for (const [source_workload, destination_workload] of [
        [client, backend],
        [backend, client],
      ] as const) {
        const pair = { source_workload, destination_workload, verdict: 'FORWARDED' }
        const sent = both({ ...pair, reporter: 'source' })
        t.ok(sent.packets > 0, `${source_workload} to ${destination_workload}`)
        t.strictSame(both({ ...pair, reporter: 'destination' }), sent)
        bytes += sent.bytes
      }
    }
  }
  const opened = [one, two].map(page => page.sum('weir_connections_opened_total', { reporter: 'source' }))
  t.equal(opened[0]! + opened[1]!, 2 * SERVICES * CONNECTIONS)
  for (const page of [one, two]) {
    t.equal(page.get('weir_service_unresolved_connections_total'), 0)
    const names = page
      .series('weir_flow_packets_total')
      .flatMap(({ labels }) => [labels.source_workload, labels.destination_workload])
    t.strictSame(
      names.filter(name => name?.startsWith('service-')),
      [],
      'no Service is a peer',
    )
  }
  t.comment(`${SERVICES} Services, ${bytes} bytes in ${2 * SERVICES * CONNECTIONS} connections, the same at both sides`)
})
