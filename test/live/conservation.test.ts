/**
 * conservation.test.ts - a full ring and a stopped reader delay counts but lose none.
 *
 * Weir gets the smallest useful ring and is stopped by SIGSTOP in the middle of a storm, so that records are refused
 * and their counts stay in the kernel.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Pod } from '../../src/lab/pod.js'
import { Firewall, FLAGS } from '../support/firewall.js'
import { GaugedLab, needsRoot, type Reading } from '../support/gauged-lab.js'
import { addsUp, agreesWithLinks, connectionsAddUp, flagsAgree } from '../support/ledger.js'

const NETWORK = 84
const PODS = ['client', 'server'].map(name => ({ name, namespace: 'conservation', workload: name }))
const VETHS = ['source', 'destination'] as const
const PORTS = [8001, 8002, 8003, 8004, 8005, 8006, 8007, 8008]
const CONNECTIONS = 100_000
/** At least, from the client: SYN, ACK, data, FIN, ACK. */
const PACKETS_A_CONNECTION = 5
const STORM_DEADLINE_MS = 120_000
const ARGS = ['--ring-pages', '8', '--connections', '262144']

/** Waits until the client has sent this many more packets: the progress of the storm is the clock. */
async function sent({ lab }: GaugedLab, packets: number): Promise<void> {
  const client = lab.pod('client')
  const start = (await lab.linkCounters(client)).rx.packets
  const deadline = Date.now() + STORM_DEADLINE_MS
  while ((await lab.linkCounters(client)).rx.packets < start + packets) {
    if (Date.now() > deadline) throw new Error(`not ${packets} packets in ${STORM_DEADLINE_MS} ms`)
    await sleep(20)
  }
}

function nothingLost(t: Test, reading: Reading): void {
  const { samples } = reading
  agreesWithLinks(t, reading)
  addsUp(t, samples)
  connectionsAddUp(t, samples)
  t.equal(samples.sum('weir_connections_active'), 0)
  t.equal(samples.sum('weir_connection_table_full_packets_total'), 0)
  t.ok(samples.sum('weir_ring_full_total') > 0, 'the ring was full')
  t.equal(samples.sum('weir_stage_up'), samples.series('weir_stage_up').length, 'every stage works')
}

async function localPorts(pod: Pod, first: number, last: number): Promise<void> {
  await pod.exec(['sh', '-c', `echo ${first} ${last} >/proc/sys/net/ipv4/ip_local_port_range`])
}

function closed({ samples }: Reading, reporter: string, reason: string): number {
  return samples.sum('weir_connections_closed_total', { reporter, reason })
}

async function storm(t: Test, ring: string): Promise<void> {
  const gauged = await GaugedLab.start(t, PODS, { network: NETWORK }, [...ARGS, '--ring', ring])
  const [client, server] = [gauged.lab.pod('client'), gauged.lab.pod('server')]
  const firewall = await Firewall.start(gauged.lab, FLAGS)
  await server.agent.call('tcpServe', { ports: PORTS })
  const args = { host: server.ipv4, ports: PORTS, count: CONNECTIONS, concurrency: 64, size: 100 }
  const storming = client.agent.call('tcpStorm', args, STORM_DEADLINE_MS)
  await sent(gauged, 0.2 * CONNECTIONS * PACKETS_A_CONNECTION)
  gauged.weir.process.kill('SIGSTOP')
  await sent(gauged, 0.3 * CONNECTIONS * PACKETS_A_CONNECTION)
  gauged.weir.process.kill('SIGCONT')
  t.strictSame(await storming, { succeeded: CONNECTIONS, failed: 0, errors: {} })
  const reading = await gauged.read()
  nothingLost(t, reading)
  const { samples } = reading
  for (const reporter of VETHS) {
    flagsAgree(t, samples, reporter, await firewall.counts())
    t.equal(samples.sum('weir_connections_opened_total', { reporter }), CONNECTIONS, `opened at the ${reporter}`)
    t.equal(closed(reading, reporter, 'fin'), CONNECTIONS, `closed at the ${reporter}`)
    t.equal(samples.sum('weir_tcp_handshake_seconds_count', { reporter }), CONNECTIONS, 'handshakes')
    t.equal(samples.sum('weir_connection_duration_seconds_count', { reporter }), CONNECTIONS, 'durations')
  }
  t.equal(samples.sum('weir_observations_lost_total'), 0)
}

for (const ring of ['perf', 'ringbuf']) {
  const title = `a storm of 100,000 connections is counted completely while the reader is stopped (--ring ${ring})`
  t.test(title, needsRoot, t => storm(t, ring))
}

t.test('ports reused before their first connection was reported count each time', needsRoot, async t => {
  const gauged = await GaugedLab.start(t, PODS, { network: NETWORK }, ARGS)
  const [client, server] = [gauged.lab.pod('client'), gauged.lab.pod('server')]
  const firewall = await Firewall.start(gauged.lab, FLAGS)
  await localPorts(client, 20_000, 21_999)
  await server.agent.call('tcpServe', { ports: [8001] })
  const count = 20_000
  gauged.weir.process.kill('SIGSTOP')
  const args = { host: server.ipv6, ports: [8001], count, concurrency: 32, close: 'reset' } as const
  const result = await client.agent.call('tcpStorm', args, STORM_DEADLINE_MS)
  gauged.weir.process.kill('SIGCONT')
  t.strictSame(result, { succeeded: count, failed: 0, errors: {} })
  const reading = await gauged.read()
  nothingLost(t, reading)
  const { samples } = reading
  const lost = samples.sum('weir_observations_lost_total')
  let observed = 0
  for (const reporter of VETHS) {
    flagsAgree(t, samples, reporter, await firewall.counts())
    t.equal(samples.sum('weir_connections_opened_total', { reporter }), count, `opened at the ${reporter}`)
    t.equal(closed(reading, reporter, 'reset'), count, `reset at the ${reporter}`)
    observed += samples.sum('weir_tcp_handshake_seconds_count', { reporter })
    observed += samples.sum('weir_connection_duration_seconds_count', { reporter })
  }
  t.ok(lost > 0, 'an entry keeps one handshake and one duration')
  t.equal(observed + lost, 4 * count, 'a handshake and a duration each, at both veths, reported or counted as lost')
})

t.test('a connection on reused ports has its own bytes and none of the previous one', needsRoot, async t => {
  const gauged = await GaugedLab.start(t, PODS, { network: NETWORK })
  const [client, server] = [gauged.lab.pod('client'), gauged.lab.pod('server')]
  await localPorts(client, 20_000, 20_001)
  await server.agent.call('tcpServe', { ports: [8001] })
  const args = { host: server.ipv4, ports: [8001], count: 100, concurrency: 1, close: 'reset' } as const
  t.match(await client.agent.call('tcpStorm', args), { succeeded: 100 })
  const { samples, links } = await gauged.read()
  const link = links.get('client')
  for (const reporter of VETHS) {
    t.equal(samples.sum('weir_connection_bytes_count', { reporter }), 100)
    t.equal(
      samples.sum('weir_connection_bytes_sum', { reporter }),
      (link?.rx.bytes ?? 0) + (link?.tx.bytes ?? 0),
      reporter,
    )
  }
  t.equal(samples.sum('weir_observations_lost_total'), 0)
  t.ok(samples.sum('weir_connection_table_entries') <= 4, 'two pairs of ports, at two veths')
})
