/**
 * drop-netns.test.ts - of two nodes on one machine, each counts the drops of its own namespace and of its own pods.
 */
import t from 'tap'
import type { Pod } from '../../src/lab/pod.js'
import { until } from '../support/until.js'
import { labOf, ROOT, watch } from '../support/watched-lab.js'
import type { WeirProcess } from '../support/weir-process.js'

const PORT = 4999
const DROPS = 40

/** Datagrams to a port without a socket: dropped in the namespace of `to`. */
async function drop(from: Pod, host: string): Promise<void> {
  for (let i = 0; i < DROPS; i++) await from.agent.call('udpSend', { host, port: PORT, count: 1, size: 10 })
}

async function drops(weir: WeirProcess): Promise<number> {
  return (await weir.metrics()).sum('weir_drop_packets_total', { reason: 'NO_SOCKET', protocol: 'UDP' })
}

t.test('drops of the node and of its pods count once, at their own node', ROOT, async t => {
  const [one, two] = [
    await labOf(t, ['drops/a', 'drops/b'], { network: 64 }),
    await labOf(t, ['drops/c', 'drops/d'], { network: 65 }),
  ]
  const [first, second] = [await watch(t, one), await watch(t, two)]
  const counted = (ofFirst: number, ofSecond: number) =>
    until(`${ofFirst} and ${ofSecond} drops`, async () => {
      return (await drops(first)) === ofFirst && (await drops(second)) === ofSecond
    })
  await drop(one.pod('a'), one.pod('b').ipv4)
  t.ok(await counted(DROPS, 0), 'between pods of the first')
  await drop(two.pod('c'), two.pod('c').ipv4)
  t.ok(await counted(DROPS, DROPS), 'on the loopback interface of a pod of the second')
  for (const weir of [first, second]) {
    const elsewhere = (await weir.metrics()).sum('weir_drops_ignored_total', { reason: 'other_namespace' })
    t.ok(elsewhere >= DROPS, `sees ${elsewhere} drops that are not its own`)
  }
})
