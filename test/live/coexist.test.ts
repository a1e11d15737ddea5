/**
 * coexist.test.ts - with an independent tc program that drops and redirects: its verdicts apply, and Weir still counts.
 *
 * Weir is first on its hook, or first again after another program has asked for the head: it counts what that one drops
 * or redirects. Only TCX links before clsact filters cannot be helped, because the kernel runs all links first. Then Weir
 * counts what they pass on, and says that it is behind.
 */
import { once } from 'node:events'
import { join } from 'node:path'
import t, { type Test } from 'tap'
import type { Lab } from '../../src/lab/lab.js'
import type { Pod } from '../../src/lab/pod.js'
import { must } from '../../src/lab/process.js'
import { compileAttacher, compileVerdicts } from '../support/foreign-programs.js'
import { until } from '../support/until.js'
import { labOf, ROOT, watch } from '../support/watched-lab.js'
import type { WeirProcess } from '../support/weir-process.js'

/** UDP ports of b and the number of datagrams to each; all different, so that a sum shows its parts. */
const PORT = { plain: 4000, dropIn: 4001, redirectIn: 4002, dropOut: 4003, redirectOut: 4004 } as const
const SENT = { plain: 3, dropIn: 5, redirectIn: 7, dropOut: 11, redirectOut: 17 } as const
type Fate = keyof typeof PORT
const FATES = Object.keys(PORT) as Fate[]
const NETWORK = 60
const PAYLOAD = 100
/** Ethernet, IPv4 and UDP before it. */
const FRAME = PAYLOAD + 14 + 20 + 8

const ALL = FATES.reduce((sum, fate) => sum + SENT[fate], 0)
/** Redirected packets leave by c's interface, where only Weir is attached: there the destination is c. */
const ELSEWHERE = SENT.redirectIn + SENT.redirectOut
const FIRST = { source: ALL, destination: SENT.plain + SENT.dropOut + SENT.redirectOut }
const SECOND = { source: ALL - SENT.dropIn - SENT.redirectIn, destination: SENT.plain }

interface Place {
  readonly object: string
  readonly link: string
  readonly direction: 'ingress' | 'egress'
}
type Stand = (t: Test, lab: Lab, place: Place) => Promise<void>

const filter =
  (...place: string[]): Stand =>
  async (t, lab, { object, link, direction }) => {
    const tc = (...argv: string[]) => must(['tc', '-n', lab.node.netns, ...argv])
    await tc('qdisc', 'replace', 'dev', link, 'clsact')
    await tc('filter', 'add', 'dev', link, direction, ...place, 'bpf', 'da', 'obj', object, 'sec', 'tc')
    t.teardown(() => tc('qdisc', 'del', 'dev', link, 'clsact'))
  }

const link =
  (end: 'head' | 'tail'): Stand =>
  async (t, lab, { object, link, direction }) => {
    const attached = lab.spawn('node', [join(object, '../attach-tcx'), object, link, direction, end])
    t.teardown(async () => {
      attached.stdin?.end()
      if (attached.exitCode === null) await once(attached, 'exit')
    })
    if (attached.stdout === null) throw new Error('attach-tcx has no stdout')
    t.equal(String((await once(attached.stdout, 'data'))[0]), 'attached\n')
  }

interface Case {
  readonly title: string
  readonly attach: 'tcx' | 'tc'
  readonly stand: Stand
  readonly order: 'before' | 'after'
  readonly seen: { readonly source: number; readonly destination: number }
  /** Times that Weir is overtaken and attaches again. */
  readonly reattached?: number
}

const CASES: readonly Case[] = [
  { title: 'a filter', attach: 'tcx', stand: filter('prio', '1'), order: 'before', seen: FIRST },
  { title: 'a filter', attach: 'tcx', stand: filter(), order: 'after', seen: FIRST },
  { title: 'a link', attach: 'tcx', stand: link('tail'), order: 'before', seen: FIRST },
  { title: 'a link', attach: 'tcx', stand: link('tail'), order: 'after', seen: FIRST },
  { title: 'a link at the head', attach: 'tcx', stand: link('head'), order: 'after', seen: FIRST, reattached: 2 },
  { title: 'a filter at the same priority', attach: 'tc', stand: filter('prio', '1'), order: 'before', seen: FIRST },
  { title: 'a filter', attach: 'tc', stand: filter(), order: 'after', seen: FIRST },
  {
    title: 'a filter at the same priority',
    attach: 'tc',
    stand: filter('prio', '1'),
    order: 'after',
    seen: FIRST,
    reattached: 2,
  },
  { title: 'a link', attach: 'tc', stand: link('tail'), order: 'before', seen: SECOND },
  { title: 'a link', attach: 'tc', stand: link('tail'), order: 'after', seen: SECOND },
]

