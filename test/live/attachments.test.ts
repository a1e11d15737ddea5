/**
 * attachments.test.ts - whatever detaches, overtakes or replaces Weir's programs: it is attached and first again within two
 *                       seconds, counted and logged, or says that it is behind.
 */
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import t, { type Test } from 'tap'
import type { Lab } from '../../src/lab/lab.js'
import { must, run } from '../../src/lab/process.js'
import { attachLink } from '../support/foreign-link.js'
import { compileAttacher, compileVerdicts } from '../support/foreign-programs.js'
import { holdingsOf } from '../support/kernel-holdings.js'
import { ownFilters } from '../support/own-filters.js'
import { until } from '../support/until.js'
import { filters, labOf, ROOT, watch } from '../support/watched-lab.js'
import type { WeirProcess } from '../support/weir-process.js'

const NETWORK = 72
const PORT = 4000
const DATAGRAMS = 20
/** A second until a change is noticed, and a busy machine's pause. */
const NOTICED_MS = 2000
const MODES = ['tcx', 'tc'] as const
type Mode = (typeof MODES)[number]

async function start(t: Test): Promise<Lab> {
  const lab = await labOf(t, ['attached/a', 'attached/b'], { network: NETWORK })
  await lab.pod('b').agent.call('udpServe', { port: PORT, answer: 'none' })
  return lab
}

function reattached(weir: WeirProcess, reason: string): Promise<number | undefined> {
  return weir.metrics().then(page => page.get('weir_interface_reattached_total', { reason }))
}

async function noticed(t: Test, weir: WeirProcess, reason: string, count = 1): Promise<void> {
  const since = performance.now()
  await until(`attached again: ${reason}`, async () => (await reattached(weir, reason)) === count, NOTICED_MS)
  t.comment(`${reason} was noticed after ${(performance.now() - since).toFixed(0)} ms`)
  t.match(weir.stderr(), new RegExp(`attached again.* reason=${reason}`), 'a log line')
}

/** Every packet from a to b is counted, once at either side. */
async function counts(t: Test, lab: Lab, weir: WeirProcess, title: string): Promise<void> {
  const [a, b] = [lab.pod('a'), lab.pod('b')]
  const read = async () => {
    const page = await weir.metrics()
    const flow = { source_workload: 'a', destination_workload: 'b', protocol: 'UDP', verdict: 'FORWARDED' }
    return ['source', 'destination'].map(reporter => page.sum('weir_flow_packets_total', { ...flow, reporter }))
  }
  const before = await read()
  await a.agent.call('udpSend', { host: b.ipv4, port: PORT, count: DATAGRAMS, size: 10 })
  const after = await read()
  t.strictSame(
    after.map((n, i) => n - before[i]!),
    [DATAGRAMS, DATAGRAMS],
    title,
  )
}

function nodeTc(lab: Lab, ...argv: string[]): Promise<string> {
  return must(['tc', '-n', lab.node.netns, ...argv])
}

t.test('a link that is detached is attached again', ROOT, async t => {
  const lab = await start(t)
  const weir = await watch(t, lab, '--attach', 'tcx', '--pod-end', 'never')
  const ids = [...holdingsOf(weir.pid).link]
  // The two tracing links cannot be detached.
  const results = await Promise.all(ids.map(id => run(['bpftool', 'link', 'detach', 'id', String(id)])))
  t.equal(results.filter(({ code }) => code === 0).length, 4, 'in both directions of both interfaces')
  await until('both interfaces are attached again', async () => (await reattached(weir, 'detached')) === 2, NOTICED_MS)
  t.match(weir.stderr(), /attached again.* reason=detached/)
  await counts(t, lab, weir, 'counted again')
})

