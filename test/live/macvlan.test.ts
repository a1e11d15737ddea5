/**
 * macvlan.test.ts - pods on macvlan children of the node's uplink: no interface of the node is theirs.
 *
 * Weir attaches to the pods' own interfaces, or says that it does not watch these pods.
 */
import t, { type Test } from 'tap'
import type { Lab } from '../../src/lab/lab.js'
import type { Pod } from '../../src/lab/pod.js'
import { must, run } from '../../src/lab/process.js'
import { holdingsOf } from '../support/kernel-holdings.js'
import { flow, ignored } from '../support/ledger.js'
import { until } from '../support/until.js'
import { labOf, ROOT, watch } from '../support/watched-lab.js'
import type { WeirProcess } from '../support/weir-process.js'

const NETWORK = 61
const PARENT = 'up0'
/** Another machine on the parent's network. */
const OUTSIDE = `10.${NETWORK}.99.9`
const TCP = 8080
const UDP = 4000
const CLOSED_PORT = 4999
const SENT = { packets: 20, bytes: 20 * (100 + 42) }
const PAIR = { source_workload: 'a', destination_workload: 'b' }
const TO_OUTSIDE = { source_workload: 'a', destination_workload: 'world' }
const QUICK = ['--report-interval', '500ms'] as const

const ip = (netns: string, line: string) => must(['ip', '-n', netns, ...line.split(' ')])

/** Makes a pod's interface on the parent. Its MAC address depends on `address` only, as neighbors keep it for a while. */
async function child(lab: Lab, netns: string, name: string, address: string): Promise<void> {
  const mac = ['02', '00', ...address.split('.').map(byte => Number(byte).toString(16).padStart(2, '0'))].join(':')
  await ip(
    lab.node.netns,
    `link add link ${PARENT} name ${name} netns ${netns} address ${mac} type macvlan mode bridge`,
  )
  await ip(netns, `addr add ${address}/16 dev ${name}`)
  await ip(netns, `link set ${name} up`)
}

/** The uplink, another machine behind it in the namespace of `wire`, and pods a and b as its children. */
async function macvlanLab(t: Test, network = NETWORK): Promise<Lab> {
  const lab = await labOf(t, ['mac/a', 'mac/b', 'mac/wire'], { network })
  const { netns: wire } = lab.pod('wire')
  await ip(lab.node.netns, `link add ${PARENT} type veth peer name w0 netns ${wire}`)
  await ip(lab.node.netns, `addr add 10.${NETWORK}.99.1/24 dev ${PARENT}`)
  await ip(lab.node.netns, `link set ${PARENT} up`)
  await ip(wire, `addr add ${OUTSIDE}/16 dev w0`)
  await ip(wire, 'link set w0 up')
  for (const name of ['a', 'b']) {
    const { link, netns, ipv4 } = lab.pod(name)
    await ip(lab.node.netns, `link del ${link}`)
    await child(lab, netns, `mv${name}`, ipv4)
  }
  return lab
}

/** 10 connections and 20 datagrams from a to b, 5 connections from a to the other machine. */
async function talk(lab: Lab): Promise<void> {
  const [a, b] = [lab.pod('a'), lab.pod('b')]
  await a.agent.call('tcpStorm', { host: b.ipv4, ports: [TCP], count: 10, concurrency: 2 })
  await a.agent.call('tcpStorm', { host: OUTSIDE, ports: [TCP], count: 5, concurrency: 1 })
  await a.agent.call('udpSend', { host: b.ipv4, port: UDP, count: SENT.packets, size: 100 })
}

async function watched(weir: WeirProcess, count: number): Promise<void> {
  await until(`${count} pods' interfaces are watched`, async () => {
    return (await weir.metrics()).get('weir_interfaces_watched', { hook: 'pod' }) === count
  })
}

/** Packets that the interface itself has counted. */
async function statistics(pod: Pod, name: string): Promise<{ rx: number; tx: number }> {
  const [row] = JSON.parse(await ip(pod.netns, `-s -j link show dev ${name}`))
  return { rx: row.stats64.rx.packets, tx: row.stats64.tx.packets }
}

/** What the interfaces have counted and the programs have not. */
async function uncounted(weir: WeirProcess, pods: readonly Pod[]): Promise<{ rx: number; tx: number }> {
  const page = await weir.metrics()
  const total = { rx: 0, tx: 0 }
  for (const pod of pods) {
    const { rx, tx } = await statistics(pod, `mv${pod.name}`)
    total.rx += rx
    total.tx += tx
  }
  return {
    rx: total.rx - page.sum('weir_packets_seen_total', { hook: 'to_pod' }),
    tx: total.tx - page.sum('weir_packets_seen_total', { hook: 'from_pod' }),
  }
}