t.test('beside an independent program that drops and redirects', ROOT, async t => {
  const lab = await labOf(t, ['coexist/a', 'coexist/b', 'coexist/c'], { network: NETWORK })
  const [a, b, c] = [lab.pod('a'), lab.pod('b'), lab.pod('c')]
  for (const fate of FATES) await b.agent.call('udpServe', { port: PORT[fate], answer: 'none' })
  const objects = compile(t, c)
  const places: readonly Place[] = [
    { object: objects.ingress, link: a.link, direction: 'ingress' },
    { object: objects.egress, link: b.link, direction: 'egress' },
  ]
  for (const { title, attach, stand, order, seen, reattached = 0 } of CASES) {
    t.test(`attached by ${attach}, with ${title} that came ${order}, it has its way and is counted`, async t => {
      const settle = async () => {
        for (const place of places) await stand(t, lab, place)
      }
      if (order === 'before') await settle()
      const weir = await watch(t, lab, '--attach', attach)
      if (order === 'after') await settle()
      const overtaken = { reason: 'not_first' }
      await until('Weir is first', async () => {
        return (await weir.metrics()).get('weir_interface_reattached_total', overtaken) === reattached
      })
      const behind = seen === SECOND ? places.map(({ link }) => link) : []
      await until('it knows where it is behind', async () => {
        const series = (await weir.metrics()).series('weir_interface_behind')
        return JSON.stringify(series.map(({ labels }) => labels.interface)) === JSON.stringify(behind)
      })
      await checkFates(t, lab, () => send(a, b))
      await checkCounts(t, weir, seen)
      t.strictSame(await weir.stop(), { code: 0, signal: null })
      await checkFates(t, lab, () => send(a, b))
    })
  }
})

/** Compiles the other program for either hook, and what attaches it by TCX. */
function compile(t: Test, target: Pod): { ingress: string; egress: string } {
  const folder = t.testdir({})
  compileAttacher(folder)
  const object = (drop: number, redirect: number) => compileVerdicts(folder, { drop, redirect, target: target.ifindex })
  return { ingress: object(PORT.dropIn, PORT.redirectIn), egress: object(PORT.dropOut, PORT.redirectOut) }
}

async function send(from: Pod, to: Pod): Promise<void> {
  for (const fate of FATES) {
    const datagrams = { host: to.ipv4, port: PORT[fate], count: SENT[fate], size: PAYLOAD }
    await from.agent.call('udpSend', datagrams)
  }
}

/** What came of the packets: only the plain ones at b, the redirected ones on c's link. */
async function checkFates(t: Test, lab: Lab, body: () => Promise<void>): Promise<void> {
  const { agent } = lab.pod('b')
  const taken = () => Promise.all(FATES.map(fate => agent.call('udpReceived', { port: PORT[fate] })))
  const [before, there] = [await taken(), await lab.linkCounters(lab.pod('c'))]
  await body()
  const [after, here] = [await taken(), await lab.linkCounters(lab.pod('c'))]
  const came = Object.fromEntries(FATES.map((fate, i) => [fate, after[i]!.datagrams - before[i]!.datagrams]))
  t.strictSame(came, { plain: SENT.plain, dropIn: 0, redirectIn: 0, dropOut: 0, redirectOut: 0 }, 'what b took')
  t.equal(here.tx.packets - there.tx.packets, ELSEWHERE, 'what went to c')
}

async function checkCounts(t: Test, weir: WeirProcess, seen: Case['seen']): Promise<void> {
  const page = await weir.metrics()
  const flow = { source_workload: 'a', destination_workload: 'b', protocol: 'UDP' }
  for (const reporter of ['source', 'destination'] as const) {
    const labels = { ...flow, reporter, verdict: 'FORWARDED' }
    t.equal(page.sum('weir_flow_packets_total', labels), seen[reporter], `packets at ${reporter}`)
    t.equal(page.sum('weir_flow_bytes_total', labels), seen[reporter] * FRAME, `bytes at ${reporter}`)
  }
  const elsewhere = { ...flow, destination_workload: 'c', reporter: 'destination', verdict: 'FORWARDED' }
  t.equal(page.sum('weir_flow_packets_total', elsewhere), ELSEWHERE, 'redirected packets')
  for (const [reason, packets] of [['TC_INGRESS', SENT.dropIn] as const, ['TC_EGRESS', SENT.dropOut] as const]) {
    t.equal(page.sum('weir_drop_packets_total', { ...flow, reason }), packets, `drops by ${reason}`)
  }
}