t.test('a qdisc that is deleted, a filter that is deleted and one that is replaced come back', ROOT, async t => {
  const lab = await start(t)
  const weir = await watch(t, lab, '--attach', 'tc')
  const { link } = lab.pod('a')
  await nodeTc(lab, 'qdisc', 'del', 'dev', link, 'clsact')
  await noticed(t, weir, 'qdisc_deleted')
  await counts(t, lab, weir, 'after the qdisc')
  await nodeTc(lab, 'filter', 'del', 'dev', link, 'ingress', 'prio', '1')
  await noticed(t, weir, 'detached')
  await counts(t, lab, weir, 'after the filter')
  const own = (await filters(lab, [link])).find(({ direction }) => direction === 'egress')!
  const place = ['dev', link, 'egress', 'prio', '1', 'handle', own.handle]
  await nodeTc(lab, 'filter', 'replace', ...place, 'bpf', 'da', 'bytecode', '1,6 0 0 4294967295')
  await noticed(t, weir, 'replaced')
  await counts(t, lab, weir, 'after the replaced filter')
  t.equal((await ownFilters(lab)).length, 4, 'two on each interface')
})

t.test('a failed attempt is counted, shown as pending, and tried again until it succeeds', ROOT, async t => {
  const lab = await start(t)
  const { link } = lab.pod('a')
  // Another kind of filter has priority 1: the kernel refuses BPF filters there.
  await nodeTc(lab, 'qdisc', 'add', 'dev', link, 'clsact')
  const match = ['u32', 'match', 'u32', '0', '0', 'flowid', '1:1']
  await nodeTc(lab, 'filter', 'add', 'dev', link, 'egress', 'prio', '1', ...match)
  const weir = await watch(t, lab, '--attach', 'tc')
  const page = await weir.metrics()
  t.equal(page.get('weir_interfaces_pending'), 1)
  t.equal(page.get('weir_interface_coverage_seconds'), 0)
  t.ok(page.sum('weir_interface_errors_total') > 0)
  t.match(weir.stderr(), /attach failed.* what="interface lxc/)
  t.match(await (await fetch(weir.url)).text(), /interfaces pending/, 'the landing page')
  t.equal((await ownFilters(lab)).length, 2, 'only those of b')
  await nodeTc(lab, 'filter', 'del', 'dev', link, 'egress', 'prio', '1')
  await until('it is attached', async () => (await weir.metrics()).get('weir_interfaces_pending') === 0)
  t.ok((await weir.metrics()).get('weir_interface_coverage_seconds')! > 0)
  await counts(t, lab, weir, 'counted')
})

t.test('a filter of the same priority that comes later runs second', ROOT, async t => {
  const lab = await start(t)
  const weir = await watch(t, lab, '--attach', 'tc')
  const { link } = lab.pod('a')
  // Classic BPF, one instruction: return TC_ACT_OK, which ends the filters.
  const program = ['bpf', 'da', 'bytecode', '1,6 0 0 0']
  await nodeTc(lab, 'filter', 'add', 'dev', link, 'ingress', 'prio', '1', ...program)
  await noticed(t, weir, 'not_first')
  await counts(t, lab, weir, 'first again')
})

t.test(
  'Weir gives way to a program that insists on the head, says so, and is first again once that is gone',
  ROOT,
  async t => {
    const lab = await start(t)
    const weir = await watch(t, lab, '--attach', 'tcx')
    const folder = t.testdir({})
    compileAttacher(folder)
    const object = compileVerdicts(folder, { drop: 0, redirect: 0, target: 0 })
    const detach: (() => Promise<void>)[] = []
    for (let times = 1; times <= 3; times++) {
      detach.push(await attachLink(t, lab, object))
      await noticed(t, weir, 'not_first', times)
    }
    detach.push(await attachLink(t, lab, object))
    const behind = async () =>
      (await weir.metrics()).series('weir_interface_behind').map(({ labels }) => labels.interface)
    await until('it says that it is behind', async () => (await behind()).join() === lab.pod('a').link, NOTICED_MS)
    t.match(weir.stderr(), /another program runs first.* interface=/)
    t.match(await (await fetch(weir.url)).text(), /interfaces behind another program/, 'the landing page')
    t.equal(await reattached(weir, 'not_first'), 3, 'no further attempt')
    for (const each of detach) await each()
    await until('it is first again', async () => (await behind()).length === 0, NOTICED_MS)
    await counts(t, lab, weir, 'first again')
  },
)

for (const mode of MODES) {
  t.test(`an interface number used again while notifications were lost is attached by ${mode}`, ROOT, async t => {
    const lab = await start(t)
    const weir = await watch(t, lab, '--attach', mode)
    const { netns } = lab.pod('a')
    const add = (name: string) =>
      must([
        'ip',
        '-n',
        lab.node.netns,
        'link',
        'add',
        name,
        'index',
        '777',
        'type',
        'veth',
        'peer',
        'name',
        name,
        'netns',
        netns,
      ])
    const watched = async (count: number) =>
      (await weir.metrics()).get('weir_interfaces_watched', { hook: 'pod' }) === count
    await add('old')
    await until('the old one is attached', () => watched(3))
    weir.process.kill('SIGSTOP')
    await must(['ip', '-n', lab.node.netns, 'link', 'del', 'old'])
    await add('new')
    await flood(lab)
    weir.process.kill('SIGCONT')
    await until('the new one has the programs', async () => (await attachedTo(lab, weir, mode, 777)) === 2)
    t.ok(await watched(3))
    await counts(t, lab, weir, 'the others as well')
  })
}

/** More link notifications than the socket takes. */
async function flood(lab: Lab): Promise<void> {
  const lines = Array.from({ length: 3000 }, (_, n) => `link set lo alias x${n}`)
  const { code, stderr } = await lab.run('node', ['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` })
  if (code !== 0) throw new Error(stderr)
}

async function attachedTo(lab: Lab, weir: WeirProcess, mode: Mode, ifindex: number): Promise<number> {
  if (mode === 'tcx') return holdingsOf(weir.pid).interfaces.filter(each => each === ifindex).length
  return (await ownFilters(lab)).filter(({ link }) => link === 'new').length
}

for (const [first, second] of [
  ['tcx', 'tcx'],
  ['tc', 'tc'],
  ['tcx', 'tc'],
  ['tc', 'tcx'],
] as const) {
  t.test(`two Weirs, ${first} and then ${second}, both count everything, and after either has ended`, ROOT, async t => {
    const lab = await start(t)
    const one = await watch(t, lab, '--attach', first)
    for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
      const two = await watch(t, lab, '--attach', second)
      await sleep(1200) // two checks
      await counts(t, lab, one, 'the first')
      await counts(t, lab, two, 'the second')
      await two.stop(signal)
      await sleep(1200)
      await counts(t, lab, one, `the first, after the second ended by ${signal}`)
    }
    const three = await watch(t, lab, '--attach', second)
    await one.stop()
    await sleep(1200)
    await counts(t, lab, three, 'the second, after the first has ended')
    for (const weir of [one, three]) t.notMatch(weir.stderr(), /attached again|runs first/, 'they do not compete')
  })
}

t.test('`weir record` runs with `weir run`, and neither changes the other', ROOT, async t => {
  for (const mode of MODES) {
    const lab = await start(t)
    const weir = await watch(t, lab, '--attach', mode)
    const file = join(t.testdir({}), 'records.pcap')
    const record = lab.spawn('node', [process.execPath, 'dist/cli/main.js', 'record', '--attach', mode, '-o', file])
    let stderr = ''
    record.stderr?.on('data', chunk => {
      stderr += chunk
    })
    await until('it records', () => /msg=recording/.test(stderr))
    await counts(t, lab, weir, `with record by ${mode}`)
    record.kill('SIGTERM')
    await once(record, 'exit')
    await counts(t, lab, weir, `after record by ${mode}`)
    t.notMatch(weir.stderr(), /attached again/)
    await lab.destroy()
  }
})
