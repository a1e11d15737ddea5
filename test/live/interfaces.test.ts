/**
 * interfaces.test.ts - interfaces are followed as they come, go and change their names, and a vanished one leaks nothing.
 */
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import type { Lab } from '../../src/lab/lab.js'
import { holdingsOf } from '../support/kernel-holdings.js'
import { ownFilters } from '../support/own-filters.js'
import { until } from '../support/until.js'
import { inventoryFile, labOf, podSpec, ROOT, watch } from '../support/watched-lab.js'
import { startWeir, type WeirProcess } from '../support/weir-process.js'

const THIS_FILE = fileURLToPath(import.meta.url)
const NETWORK = 62
const PORT = 4000
const MANY = 200
const CYCLES = 100

async function ip(lab: Lab, ...lines: string[]): Promise<void> {
  const { code, stderr } = await lab.run('node', ['ip', '-batch', '-'], { input: `${lines.join('\n')}\n` })
  if (code !== 0) throw new Error(stderr)
}

/** Without links in the pods' namespaces, whose interface numbers would be looked up in the node's. */
const HOST_ONLY = ['--pod-end', 'never'] as const

async function watched(weir: WeirProcess): Promise<number | undefined> {
  return (await weir.metrics()).get('weir_interfaces_watched', { hook: 'pod' })
}

function becomes(weir: WeirProcess, count: number): Promise<boolean> {
  return until(`${count} interfaces are watched`, async () => (await watched(weir)) === count)
}

/** Names of the interfaces that Weir stands on, by link or filter; each must have both directions. */
async function names(t: Test, lab: Lab, weir: WeirProcess): Promise<string[]> {
  const { stdout } = await lab.run('node', ['ip', '-j', 'link'])
  const rows = JSON.parse(stdout) as { ifindex: number; ifname: string }[]
  const nameOf = (ifindex: number) => rows.find(row => row.ifindex === ifindex)?.ifname ?? `no ${ifindex}`
  const linked = holdingsOf(weir.pid).interfaces.map(nameOf)
  const filtered = (await ownFilters(lab)).map(({ link }) => link)
  const all = [...linked, ...filtered].sort()
  const each = [...new Set(all)]
  const both = each.flatMap(name => [name, name])
  t.strictSame(all, both, 'each has both directions, once')
  return each
}

t.test('a pod that comes while it runs is counted from its first packet, and its counts outlive it', ROOT, async t => {
  const lab = await labOf(t, ['interfaces/a'], { network: NETWORK })
  // Weir reads the inventory file at its start: another lab has the addresses of the pods to come.
  const plan = await labOf(t, ['interfaces/a', 'interfaces/tcx', 'interfaces/tc'], { network: NETWORK })
  const inventory = inventoryFile(t, plan)
  for (const attach of ['tcx', 'tc']) {
    const weir = await startWeir(['--netns', lab.node.path, '--inventory', inventory, '--attach', attach])
    t.teardown(() => weir.stop('SIGKILL'))
    t.equal(await watched(weir), 1)
    const start = Date.now()
    const late = await lab.addPod(podSpec(`interfaces/${attach}`))
    await becomes(weir, 2)
    t.comment(`${attach}: pod made and watched in ${Date.now() - start} ms`)
    await late.agent.call('udpServe', { port: PORT, answer: 'none' })
    await lab.pod('a').agent.call('udpSend', { host: late.ipv4, port: PORT, count: 50, size: 10 })
    const check = async () => {
      const page = await weir.metrics()
      for (const reporter of ['source', 'destination']) {
        const flow = { destination_workload: attach, protocol: 'UDP', reporter }
        t.equal(page.sum('weir_flow_packets_total', flow), 50, `${attach}, at the ${reporter}`)
      }
      t.equal(page.sum('weir_interface_errors_total'), 0)
    }
    await check()
    await lab.removePod(attach)
    await becomes(weir, 1)
    await check()
    await weir.stop()
  }
})

t.test(
  `${MANY} interfaces are all attached soon after it is ready, and a stop does not wait for them`,
  ROOT,
  async t => {
    const lab = await labOf(t, ['interfaces/a'], { network: NETWORK })
    const { netns } = lab.pod('a')
    const line = (_: unknown, n: number) => `link add many${n} type veth peer name peer${n} netns ${netns}`
    await ip(lab, ...Array.from({ length: MANY }, line))
    for (const attach of ['auto', 'tc']) {
      const weir = await watch(t, lab, '--attach', attach, ...HOST_ONLY)
      const page = await weir.metrics()
      const [coverage, locked] = ['coverage_seconds', 'attach_seconds_total'].map(name =>
        page.get(`weir_interface_${name}`),
      )
      t.comment(`${attach}, ${MANY} veths: ready after ${weir.readyMs.toFixed(0)} ms`)
      t.comment(`covered after ${coverage?.toFixed(2)} s, network configuration locked for ${locked?.toFixed(2)} s`)
      t.equal(page.get('weir_interfaces_pending'), 0)
      t.equal(await watched(weir), MANY + 1)
      t.equal((await names(t, lab, weir)).length, MANY + 1)
      t.equal((await weir.metrics()).sum('weir_interface_errors_total'), 0)
      const stop = performance.now()
      t.strictSame(await weir.stop(), { code: 0, signal: null })
      t.comment(`stopped after ${(performance.now() - stop).toFixed(0)} ms`)
      t.strictSame(await ownFilters(lab), [])
    }
  },
)

