/**
 * drop-share.test.ts - a source that makes thousands of kinds of drop takes no name from the drops of others.
 */
import { writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { ETHERTYPE, ethernet, ipv4, PROTOCOL, udp } from '../support/ethernet.js'
import { Firewall } from '../support/firewall.js'
import { GaugedLab, needsRoot } from '../support/gauged-lab.js'
import { inProcess } from '../support/in-process.js'
import { addsUp } from '../support/ledger.js'
import { sendFrames } from '../support/raw-sender.js'
import type { Samples } from '../support/samples.js'

const NETWORK = 77
const PODS = ['scanner', 'server'].map(name => ({ name, namespace: 'share', workload: name }))
const MACS = { src: '02:00:00:00:00:01', dst: '02:00:00:00:00:02' }
const SCANNED = 9000
const FIRST_PORT = 10_000
const BY_PORT = '{"weir_drop_packets_total":{"labels":["source_workload","destination_workload","destination_port"]}}'
const [SCAN, OTHERS] = [
  { reason: 'NETFILTER_DROP', source_workload: 'scanner', protocol: 'UDP' },
  { reason: 'NETFILTER_DROP', source_workload: 'server', destination_workload: 'scanner', protocol: 'UDP' },
] as const

/** The scanner sends to every port; then the server sends to ten. All of it is dropped. */
async function scan(gauged: GaugedLab): Promise<Samples> {
  const { lab } = gauged
  const [scanner, server] = [lab.pod('scanner'), lab.pod('server')]
  await Firewall.start(lab, {
    counters: ['dropped'],
    chain: `type filter hook forward priority 0
      meta l4proto udp counter name dropped drop`,
  })
  const datagram = (from: typeof scanner, to: typeof scanner, port: number) => ({
    frame: ethernet(
      { src: from.podMac, dst: from.hostMac },
      ETHERTYPE.ipv4,
      ipv4({ src: from.ipv4, dst: to.ipv4 }, PROTOCOL.udp, udp(40_000, port, Buffer.alloc(5))),
    ),
  })
  await sendFrames(
    scanner,
    Array.from({ length: SCANNED }, (_, i) => datagram(scanner, server, FIRST_PORT + i)),
  )
  await sendFrames(
    server,
    Array.from({ length: 10 }, (_, i) => datagram(server, scanner, FIRST_PORT + i)),
  )
  const { samples } = await gauged.read()
  return samples
}

t.test('without a label for it, the port makes no kind of drop: a scan is one', needsRoot, async t => {
  const gauged = await GaugedLab.start(t, PODS, { network: NETWORK })
  const samples = await scan(gauged)
  t.equal(samples.sum('weir_drop_packets_total', { ...SCAN, destination_workload: 'server' }), SCANNED)
  t.equal(samples.sum('weir_drop_packets_total', OTHERS), 10)
  t.equal(samples.sum('weir_drop_table_full_packets_total'), 0)
  t.equal(samples.sum('weir_drop_table_coarse_packets_total'), 0)
  t.ok(samples.sum('weir_drop_table_entries') < 64)
  t.equal(samples.sum('weir_drop_table_limit'), 8192)
  addsUp(t, samples)
})

t.test(
  'with a label for the port, a scan has its share of the table, and the ports of others stay',
  needsRoot,
  async t => {
    const gauged = await GaugedLab.start(t, PODS, { network: NETWORK }, ['--families', BY_PORT, '--drop-kinds', '800'])
    const samples = await scan(gauged)
    t.equal(
      samples.sum('weir_drop_packets_total', { ...SCAN, destination_workload: 'server' }),
      SCANNED,
      'all with names',
    )
    const withoutPort = samples.sum('weir_drop_packets_total', { ...SCAN, destination_port: '' })
    t.ok(withoutPort >= SCANNED - 100, `${withoutPort} without a port`)
    t.ok(withoutPort < SCANNED, 'the first ports have theirs')
    t.equal(samples.sum('weir_drop_table_coarse_packets_total'), withoutPort)
    for (let port = FIRST_PORT; port < FIRST_PORT + 10; port++) {
      t.equal(samples.sum('weir_drop_packets_total', { ...OTHERS, destination_port: String(port) }), 1)
    }
    t.equal(samples.sum('weir_drop_table_full_packets_total'), 0)
    t.ok(samples.sum('weir_drop_table_entries') < 200)
    t.equal(samples.sum('weir_drop_table_limit'), 800)
    const page = await (await fetch(`${gauged.weir.url}/`)).text()
    t.match(page, /packets without port or destination: a source used up its share/)
    t.match(page, /drop table/)
    addsUp(t, samples)
  },
)

/** Weir with this many pods in its inventory and none on the machine, a small drop table, and a way to drop a packet. */
async function pods(t: Test, count: number) {
  const addressOf = (i: number) => `10.77.200.${i + 1}`
  const inventory = `${t.testdir()}/inventory.json`
  const endpoints = Array.from({ length: count }, (_, i) => ({
    id: i + 1,
    ips: [addressOf(i)],
    identity: 1000 + i,
    namespace: 'many',
    pod: `pod-${i}`,
    workload: { kind: 'Deployment', name: `pod-${i}` },
    local: true,
  }))
  writeFileSync(inventory, JSON.stringify({ endpoints }))
  const weir = await inProcess(inventory, { interfaces: ['weir-none'], dropKinds: 64 })
  t.teardown(() => weir.stop())
  // The kernel frees each packet that BPF_PROG_TEST_RUN has run a program on.
  const drop = (from: number, to: number) => {
    const packet = ipv4({ src: addressOf(from), dst: addressOf(to) }, PROTOCOL.udp, udp(1, 2, Buffer.alloc(5)))
    weir.object.testRun('weir_from_pod', ethernet(MACS, ETHERTYPE.ipv4, packet), 1)
  }
  return { weir, drop }
}

t.test('a source with many destinations keeps its own name, and other sources keep both', needsRoot, async t => {
  const { weir, drop } = await pods(t, 40)
  for (let round = 0; round < 2; round++) for (let to = 1; to < 40; to++) drop(0, to)
  drop(1, 0)
  const samples = await weir.metrics()
  const dropped = (labels: Record<string, string>) => samples.sum('weir_drop_packets_total', labels)
  const beyond = 2 * (39 - 64 / 8)
  t.equal(dropped({ source_workload: 'pod-0' }), 78)
  t.equal(dropped({ source_workload: 'pod-0', destination_workload: 'pod-1' }), 2)
  t.equal(dropped({ source_workload: 'pod-0', destination_workload: 'unknown' }), beyond)
  t.equal(dropped({ source_workload: 'pod-1', destination_workload: 'pod-0' }), 1)
  t.equal(samples.sum('weir_drop_table_coarse_packets_total'), beyond)
  addsUp(t, samples)
})

t.test(
  'drops beyond the drop table lose the destination first, then the source, and none is lost',
  needsRoot,
  async t => {
    const { weir, drop } = await pods(t, 100)
    for (let from = 1; from < 100; from++) drop(from, 0)
    const samples = await weir.metrics()
    const dropped = (labels: Record<string, string>) => samples.sum('weir_drop_packets_total', labels)
    const both = dropped({ destination_workload: 'pod-0' })
    const coarse = samples.sum('weir_drop_table_coarse_packets_total')
    const nameless = samples.sum('weir_drop_table_full_packets_total')
    // Other drops of this machine take places, too.
    t.ok(both > 30 && both <= 48, `${both} with both names`)
    t.ok(coarse > 0 && coarse <= 64, `${coarse} with the source's`)
    t.ok(nameless > 0, `${nameless} with the reason`)
    t.ok(both + coarse + nameless >= 99)
    t.equal(samples.sum('weir_drop_packets_total'), samples.sum('weir_drops_seen_total'))
    addsUp(t, samples)
  },
)