t.test('pods on macvlan', ROOT, async t => {
  const lab = await macvlanLab(t)
  const [a, b, wire] = [lab.pod('a'), lab.pod('b'), lab.pod('wire')]
  await b.agent.call('tcpServe', { ports: [TCP] })
  await b.agent.call('udpServe', { port: UDP, answer: 'none' })
  await wire.agent.call('tcpServe', { ports: [TCP] })

  await t.test('count at their own interfaces, as these count', async t => {
    // Without the veth of `wire`, all packets that the programs see are those of a and b.
    const weir = await watch(t, lab, ...QUICK, '--interfaces', 'none*')
    await watched(weir, 2)
    const before = await uncounted(weir, [a, b])
    await talk(lab)
    const opened = async (labels: Record<string, string>) =>
      (await weir.metrics()).sum('weir_connections_opened_total', { protocol: 'TCP', ...labels })
    await until('all are counted', async () => (await opened({ ...PAIR, reporter: 'destination' })) === 10)
    for (const reporter of ['source', 'destination']) {
      const labels = { ...PAIR, reporter }
      const page = await weir.metrics()
      t.equal(await opened(labels), 10, `opened, ${reporter}`)
      t.equal(page.sum('weir_connections_closed_total', { ...labels, protocol: 'TCP', reason: 'fin' }), 10, reporter)
      t.equal(page.sum('weir_tcp_handshake_seconds_count', labels), 10, `handshakes, ${reporter}`)
      t.strictSame(flow(page, { ...labels, protocol: 'UDP', verdict: 'FORWARDED' }), SENT, `datagrams, ${reporter}`)
    }
    t.equal(await opened({ ...TO_OUTSIDE, reporter: 'source' }), 5)
    t.ok(
      await until('the interfaces have counted the same', async () => {
        const { rx, tx } = await uncounted(weir, [a, b])
        return rx === before.rx && tx === before.tx
      }),
    )
    const page = await weir.metrics()
    t.equal(page.sum('weir_bypassed_connections_total'), 0)
    const status = await (await fetch(weir.url)).text()
    t.match(status, /2 of 3; no interface: mac\/wire/)
    t.match(status, /2 of 2: mac\/a[^(]*\([^ ]*\/mva, macvlan\), mac\/b/)
    await weir.stop()
  })

  await t.test('have their drops counted', async t => {
    const weir = await watch(t, lab, ...QUICK)
    await watched(weir, 3)
    const dropped = async () =>
      (await weir.metrics()).sum('weir_drop_packets_total', { reason: 'NO_SOCKET', protocol: 'UDP', ...PAIR })
    const before = await dropped()
    for (let i = 0; i < 10; i++) await a.agent.call('udpSend', { host: b.ipv4, port: CLOSED_PORT, count: 1, size: 10 })
    t.ok(await until('all are counted', async () => (await dropped()) === before + 10))
    await weir.stop()
  })

  await t.test('count once if the parent is an uplink', async t => {
    const weir = await watch(t, lab, ...QUICK, '--interfaces', 'none*', '--uplinks', PARENT)
    await watched(weir, 2)
    await talk(lab)
    const datagrams = async (labels: Record<string, string>) =>
      flow(await weir.metrics(), { ...labels, protocol: 'UDP', verdict: 'FORWARDED' })
    await until('the datagrams are counted', async () => {
      return (await datagrams({ ...PAIR, reporter: 'destination' })).packets >= SENT.packets
    })
    for (const reporter of ['source', 'destination'])
      t.strictSame(await datagrams({ ...PAIR, reporter }), SENT, reporter)
    t.strictSame(await datagrams({ ...PAIR, reporter: 'uplink' }), { packets: 0, bytes: 0 })
    const page = await weir.metrics()
    t.equal(page.sum('weir_connections_opened_total', { ...TO_OUTSIDE, protocol: 'TCP' }), 5)
    const skipped = page.get('weir_packets_ignored_total', { reason: 'pod_interface' })!
    t.ok(skipped >= SENT.packets, `${skipped} packets are not counted again at the parent`)
    t.ok(ignored(page).packets >= skipped)
    await weir.stop()
  })

  await t.test('are named as pods without an interface, if --pod-end rules their own out', async t => {
    const weir = await watch(t, lab, '--pod-end', 'never')
    const page = await weir.metrics()
    t.equal(page.get('weir_interfaces_watched', { hook: 'pod' }), 1)
    t.equal(page.get('weir_pods_local'), 3)
    t.equal(page.get('weir_pods_covered'), 1)
    const status = await (await fetch(weir.url)).text()
    t.match(status, /1 of 3; no interface: mac\/a[^,]*, mac\/b/)
    t.match(status, /not watched: macvlan, ipvlan and SR-IOV need --pod-end/)
    await weir.stop()
  })

  await t.test('count at the parent then, if it is an uplink', async t => {
    const weir = await watch(t, lab, '--pod-end', 'never', '--uplinks', PARENT)
    await talk(lab)
    const datagrams = async () => flow(await weir.metrics(), { ...PAIR, protocol: 'UDP' })
    await until('the datagrams are counted', async () => (await datagrams()).packets >= SENT.packets)
    const page = await weir.metrics()
    t.strictSame(await datagrams(), SENT)
    const tcp = { reporter: 'uplink', protocol: 'TCP' }
    t.equal(page.sum('weir_connections_opened_total', { ...PAIR, ...tcp }), 10)
    t.equal(page.sum('weir_connections_opened_total', { ...TO_OUTSIDE, ...tcp }), 5)
    t.equal(page.sum('weir_connections_closed_total', { ...TO_OUTSIDE, ...tcp, reason: 'fin' }), 5)
    t.equal(page.get('weir_pods_covered'), 1, 'an uplink covers no pod')
    t.equal(page.sum('weir_tcp_handshake_seconds_count', TO_OUTSIDE), 5)
    // Both directions arrive at the parent as received, so neither is the reply of the other.
    t.equal(page.sum('weir_tcp_handshake_seconds_count', PAIR), 0)
    t.equal(page.sum('weir_connections_closed_total', { ...PAIR, ...tcp }), 0)
    const [there, back] = [flow(page, { ...PAIR, ...tcp }), flow(page, { ...tcp, source_workload: 'b' })]
    t.ok(there.packets >= 40 && back.packets >= 40, `${there.packets} and ${back.packets} packets`)
    t.equal(flow(page, { ...tcp, source_workload: 'b', destination_workload: 'a' }).packets, back.packets)
    await weir.stop()
  })
})

t.test('pods on macvlan that come and go', ROOT, async t => {
  const lab = await macvlanLab(t, 66)
  const [a, b] = [lab.pod('a'), lab.pod('b')]
  await b.agent.call('udpServe', { port: UDP, answer: 'none' })
  const weir = await watch(t, lab, ...QUICK)
  await watched(weir, 3)
  const sent = async (labels: Record<string, string>) =>
    flow(await weir.metrics(), { ...labels, protocol: 'UDP', verdict: 'FORWARDED' }).packets
  let total = 0
  const send = async (count: number) => {
    await a.agent.call('udpSend', { host: b.ipv4, port: UDP, count, size: 100 })
    total += count
    await until('the datagrams are counted', async () => (await sent({ ...PAIR, reporter: 'destination' })) >= total)
    for (const reporter of ['source', 'destination']) t.equal(await sent({ ...PAIR, reporter }), total, reporter)
  }

  await t.test('an interface that is deleted and made again counts on', async t => {
    await send(10)
    for (let i = 0; i < 3; i++) {
      await ip(b.netns, 'link del mvb')
      await watched(weir, 2)
      t.equal((await weir.metrics()).get('weir_pods_covered'), 2)
      await child(lab, b.netns, 'mvb', b.ipv4)
      await watched(weir, 3)
      await send(10)
    }
    t.equal((await weir.metrics()).sum('weir_interface_reattached_total'), 0)
  })

  await t.test('a namespace goes with its pod: Weir does not keep it', async () => {
    const container = `wt${process.pid}c`
    await must(['ip', 'netns', 'add', container])
    t.teardown(() => must(['ip', 'netns', 'del', container]).catch(() => undefined))
    await child(lab, container, 'eth0', `10.${NETWORK}.98.1`)
    await ip(container, `link add probe type veth peer name probe netns ${lab.node.netns}`)
    await watched(weir, 5)
    await must(['ip', 'netns', 'del', container])
    await until('its interfaces are gone', async () => {
      return !(await ip(lab.node.netns, '-br link show')).includes('probe')
    })
    await watched(weir, 3)
  })

  await t.test("a second interface on macvlan is the pod's as well", async t => {
    const wire = lab.pod('wire')
    await child(lab, wire.netns, 'net1', `10.${NETWORK}.97.1`)
    await watched(weir, 4)
    const labels = { source_workload: 'wire', reporter: 'source' }
    await lab.run(wire, ['ip', 'route', 'replace', `${b.ipv4}/32`, 'dev', 'net1', 'src', `10.${NETWORK}.97.1`])
    const before = await sent(labels)
    await wire.agent.call('udpSend', { host: b.ipv4, port: UDP, count: 7, size: 100 })
    t.ok(await until('they are counted', async () => (await sent(labels)) === before + 7))
  })
  await weir.stop()
})

t.test('another program that detaches the links of a pod on macvlan', ROOT, async t => {
  const lab = await macvlanLab(t, 67)
  const [a, b] = [lab.pod('a'), lab.pod('b')]
  await b.agent.call('udpServe', { port: UDP, answer: 'none' })
  const weir = await watch(t, lab, ...QUICK, '--interfaces', 'none*')
  await watched(weir, 2)
  // The two tracing links cannot be detached.
  const ids = [...holdingsOf(weir.pid).link]
  const results = await Promise.all(ids.map(id => run(['bpftool', 'link', 'detach', 'id', String(id)])))
  t.equal(results.filter(({ code }) => code === 0).length, 4, 'in both directions of both interfaces')
  t.ok(
    await until('it is attached again', async () => {
      return (await weir.metrics()).get('weir_interface_reattached_total', { reason: 'detached' }) === 2
    }),
  )
  const datagrams = { ...PAIR, reporter: 'destination', protocol: 'UDP' }
  const before = flow(await weir.metrics(), datagrams).packets
  await a.agent.call('udpSend', { host: b.ipv4, port: UDP, count: 9, size: 100 })
  t.ok(await until('it counts', async () => flow(await weir.metrics(), datagrams).packets === before + 9))
  await weir.stop()
})
