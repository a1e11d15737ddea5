/**
 * crash.test.ts - kill -9 at any moment: nothing of Weir's grows in the kernel, and the next start works.
 */
import { readdirSync } from 'node:fs'
import t, { type Test } from 'tap'
import type { Lab } from '../../src/lab/lab.js'
import { must } from '../../src/lab/process.js'
import { type Holdings, holdingsOf, KINDS, leftOf } from '../support/kernel-holdings.js'
import { ownFilters } from '../support/own-filters.js'
import { until } from '../support/until.js'
import { labOf, ROOT, watch } from '../support/watched-lab.js'
import type { WeirProcess } from '../support/weir-process.js'

const NETWORK = 61
const CYCLES = 3
const PORT = 4000
const DATAGRAMS = 20

/** Another program's filters on the hooks of a's link, as the kernel lists them. */
async function settle(lab: Lab): Promise<() => Promise<FilterRow[]>> {
  const { link } = lab.pod('a')
  const tc = (...argv: string[]) => must(['tc', '-n', lab.node.netns, ...argv])
  await tc('qdisc', 'add', 'dev', link, 'clsact')
  // Classic BPF, one instruction: return TC_ACT_UNSPEC. At Weir's own priority, and behind it.
  for (const direction of ['ingress', 'egress']) {
    for (const priority of ['1', '7']) {
      const place = ['dev', link, direction, 'prio', priority]
      await tc('filter', 'add', ...place, 'bpf', 'da', 'bytecode', '1,6 0 0 4294967295')
    }
  }
  return async () => {
    const text = await Promise.all(['ingress', 'egress'].map(way => tc('-j', 'filter', 'show', 'dev', link, way)))
    return text.flatMap(text => JSON.parse(text) as FilterRow[]).filter(isStrangers)
  }
}

interface FilterRow {
  readonly options?: { readonly bytecode?: unknown }
}

const isStrangers = ({ options }: FilterRow): boolean => options !== undefined && 'bytecode' in options

async function kill(weir: WeirProcess): Promise<Holdings> {
  const held = holdingsOf(weir.pid)
  await weir.stop('SIGKILL')
  return held
}

async function checkCounts(t: Test, lab: Lab, weir: WeirProcess): Promise<void> {
  const [a, b] = [lab.pod('a'), lab.pod('b')]
  await a.agent.call('udpSend', { host: b.ipv4, port: PORT, count: DATAGRAMS, size: 10 })
  const page = await weir.metrics()
  for (const reporter of ['source', 'destination']) {
    const flow = { source_workload: 'a', destination_workload: 'b', protocol: 'UDP', reporter }
    t.equal(page.sum('weir_flow_packets_total', flow), DATAGRAMS, `each packet once at ${reporter}`)
  }
}

t.test('killed with TCX links nothing is left, and the next start counts', ROOT, async t => {
  const lab = await labOf(t, ['crash/a', 'crash/b'], { network: NETWORK })
  await lab.pod('b').agent.call('udpServe', { port: PORT, answer: 'none' })
  const pins = readdirSync('/sys/fs/bpf')
  const held = await kill(await watch(t, lab, '--attach', 'tcx', '--pod-end', 'never'))
  for (const kind of KINDS) t.ok(held[kind].size > 0, `it had a ${kind}`)
  t.equal(held.interfaces.length, 2 * lab.pods.length, 'links in both directions')
  await until('all is gone', () => leftOf(held).length === 0)
  t.strictSame(await ownFilters(lab), [])
  t.strictSame(readdirSync('/sys/fs/bpf'), pins, 'no pins')
  const weir = await watch(t, lab, '--attach', 'tcx')
  await checkCounts(t, lab, weir)
  await stopsClean(t, lab, weir)
})

t.test('killed with filters these stay, and the next start takes their place', ROOT, async t => {
  const lab = await labOf(t, ['crash/a', 'crash/b'], { network: NETWORK })
  await lab.pod('b').agent.call('udpServe', { port: PORT, answer: 'none' })
  const held = await kill(await watch(t, lab, '--attach', 'tc'))
  const left = await ownFilters(lab)
  t.equal(left.length, 2 * lab.pods.length)
  const standing = new Set(left.map(({ id }) => `prog ${id}`))
  // The maps that those programs use stay with them; other programs go.
  const programs = async () => leftOf(held).filter(name => name.startsWith('prog'))
  await until('other programs are gone', async () => (await programs()).length === standing.size)
  t.strictSame(new Set(await programs()), standing)
  const weir = await watch(t, lab, '--attach', 'tc')
  await until('those of the killed one are gone', () => leftOf(held).length === 0)
  t.equal((await ownFilters(lab)).length, left.length, 'replaced, not doubled')
  await checkCounts(t, lab, weir)
  await stopsClean(t, lab, weir)
})

t.test('filters of a killed one go when the next one attaches by links', ROOT, async t => {
  const lab = await labOf(t, ['crash/a', 'crash/b'], { network: NETWORK })
  await lab.pod('b').agent.call('udpServe', { port: PORT, answer: 'none' })
  const held = await kill(await watch(t, lab, '--attach', 'tc'))
  const weir = await watch(t, lab)
  await checkCounts(t, lab, weir)
  t.strictSame(await ownFilters(lab), [])
  await until('those of the killed one are gone', () => leftOf(held).length === 0)
  await stopsClean(t, lab, weir)
})

for (const mode of ['tcx', 'tc'] as const) {
  t.test(`${CYCLES} crashes attached by ${mode} add up to nothing, and leave others' filters alone`, ROOT, async t => {
    const lab = await labOf(t, ['crash/a', 'crash/b'], { network: NETWORK })
    await lab.pod('b').agent.call('udpServe', { port: PORT, answer: 'none' })
    const strangers = await settle(lab)
    const theirs = await strangers()
    t.equal(theirs.length, 4)
    const before = { prog: new Set<number>(), map: new Set<number>(), link: new Set<number>() }
    const counts: string[] = []
    for (let cycle = 0; cycle < CYCLES; cycle++) {
      const held = await kill(await watch(t, lab, '--attach', mode, '--pod-end', 'never'))
      await until('what earlier ones left is gone', () => leftOf(before).length === 0)
      t.strictSame(await strangers(), theirs)
      const sizes = KINDS.map(kind => `${held[kind].size} ${kind}s`)
      counts.push([...sizes, `${(await ownFilters(lab)).length} filters`].join(', '))
      for (const kind of KINDS) for (const id of held[kind]) before[kind].add(id)
    }
    t.comment(counts[0])
    t.equal(new Set(counts).size, 1, 'every one had and left the same')
    const weir = await watch(t, lab, '--attach', mode)
    await checkCounts(t, lab, weir)
    await stopsClean(t, lab, weir)
    t.strictSame(await strangers(), theirs)
    await until('what the last one left is gone', () => leftOf(before).length === 0)
  })
}

/** SIGTERM leaves nothing of it in the kernel. */
async function stopsClean(t: Test, lab: Lab, weir: WeirProcess): Promise<void> {
  const held = holdingsOf(weir.pid)
  t.strictSame(await weir.stop(), { code: 0, signal: null })
  t.strictSame(await ownFilters(lab), [], 'no filter is left')
  await until('all is gone', () => leftOf(held).length === 0)
}
