/**
 * taken-places.test.ts - another owner has the place of Weir's program: inside Weir's link, or by a qdisc that excludes clsact.
 */
import t, { type Test } from 'tap'
import type { Lab } from '../../src/lab/lab.js'
import { must, run } from '../../src/lab/process.js'
import { attachLink } from '../support/foreign-link.js'
import { compileAttacher, compileUpdater, compileVerdicts, compileXdp } from '../support/foreign-programs.js'
import { holdingsOf } from '../support/kernel-holdings.js'
import { until } from '../support/until.js'
import { labOf, ROOT, watch } from '../support/watched-lab.js'
import type { WeirProcess } from '../support/weir-process.js'

const NETWORK = 74
const PORT = 4000
const DATAGRAMS = 20
/** Two seconds, and a busy machine's pause. */
const NOTICED_MS = 5000

const tc = (lab: Lab, ...argv: string[]) => must(['tc', '-n', lab.node.netns, ...argv])

/** Every packet from a to b is counted, once at either side. */
async function counts(t: Test, lab: Lab, weir: WeirProcess): Promise<void> {
  const read = async () => {
    const page = await weir.metrics()
    const flow = { source_workload: 'a', destination_workload: 'b', protocol: 'UDP', verdict: 'FORWARDED' }
    return ['source', 'destination'].map(reporter => page.sum('weir_flow_packets_total', { ...flow, reporter }))
  }
  const before = await read()
  await lab.pod('a').agent.call('udpSend', { host: lab.pod('b').ipv4, port: PORT, count: DATAGRAMS, size: 10 })
  const after = await read()
  t.strictSame(
    after.map((n, i) => n - before[i]!),
    [DATAGRAMS, DATAGRAMS],
    'counted',
  )
}

t.test("a link that runs another owner's program by now is attached again", ROOT, async t => {
  const lab = await labOf(t, ['attached/a', 'attached/b'], { network: NETWORK })
  await lab.pod('b').agent.call('udpServe', { port: PORT, answer: 'none' })
  const weir = await watch(t, lab, '--attach', 'tcx', '--pod-end', 'never')
  const folder = t.testdir({})
  const object = compileVerdicts(folder, { drop: 0, redirect: 0, target: 0 })
  const updater = compileUpdater(folder)
  const ids = [...holdingsOf(weir.pid).link]
  // The two tracing links take no such program.
  const results = await Promise.all(ids.map(id => run([updater, object, String(id)])))
  t.equal(results.filter(({ code }) => code === 0).length, 4, 'in both directions of both interfaces')
  await until(
    'both interfaces are attached again',
    async () => (await weir.metrics()).get('weir_interface_reattached_total', { reason: 'replaced' }) === 2,
    NOTICED_MS,
  )
  await counts(t, lab, weir)
})

t.test('a qdisc of another kind in the place of clsact is an error that shows, until it is gone', ROOT, async t => {
  const lab = await labOf(t, ['attached/a', 'attached/b'], { network: NETWORK })
  await lab.pod('b').agent.call('udpServe', { port: PORT, answer: 'none' })
  const { link } = lab.pod('a')
  await tc(lab, 'qdisc', 'add', 'dev', link, 'ingress')
  const weir = await watch(t, lab, '--attach', 'tc')
  const pending = async (count: number) => (await weir.metrics()).get('weir_interfaces_pending') === count
  await until('it shows', () => pending(1), NOTICED_MS)
  t.ok((await weir.metrics()).sum('weir_interface_errors_total') > 0)
  await tc(lab, 'qdisc', 'del', 'dev', link, 'ingress')
  await until('it is attached', () => pending(0), 5000)
  await counts(t, lab, weir)
})

t.test('an XDP program in front of the hook is announced, and its end', ROOT, async t => {
  const lab = await labOf(t, ['attached/a', 'attached/b'], { network: NETWORK })
  const weir = await watch(t, lab)
  const { link } = lab.pod('a')
  const behind = async () =>
    (await weir.metrics())
      .series('weir_interface_behind')
      .map(({ labels }) => labels.interface)
      .join()
  t.equal(await behind(), '')
  const xdp = (...argv: string[]) => must(['ip', '-n', lab.node.netns, 'link', 'set', 'dev', link, ...argv])
  const folder = t.testdir({})
  const object = compileXdp(folder)
  await xdp('xdpgeneric', 'obj', object, 'sec', 'xdp')
  await until('it is announced', async () => (await behind()) === link, NOTICED_MS)
  t.match(weir.stderr(), /another program runs first.* interface=/)
  await xdp('xdpgeneric', 'off')
  await until('it is over', async () => (await behind()) === '', NOTICED_MS)

  compileAttacher(folder)
  const detach = await attachLink(t, lab, object, 'xdp')
  await until('one that a BPF link attaches is announced', async () => (await behind()) === link, NOTICED_MS)
  await detach()
  await until('its end, too', async () => (await behind()) === '', NOTICED_MS)
})
