/**
 * unmanaged.test.ts - containers that are no pods: counted as `unmanaged`, or ignored by a setting until a pod is known.
 */
import { writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import type { Lab } from '../../src/lab/lab.js'
import { addsUp, flow } from '../support/ledger.js'
import { until } from '../support/until.js'
import { inventoryFile, labOf, ROOT } from '../support/watched-lab.js'
import { startWeir, type WeirProcess } from '../support/weir-process.js'

const UDP = 4000
const COUNT = 20
const SIZE = 100
const BYTES = COUNT * (SIZE + 42)
/** Sent by the pod, received by the container. */
const TO_CONTAINER = { source_workload: 'pod', protocol: 'UDP', verdict: 'FORWARDED' }

/** Weir on a lab of which the inventory lists only `pod`. */
async function start(t: Test, lab: Lab, ...args: string[]) {
  const { endpoints, ...rest } = lab.inventory()
  const pods = endpoints.filter(({ pod }) => pod.startsWith('pod'))
  t.equal(pods.length, 1)
  const inventory = inventoryFile(t, lab, { ...rest, endpoints: pods })
  const quick = ['--entity-wait', '1s', '--report-interval', '500ms']
  const weir = await startWeir(['--netns', lab.node.path, '--inventory', inventory, ...quick, ...args])
  t.teardown(() => weir.stop('SIGKILL'))
  return { weir, inventory }
}

async function ignored(weir: WeirProcess): Promise<number> {
  return (await weir.metrics()).sum('weir_packets_ignored_total', { reason: 'unmanaged' })
}

t.test('a container that is no pod', ROOT, async t => {
  const lab = await labOf(t, ['own/pod', 'own/box'], { network: 68 })
  const [pod, box] = [lab.pod('pod'), lab.pod('box')]
  await box.agent.call('udpServe', { port: UDP, answer: 'none' })
  const send = () => pod.agent.call('udpSend', { host: box.ipv4, port: UDP, count: COUNT, size: SIZE })
  const received = async (weir: WeirProcess, destination_workload: string) =>
    flow(await weir.metrics(), { ...TO_CONTAINER, destination_workload, reporter: 'destination' })

  await t.test('counts as unmanaged at its interface', async t => {
    const { weir } = await start(t, lab)
    await send()
    t.ok(await until('counted', async () => (await received(weir, 'unmanaged')).packets === COUNT))
    t.equal(await ignored(weir), 0)
    await weir.stop()
  })

  await t.test('is ignored there if the setting asks for it, and its packets are counted as ignored', async t => {
    const { weir, inventory } = await start(t, lab, '--unmanaged', 'ignore')
    await send()
    t.ok(await until('ignored', async () => (await ignored(weir)) >= COUNT))
    const page = await weir.metrics()
    t.strictSame(await received(weir, 'unmanaged'), { packets: 0, bytes: 0 })
    const sent = flow(page, { ...TO_CONTAINER, reporter: 'source' })
    t.strictSame(sent, { packets: COUNT, bytes: BYTES }, 'the pod has sent them all the same')
    t.ok(page.sum('weir_bytes_ignored_total', { reason: 'unmanaged' }) >= BYTES)
    await until('the page adds up', async () => {
      const { seen, counted } = await books(weir)
      return seen === counted
    })
    addsUp(t, await weir.metrics())

    await t.test('until a pod is known behind its interface', async t => {
      writeFileSync(inventory, JSON.stringify(lab.inventory()))
      weir.process.kill('SIGHUP')
      await until('the pod is known', async () => (await weir.metrics()).get('weir_pods_covered') === 2)
      await send()
      t.ok(await until('counted', async () => (await received(weir, 'box')).packets === COUNT))
    })
    await weir.stop()
  })
})

/** Packets seen, and those in series or ignored. */
async function books(weir: WeirProcess) {
  const page = await weir.metrics()
  const seen = page.sum('weir_packets_seen_total')
  const counted = flow(page, { verdict: 'FORWARDED' }).packets + page.sum('weir_packets_ignored_total')
  return { seen, counted }
}