for (const attach of ['tcx', 'tc']) {
  t.test(`${CYCLES} interfaces that come and go leave nothing behind, attached by ${attach}`, ROOT, async t => {
    const lab = await labOf(t, ['interfaces/a'], { network: NETWORK })
    const { netns } = lab.pod('a')
    const weir = await watch(t, lab, '--attach', attach, ...HOST_ONLY)
    const held = () => {
      const { prog, map, link, interfaces, descriptors } = holdingsOf(weir.pid)
      return { programs: prog.size, maps: map.size, links: link.size, interfaces, descriptors }
    }
    await watched(weir)
    const before = held()
    const names = ['w', 'x', 'y', 'z']
    for (let cycle = 0; cycle < CYCLES; cycle += names.length) {
      await ip(lab, ...names.map(name => `link add ${name}${cycle} type veth peer name ${name} netns ${netns}`))
      await becomes(weir, 1 + names.length)
      await ip(lab, ...names.map(name => `link del ${name}${cycle}`))
      await becomes(weir, 1)
    }
    t.strictSame(held(), before)
    t.equal((await weir.metrics()).sum('weir_interface_errors_total'), 0)
    t.notOk(/level=(warn|error)/.test(weir.stderr()), 'nothing to complain of')
    t.equal((await ownFilters(lab)).length, attach === 'tc' ? 2 : 0)
  })
}

t.test('a burst of interfaces that come and go at once ends with those that are there', ROOT, async t => {
  const lab = await labOf(t, ['interfaces/a'], { network: NETWORK })
  const { netns } = lab.pod('a')
  const weir = await watch(t, lab, ...HOST_ONLY)
  const all = Array.from({ length: MANY }, (_, n) => n)
  const add = (n: number) => `link add x${n} type veth peer name y${n} netns ${netns}`
  weir.process.kill('SIGSTOP')
  await ip(lab, ...all.map(add), ...all.filter(n => n % 4 !== 0).map(n => `link del x${n}`))
  weir.process.kill('SIGCONT')
  await becomes(weir, MANY / 4 + 1)
  const there = [lab.pod('a').link, ...all.filter(n => n % 4 === 0).map(n => `x${n}`)]
  t.strictSame(await names(t, lab, weir), there.sort())
  t.equal((await weir.metrics()).sum('weir_interface_errors_total'), 0)
})

t.test('patterns pick exactly the interfaces that they match, of any kind', ROOT, async t => {
  const lab = await labOf(t, ['interfaces/a'], { network: NETWORK })
  const { netns } = lab.pod('a')
  const veths = ['cali1', 'cali2', 'calx1', 'xcali1', 'p0', 'p1', 'p9'].map(
    name => `link add ${name} type veth peer name ${name} netns ${netns}`,
  )
  await ip(lab, ...veths, 'link add p2 type veth peer name cali', 'link add q type veth peer name xp1')
  const weir = await watch(t, lab, '--interfaces', 'cali*', '--interfaces', 'p[0-5]', ...HOST_ONLY)
  t.strictSame(await names(t, lab, weir), ['cali', 'cali1', 'cali2', 'p0', 'p1', 'p2'])
  await ip(lab, 'link add p3 type veth peer name p6', 'link add cali7 type veth peer name q7')
  await becomes(weir, 8)
  t.strictSame(await names(t, lab, weir), ['cali', 'cali1', 'cali2', 'cali7', 'p0', 'p1', 'p2', 'p3'])
})

t.test('an interface that is renamed is watched as long as its name matches', ROOT, async t => {
  const lab = await labOf(t, ['interfaces/a'], { network: NETWORK })
  await ip(lab, 'link add tmp1 type veth peer name pod2')
  const weir = await watch(t, lab, '--interfaces', 'pod*', ...HOST_ONLY)
  t.strictSame(await names(t, lab, weir), ['pod2'])
  await ip(lab, 'link set tmp1 name pod1')
  await becomes(weir, 2)
  t.strictSame(await names(t, lab, weir), ['pod1', 'pod2'])
  await ip(lab, 'link set pod2 name tmp2')
  await becomes(weir, 1)
  t.strictSame(await names(t, lab, weir), ['pod1'])
})

t.test('a veth is a pod’s only while its other end is in another namespace', ROOT, async t => {
  const lab = await labOf(t, ['interfaces/a'], { network: NETWORK })
  const { link, netns } = lab.pod('a')
  await ip(lab, 'link add here type veth peer name there', 'link set here up', 'link set there up')
  const weir = await watch(t, lab, ...HOST_ONLY)
  t.strictSame(await names(t, lab, weir), [link])
  await ip(lab, 'link add left type veth peer name right', 'link set left up', 'link set right up')
  // As some CNIs do: create the veth pair on the node, move one side into the pod and bring it up there.
  await ip(lab, `link set there netns ${netns}`)
  await lab.pod('a').exec(['ip', 'link', 'set', 'there', 'up'])
  await becomes(weir, 2)
  t.strictSame(await names(t, lab, weir), ['here', link].sort())
})

t.test('a namespace that is not there, or is none, is named in one line', ROOT, async t => {
  await t.rejects(startWeir(['--netns', '/run/netns/weir-absent']), /ended with 1 .*\n.*\/run\/netns\/weir-absent/)
  await t.rejects(startWeir(['--netns', THIS_FILE]), /ended with 1 .*\n.*interfaces\.test\.ts/)
})
