/**
 * pod-end.test.ts - packets that skip the host's side of a pod's interface are counted at the pod's side, each once.
 */
import t, { type Test } from 'tap'
import type { Pod } from '../../src/lab/pod.js'
import { must } from '../../src/lab/process.js'
import { redirectPeers } from '../support/redirect-peer.js'
import { until } from '../support/until.js'
import { labOf, ROOT, watch } from '../support/watched-lab.js'
import type { WeirProcess } from '../support/weir-process.js'

const UDP = 4000
const TCP = 8080
const QUICK = ['--report-interval', '500ms'] as const

t.test('packets forwarded by bpf_redirect_peer between pods', ROOT, async t => {
  const lab = await labOf(t, ['end/a', 'end/b'], { network: 63 })
  const [a, b] = [lab.pod('a'), lab.pod('b')]
  await b.agent.call('udpServe', { port: UDP, answer: 'echo' })
  await b.agent.call('tcpServe', { ports: [TCP] })
  const weir = await watch(t, lab, ...QUICK)
  await until('both pods are watched', async () => (await weir.metrics()).get('weir_pod_ends_watched') === 2)

  await t.test('are counted as those forwarded by the host, before, during and after', async t => {
    await checkDatagrams(t, weir, [a, b], 20, 20, 'by the host')
    const stop = await redirectPeers(t, lab, [a, b])
    await checkDatagrams(t, weir, [a, b], 40, 60, 'by bpf_redirect_peer')
    await a.agent.call('tcpStorm', { host: b.ipv4, ports: [TCP], count: 10, concurrency: 2 })
    await closed(weir, 10)
    const page = await weir.metrics()
    const pair = { source_workload: 'a', destination_workload: 'b', protocol: 'TCP' }
    for (const reporter of ['source', 'destination']) {
      t.equal(page.sum('weir_connections_opened_total', { ...pair, reporter }), 10, `opened, ${reporter}`)
      t.equal(
        page.sum('weir_connections_closed_total', { ...pair, reporter, reason: 'fin' }),
        10,
        `closed, ${reporter}`,
      )
    }
    t.equal(page.sum('weir_bypassed_connections_total'), 0, 'no evidence of a bypass')
    await stop()
    await checkDatagrams(t, weir, [a, b], 30, 90, 'by the host again')
  })

  await t.test('are counted once while the way changes under load', async t => {
    const before = await datagrams(weir)
    const sent = 4000
    const sending = a.agent.call('udpSend', { host: b.ipv4, port: UDP, count: sent, size: 100, echo: true })
    for (let i = 0; i < 3; i++) await (await redirectPeers(t, lab, [a, b]))()
    const { echoed } = await sending
    t.equal(echoed, sent)
    const after = await datagrams(weir)
    for (const key of Object.keys(after) as (keyof typeof after)[]) t.equal(after[key] - before[key], sent, key)
  })

  await t.test('add up to what the pods received', async t => {
    const received = await Promise.all([a, b].map(pod => packetsReceived(pod)))
    const seen = (await weir.metrics()).get('weir_packets_seen_total', { hook: 'to_pod' })
    // The pods have received some before the start, and neighbour discovery is counted too.
    t.ok(seen! <= received[0]! + received[1]!, `${seen} of ${received}`)
  })
  await weir.stop()
})

t.test('packets from an interface that is no pod of Weir', ROOT, async t => {
  const lab = await labOf(t, ['end/a', 'end/c'], { network: 64 })
  const [a, c] = [lab.pod('a'), lab.pod('c')]
  await a.agent.call('tcpServe', { ports: [TCP] })
  await redirectPeers(t, lab, [c, a])
  const weir = await watch(t, lab, ...QUICK, '--interfaces', a.link)
  const connect = () => c.agent.call('tcpStorm', { host: a.ipv4, ports: [TCP], count: 3, concurrency: 1 })
  await until('it is noticed, and covered', async () => {
    await connect()
    return weir.stderr().includes('attaching to more interfaces')
  })
  const pair = { source_workload: 'c', destination_workload: 'a', reporter: 'destination' }
  const handshakes = async () => (await weir.metrics()).sum('weir_tcp_handshake_seconds_count', pair)
  await until('one is seen whole', async () => {
    await connect()
    return (await handshakes()) > 0
  })
  const before = await handshakes()
  await connect()
  t.equal(await handshakes(), before + 3)
  t.equal((await fetch(`${weir.url}/-/ready`)).status, 200)
  await weir.stop()
})

async function closed(weir: WeirProcess, count: number): Promise<void> {
  const labels = { protocol: 'TCP', reason: 'fin', reporter: 'destination' }
  await until(
    'all are closed',
    async () => (await weir.metrics()).sum('weir_connections_closed_total', labels) >= count,
  )
}

/** Sends datagrams, which are echoed, and compares the totals with `total`. */
async function checkDatagrams(
  t: Test,
  weir: WeirProcess,
  [from, to]: readonly [Pod, Pod],
  count: number,
  total: number,
  how: string,
): Promise<void> {
  await from.agent.call('udpSend', { host: to.ipv4, port: UDP, count, size: 100, echo: true })
  t.strictSame(
    await datagrams(weir),
    { 'a source': total, 'a destination': total, 'b source': total, 'b destination': total },
    how,
  )
}

/** By sender and reporter. */
async function datagrams(weir: WeirProcess) {
  const page = await weir.metrics()
  const of = (source_workload: string, reporter: string) =>
    page.sum('weir_flow_packets_total', { source_workload, reporter, protocol: 'UDP', verdict: 'FORWARDED' })
  return {
    'a source': of('a', 'source'),
    'a destination': of('a', 'destination'),
    'b source': of('b', 'source'),
    'b destination': of('b', 'destination'),
  }
}

async function packetsReceived(pod: Pod): Promise<number> {
  const rows = JSON.parse(await must(['ip', '-n', pod.netns, '-s', '-j', 'link', 'show', 'dev', 'eth0']))
  return rows[0].stats64.rx.packets
}
