/**
 * closes.test.ts - closing a connection is no drop: 10,000 orderly and 10,000 abrupt closes, with unread data and without.
 *
 * Most packets that end a connection are freed by the kernel with kfree_skb(), some without a reason.
 */
import { execFileSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import type { Pod } from '../../src/lab/pod.js'
import { GaugedLab, needsRoot } from '../support/gauged-lab.js'
import type { Samples } from '../support/samples.js'
import { until } from '../support/until.js'

const NETWORK = 87
const PODS = ['client', 'server'].map(name => ({ name, namespace: 'closes', workload: name }))
const SIZE = 100
/** On several, a RST may overtake the last ACK, which then finds no socket: a real drop. */
const ONE_CPU = ['taskset', '-c', '0']

/** Arguments of the server, and how the client closes (test/vm/traffic.c). */
const ORDERLY = [
  ['the client waits for the server', 'tserve 7000', 'fin', 2_500],
  ['the server closes after the client has gone', 'tserve 7001 5', 'early', 5_000],
  ['the server closes first', `tfirst 7002 ${SIZE}`, 'late', 2_500],
] as const
const ABRUPT = [
  ['the client resets', 'tserve 7000', 'rst', 2_500],
  ['the client resets, and the server has read nothing', 'tleave 7003', 'rst', 2_500],
  ['the server resets, because it has read nothing', 'tleave 7003', 'fin', 2_500],
  ['the server resets after the client has gone', 'tleave 7004 5', 'early', 2_500],
] as const

function compileTraffic(t: Test): string {
  const program = `${t.testdir({})}/traffic`
  execFileSync('cc', ['-O2', '-o', program, fileURLToPath(new URL('../vm/traffic.c', import.meta.url))])
  return program
}

/** Of TCP between the pods, in both directions. */
function drops(samples: Samples): number {
  const of = (source_workload: string, destination_workload: string) =>
    samples.sum('weir_drop_packets_total', { protocol: 'TCP', source_workload, destination_workload })
  return of('client', 'server') + of('server', 'client')
}

async function listening(pod: Pod, port: string): Promise<boolean> {
  return (await pod.exec(['ss', '-ltnH', `sport = :${port}`])).stdout !== ''
}

t.test('no close counts as a drop', needsRoot, async t => {
  const gauged = await GaugedLab.start(t, PODS, { network: NETWORK })
  const traffic = compileTraffic(t)
  const [client, server] = [gauged.lab.pod('client'), gauged.lab.pod('server')]
  for (const command of new Set([...ORDERLY, ...ABRUPT].map(([, command]) => command))) {
    server.spawn([...ONE_CPU, traffic, ...command.split(' ')])
    await until(`${command} listens`, () => listening(server, command.split(' ')[1]!))
  }
  let connections = 0
  for (const [title, command, how, count] of [...ORDERLY, ...ABRUPT]) {
    const port = command.split(' ')[1]!
    const before = (await gauged.read()).samples
    await client.exec([...ONE_CPU, traffic, 'tsend', server.ipv4, port, String(count), String(SIZE), how])
    const { samples } = await gauged.read()
    t.equal(drops(samples) - drops(before), 0, `${title}: ${count} connections`, {
      drops: samples.series('weir_drop_packets_total'),
    })
    connections += count
    const opened = { protocol: 'TCP', reporter: 'source', source_workload: 'client' }
    t.equal(samples.sum('weir_connections_opened_total', opened), connections)
  }
})
