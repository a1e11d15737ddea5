/**
 * expiry.test.ts - entries expire while packets of their connections go on: no packet is lost, and the table empties.
 *
 * Weir's source runs in this process, because its idle times are not flags. Here they are a fraction of a second, so that
 * packets find entries that are alive, expiring, deleted and new.
 */
import { randomInt } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Lab } from '../../src/lab/lab.js'
import { ETHERTYPE, ethernet, ipv4, PROTOCOL, udp } from '../support/ethernet.js'
import { GaugedLab, needsRoot } from '../support/gauged-lab.js'
import { type InProcess, inProcess } from '../support/in-process.js'
import { addsUp, agreesWithLinks, connectionsAddUp, flow } from '../support/ledger.js'
import { type RawFrames, sendFrames, sendRounds } from '../support/raw-sender.js'

const NETWORK = 87
const PODS = ['client', 'server'].map(name => ({ name, namespace: 'expiry', workload: name }))
const REPORT_INTERVAL_MS = 30
const SERVER_PORT = 9000
const NS_PER_MS = 1_000_000
const DEADLINE_MS = 20_000
const VETHS = ['source', 'destination'] as const

/** Without a report interval, it flushes only when it is read. */
function start(t: Test, idleMs: number, reportIntervalMs?: number): Promise<GaugedLab<InProcess>> {
  const names = ['idle_tcp_ns', 'idle_opening_ns', 'idle_closing_ns', 'idle_closed_ns', 'idle_other_ns', 'idle_drop_ns']
  const knobs = Object.fromEntries(names.map(name => [name, idleMs * NS_PER_MS]))
  const interval = reportIntervalMs === undefined ? {} : { reportIntervalMs }
  return GaugedLab.with(t, PODS, { network: NETWORK }, async (lab, inventory) =>
    inProcess(inventory, { netns: lab.node.path, knobs, ...interval }),
  )
}

/** One datagram from each of `count` ports of the client, of many sizes. */
function datagrams(lab: Lab, firstPort: number, count: number): RawFrames[] {
  const [client, server] = [lab.pod('client'), lab.pod('server')]
  const macs = { src: client.podMac, dst: client.hostMac }
  const address = { src: client.ipv4, dst: server.ipv4 }
  return Array.from({ length: count }, (_, i) => {
    const datagram = udp(firstPort + i, SERVER_PORT, Buffer.alloc(i % 100))
    return { frame: ethernet(macs, ETHERTYPE.ipv4, ipv4(address, PROTOCOL.udp, datagram)) }
  })
}

t.test('datagrams around the idle limit keep a connection or open a new one, and none is lost', needsRoot, async t => {
  const idleMs = 200
  const gauged = await start(t, idleMs, REPORT_INTERVAL_MS)
  const [client, server] = [gauged.lab.pod('client'), gauged.lab.pod('server')]
  await server.agent.call('udpServe', { port: SERVER_PORT, answer: 'none' })
  const frames = datagrams(gauged.lab, 20_000, 2000)
  const rounds = 25
  // From well below the idle limit to beyond the deletion of an expiring entry.
  await sendRounds(
    client,
    frames,
    Array.from({ length: rounds }, () => randomInt(0, 2.5 * idleMs)),
  )
  await until(() => gauged.weir.live.connectionsUsed === 0)
  const reading = await gauged.read()
  const { samples } = reading
  agreesWithLinks(t, reading)
  addsUp(t, samples)
  connectionsAddUp(t, samples)
  for (const reporter of VETHS) {
    t.equal(flow(samples, { source_workload: 'client', protocol: 'UDP', reporter }).packets, rounds * frames.length)
    const opened = samples.sum('weir_connections_opened_total', { protocol: 'UDP', reporter })
    t.equal(samples.sum('weir_connections_closed_total', { protocol: 'UDP', reporter, reason: 'timeout' }), opened)
    t.equal(samples.sum('weir_connection_duration_seconds_count', { reporter }), opened)
    t.ok(opened > frames.length, 'some expired and opened again')
    t.ok(opened < rounds * frames.length, 'some were kept')
  }
  t.equal(samples.sum('weir_connections_active'), 0)
  t.equal(samples.sum('weir_connection_table_entries'), 0)
  t.equal(samples.sum('weir_connection_table_full_packets_total'), 0)
})

