/**
 * three-capabilities.test.ts - twelve pods through stops and crashes, with the capabilities that the chart gives and no others:
 *                              each start counts every packet on every pod.
 */
import t, { type Test } from 'tap'
import type { Lab } from '../../src/lab/lab.js'
import { type BoundedWeir, startBounded } from '../support/bounded-weir.js'
import { ownFilters } from '../support/own-filters.js'
import { until } from '../support/until.js'
import { inventoryFile, labOf, ROOT } from '../support/watched-lab.js'

const NETWORK = 71
const PORT = 4000
const DATAGRAMS = 10
const PODS = Array.from({ length: 12 }, (_, n) => `three/pod${n}`)

/** From each pod to the next one. */
async function send(lab: Lab): Promise<void> {
  for (const [i, pod] of lab.pods.entries()) {
    const next = lab.pods[(i + 1) % lab.pods.length]!
    await pod.agent.call('udpSend', { host: next.ipv4, port: PORT, count: DATAGRAMS, size: 10 })
  }
}

async function counts(t: Test, lab: Lab, weir: BoundedWeir, title: string): Promise<void> {
  await send(lab)
  const page = await weir.metrics()
  for (const [reporter, side] of [
    ['source', 'source_workload'] as const,
    ['destination', 'destination_workload'] as const,
  ]) {
    const packets = lab.pods.map(({ name }) =>
      page.sum('weir_flow_packets_total', { [side]: name, protocol: 'UDP', reporter, verdict: 'FORWARDED' }),
    )
    t.strictSame(packets, Array(PODS.length).fill(DATAGRAMS), `${title}, at the ${reporter}`)
  }
  t.equal(page.sum('weir_interface_errors_total'), 0, `${title}: no errors`)
}

for (const attach of ['tcx', 'tc']) {
  t.test(`attached by ${attach}, each start counts everything, after a stop and after a crash`, ROOT, async t => {
    const lab = await labOf(t, PODS, { network: NETWORK })
    for (const pod of lab.pods) await pod.agent.call('udpServe', { port: PORT, answer: 'none' })
    const args = ['--inventory', inventoryFile(t, lab), '--attach', attach]
    const start = () => startBounded(t, lab, PODS.length, args)
    const first = await start()
    await counts(t, lab, first, 'first start')
    t.equal(await first.stop('SIGTERM'), 0)
    t.strictSame(await ownFilters(lab), [], 'a stop removes all filters')
    const second = await start()
    await counts(t, lab, second, 'after a stop')
    await second.stop('SIGKILL')
    t.equal((await ownFilters(lab)).length, attach === 'tc' ? 2 * PODS.length : 0, 'a crash leaves filters')
    const third = await start()
    t.equal((await ownFilters(lab)).length, attach === 'tc' ? 2 * PODS.length : 0, 'the next start replaces them')
    await counts(t, lab, third, 'after a crash')
    t.equal(await third.stop('SIGTERM'), 0)
    await until('no filter is left', async () => (await ownFilters(lab)).length === 0)
  })
}
