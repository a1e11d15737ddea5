/**
 * drop-nesting.test.ts - a packet dropped while the same CPU is counting another drop is counted too.
 *
 * The firewall of one pod drops its packets in the task that sends them. On the same CPU a timer releases the datagrams of
 * another pod, and the node drops them in the softirq that follows, often while weir_drop is running.
 */
import { once } from 'node:events'
import t from 'tap'
import { Firewall } from '../support/firewall.js'
import { GaugedLab, needsRoot } from '../support/gauged-lab.js'
import { type InProcess, inProcess } from '../support/in-process.js'

const NETWORK = 88
const NAMESPACE = 'nesting'
const PODS = ['busy', 'blocked', 'database'].map(name => ({ name, namespace: NAMESPACE, workload: name }))
const PORT = 5432
const DATAGRAMS = 20_000
/** At most, until a drop interrupts weir_drop. */
const ROUNDS = 5
/** Slower than the pod sends, so that a timer releases each datagram. */
const SLOW = 'rate 4mbit burst 100 limit 1mb'
const DEADLINE_MS = 60_000

const SENDING = `
const { createSocket } = require('node:dgram')
const [host, count] = process.argv.slice(1)
const socket = createSocket('udp4')
let left = Number(count)
const send = () => (left-- > 0 ? socket.send('weir', ${PORT}, host, send) : process.exit(0))
for (let i = 0; i < 32; i++) send()
`
/** Sends until its stdin ends. */
const SENDING_ON = `
const { createSocket } = require('node:dgram')
const [host] = process.argv.slice(1)
process.stdin.on('end', () => process.exit(0)).resume()
const socket = createSocket({ type: 'udp4', lookup: (host, _, done) => done(null, host, 4) })
const again = () => {
  for (let i = 0; i < 64; i++) socket.send('weir', ${PORT}, host, () => {})
  setImmediate(again)
}
socket.bind(0, again)
`
const OWN_FIREWALL = `table inet own {
  chain out {
    type filter hook output priority 0
    udp dport ${PORT} counter drop
  }
}`

t.test('drops in a softirq that interrupts the counting of drops', needsRoot, async t => {
  const gauged = await GaugedLab.with(t, PODS, { network: NETWORK }, async (lab, inventory) =>
    inProcess(inventory, { netns: lab.node.path, interfaces: lab.pods.map(({ link }) => link), drainIntervalMs: 100 }),
  )
  const { lab, weir } = gauged
  const [busy, blocked, database] = [lab.pod('busy'), lab.pod('blocked'), lab.pod('database')]
  const firewall = await Firewall.start(lab, {
    counters: ['dropped'],
    chain: `type filter hook forward priority 0
      ip saddr ${blocked.ipv4} udp dport ${PORT} counter name dropped drop`,
  })
  await busy.exec(['nft', '-f', '-'], { input: OWN_FIREWALL })
  await blocked.exec(['tc', 'qdisc', 'add', 'dev', 'eth0', 'root', 'tbf', ...SLOW.split(' ')])
  const busySending = busy.spawn(onOneCpu(SENDING_ON, database.ipv4))
  const busyEnded = once(busySending, 'close')
  for (let round = 0; round < ROUNDS && refused(weir, 'weir_drop') === 0; round++) {
    await blocked.exec(onOneCpu(SENDING, database.ipv4, `${DATAGRAMS}`), { timeoutMs: DEADLINE_MS })
  }
  busySending.stdin?.end()
  // Its firewall would count on after the page is read, and read() cannot wait for packets that reach no link.
  await busyEnded
  const { samples } = await gauged.read()
  const { dropped } = await firewall.counts()
  const dropsFrom = (source: string) =>
    samples.sum('weir_drop_packets_total', {
      source_namespace: NAMESPACE,
      source_workload: source,
      reason: 'NETFILTER_DROP',
    })

  t.ok(refused(weir, 'weir_drop') > 0, 'the kernel refused nested runs of weir_drop')
  t.equal(weir.live.counters.totals.drops_nested.packets, refused(weir, 'weir_drop'), 'weir_drop_nested ran for each')
  t.equal(samples.sum('weir_bpf_recursion_misses_total', { program: 'weir_drop' }), 0)
  const own = /counter packets (\d+)/.exec((await busy.exec(['nft', 'list', 'table', 'inet', 'own'])).stdout)?.[1]
  t.equal(dropsFrom('busy'), Number(own), 'interrupted drops agree with its own firewall')
  t.ok(dropsFrom('blocked') > 0)
  t.ok(dropsFrom('blocked') <= (dropped?.packets ?? 0), 'no interrupting drop is counted twice')
})

/** Runs of a program refused by the kernel's recursion guard, by the kernel's count. */
function refused({ object }: InProcess, program: string): number {
  return object.programs().find(({ name }) => name === program)?.recursionMisses ?? 0
}

function onOneCpu(script: string, ...args: string[]): string[] {
  return ['taskset', '-c', '0', process.execPath, '-e', script, ...args]
}