t.test('a flush that deletes thousands of connections reports all counts of the others', needsRoot, async t => {
  const idleMs = 100
  const gauged = await start(t, idleMs)
  const { lab, weir } = gauged
  const client = lab.pod('client')
  await lab.pod('server').agent.call('udpServe', { port: SERVER_PORT, answer: 'none' })
  await sendFrames(client, datagrams(lab, 10_000, 10_000))
  for (const _ of ['reports them', 'marks them as expiring']) {
    weir.live.collect()
    await sleep(2 * idleMs)
  }
  const young = datagrams(lab, 40_000, 5000)
  await sendFrames(
    client,
    young.map(({ frame }) => ({ frame, count: 3 })),
  )
  const reading = await gauged.read()
  agreesWithLinks(t, reading)
  addsUp(t, reading.samples)
  t.equal(weir.live.connectionsUsed, VETHS.length * young.length, 'all idle ones are deleted')
  t.equal(reading.samples.sum('weir_connections_active'), VETHS.length * young.length)
})

t.test('thousands of connections that expire at once leave nothing unreported', needsRoot, async t => {
  const gauged = await start(t, 1500, REPORT_INTERVAL_MS)
  const [client, server] = [gauged.lab.pod('client'), gauged.lab.pod('server')]
  const ports = [8001, 8002, 8003]
  await server.agent.call('tcpServe', { ports })
  const storm = { host: server.ipv4, ports, count: 6000, concurrency: 32 }
  t.match(await client.agent.call('tcpStorm', storm), { succeeded: 6000 })
  t.match(await client.agent.call('tcpStorm', { ...storm, host: server.ipv6, close: 'reset' }), { succeeded: 6000 })
  const reading = await gauged.read()
  agreesWithLinks(t, reading)
  addsUp(t, reading.samples)
  for (const reporter of VETHS) {
    for (const reason of ['fin', 'reset']) {
      t.equal(reading.samples.sum('weir_connections_closed_total', { protocol: 'TCP', reporter, reason }), 6000, reason)
    }
    t.equal(reading.samples.sum('weir_connections_opened_total', { protocol: 'TCP', reporter }), 12_000)
  }
  await until(() => gauged.weir.live.connectionsUsed === 0)
  const { samples } = await gauged.read()
  t.equal(samples.sum('weir_connections_active'), 0)
  t.equal(
    samples.sum('weir_connections_closed_total', { reason: 'timeout' }),
    0,
    'a closed connection does not time out',
  )
})

t.test('an idle TCP connection times out, and is adopted when it goes on', needsRoot, async t => {
  const gauged = await start(t, 500, REPORT_INTERVAL_MS)
  const [client, server] = [gauged.lab.pod('client'), gauged.lab.pod('server')]
  await server.agent.call('tcpServe', { ports: [8001] })
  const netcat = client.spawn(['nc', '-N', server.ipv4, '8001'])
  netcat.stdin?.write('one\n')
  const { live } = gauged.weir
  await until(() => live.connectionsUsed > 0)
  await until(() => live.connectionsUsed === 0)
  const closed = await gauged.read()
  for (const reporter of VETHS) {
    t.equal(closed.samples.sum('weir_connections_opened_total', { reporter, protocol: 'TCP' }), 1)
    t.equal(closed.samples.sum('weir_connections_closed_total', { reporter, reason: 'timeout' }), 1)
    t.equal(closed.samples.sum('weir_connections_active', { reporter }), 0)
  }
  const over = new Promise(resolve => netcat.once('close', resolve))
  netcat.stdin?.end('two\n')
  await over
  await until(() => live.connectionsUsed === 0)
  const reading = await gauged.read()
  const { samples } = reading
  agreesWithLinks(t, reading)
  addsUp(t, samples)
  t.equal(samples.sum('weir_connections_opened_total', { protocol: 'TCP' }), 2, 'it did not open a second time')
  t.ok(samples.sum('weir_connections_closed_total', { reason: 'fin' }) > 0)
  t.equal(samples.sum('weir_connections_active'), 0)
})

async function until(holds: () => boolean): Promise<void> {
  for (const deadline = Date.now() + DEADLINE_MS; !holds(); await sleep(20)) {
    if (Date.now() > deadline) throw new Error(`not after ${DEADLINE_MS} ms: ${holds}`)
  }
}
