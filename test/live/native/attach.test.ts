/**
 * attach.test.ts - programs on the ingress and egress of an interface: TCX links and clsact filters, with programs of other
 *                  owners, and after a crash.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { ADDON, compile, load, type Pair, packets, pair, ROOT, Slot } from '../../support/native.js'

/** Program names of all filters on v0 in one direction. */
function filters(near: Pair, direction: 'ingress' | 'egress'): string[] {
  const list = JSON.parse(near.run('tc', '-j', 'filter', 'show', 'dev', 'v0', direction)) as FilterRow[]
  return list.filter(row => row.options?.handle !== undefined).map(row => row.options?.prog?.name ?? 'none')
}

interface FilterRow {
  readonly options?: { readonly handle?: string; readonly prog?: { readonly name: string } }
}

function counts(t: Test, near: Pair, object: Parameters<typeof packets>[0], pings: number, title: string): void {
  const before = packets(object)
  near.ping(pings)
  const after = packets(object)
  const seen = [Slot.in, Slot.out].map(slot => after[slot]! - before[slot]!)
  t.strictSame(seen, [pings, pings], title)
}

for (const mode of ['auto', 'tcx', 'tc'] as const) {
  t.test(`attached by ${mode}, it counts every packet in both directions until detached`, ROOT, async t => {
    const near = pair(t, mode)
    const object = load(t, compile(t))
    const attach = () => object.attachInterface(near.path, near.ifindex, 'count_in', 'count_out', mode)
    const detach = () => object.detachInterface(near.path, near.ifindex)
    t.equal(await attach(), mode === 'auto' ? 'tcx' : mode)
    counts(t, near, object, 5, 'counted')
    await t.rejects(attach(), { code: 'EEXIST' }, 'already attached')
    await detach()
    const before = packets(object)
    near.ping(2)
    t.strictSame(packets(object), before, 'nothing after detach')
    await detach()
    await attach()
    counts(t, near, object, 3, 'attached again')
    object.close()
    t.strictSame([...filters(near, 'ingress'), ...filters(near, 'egress')], [], 'close() removes all filters')
    near.ping(1)
  })

  t.test(`attached by ${mode}, it counts packets that a filter attached earlier drops`, ROOT, async t => {
    const near = pair(t, mode)
    const object = load(t, compile(t))
    near.run('tc', 'qdisc', 'add', 'dev', 'v0', 'clsact')
    // Classic BPF, one instruction: return TC_ACT_SHOT.
    near.run('tc', 'filter', 'add', 'dev', 'v0', 'ingress', 'prio', '2', 'bpf', 'da', 'bytecode', '1,6 0 0 2')
    await object.attachInterface(near.path, near.ifindex, 'count_in', 'count_out', mode)
    t.throws(() => near.ping(2), Error, 'the filter still drops')
    t.strictSame(packets(object).slice(0, 2), [2, 2], 'counted before the drop')
  })
}

t.test('TCX links go before links that are already attached', ROOT, async t => {
  const near = pair(t, 'first')
  const object = load(t, compile(t))
  const other = load(t, compile(t, 'foreign'))
  await other.attachInterface(near.path, near.ifindex, 'drop', 'pass', 'tcx')
  await object.attachInterface(near.path, near.ifindex, 'count_in', 'count_out', 'tcx')
  t.throws(() => near.ping(2), Error)
  t.strictSame(packets(object).slice(0, 2), [2, 2], 'counted before the drop')
})

t.test('one interface number attaches to an interface in each of two namespaces', ROOT, async t => {
  const one = pair(t, 'one')
  const two = pair(t, 'two')
  const object = load(t, compile(t))
  t.equal(one.ifindex, two.ifindex)
  for (const near of [one, two]) {
    await object.attachInterface(near.path, near.ifindex, 'count_in', 'count_out', 'auto')
  }
  await object.detachInterface(one.path, one.ifindex)
  counts(t, two, object, 2, 'the other one is still attached')
})

t.test('detaching a deleted interface is no error', ROOT, async t => {
  const path = compile(t)
  for (const mode of ['tcx', 'tc'] as const) {
    const near = pair(t, mode)
    const object = load(t, path)
    await object.attachInterface(near.path, near.ifindex, 'count_in', 'count_out', mode)
    near.run('ip', 'link', 'delete', 'v0')
    await object.detachInterface(near.path, near.ifindex)
    const attach = () => object.attachInterface(near.path, near.ifindex, 'count_in', 'count_out', mode)
    await t.rejects(attach(), { code: 'ENODEV', message: new RegExp(`${near.ifindex}`) })
    object.close()
  }
})

t.test('a failed attach names the program and leaves nothing attached', ROOT, async t => {
  const near = pair(t, 'bad')
  const object = load(t, compile(t))
  const attach = (ingress: string, egress: string, mode: 'tcx' | 'tc') => () =>
    object.attachInterface(near.path, near.ifindex, ingress, egress, mode)
  t.throws(attach('count_in', 'absent', 'tcx'), { code: 'ENOENT', message: /'absent'/ })
  for (const mode of ['tcx', 'tc'] as const) {
    await t.rejects(attach('count_in', 'count_drops', mode), { code: 'EINVAL' }, 'wrong program type')
    near.ping(1)
    t.equal(packets(object)[Slot.in], 0, `no ingress program after egress failed: ${mode}`)
  }
  t.throws(() => object.attachInterface(undefined, 0, 'count_in', 'count_out', 'tc'), { name: 'RangeError' })
})

/** Attaches by tc in the near namespace, prints `attached`, and runs until it is killed. */
const CRASHING = `
  const { BpfObject } = require(process.argv[1])
  const [path, netns, ifindex] = process.argv.slice(2)
  const object = new BpfObject(path, {}, {})
  object.attachInterface(netns, Number(ifindex), 'count_in', 'count_out', 'tc').then(() => process.stdout.write('attached'))
  setInterval(() => object, 1000)
`

for (const [mode, expected] of [
  ['tc', [['count_in'], ['count_out']]],
  ['tcx', [[], []]],
] as const) {
  t.test(`attaching by ${mode} removes the filters of a killed process`, ROOT, async t => {
    const near = pair(t, 'left')
    const path = compile(t)
    const child = spawn(process.execPath, ['-e', CRASHING, ADDON, path, near.path, String(near.ifindex)])
    t.teardown(() => child.kill('SIGKILL'))
    t.match(String((await once(child.stdout, 'data'))[0]), 'attached')
    child.kill('SIGKILL')
    await once(child, 'exit')
    t.strictSame(filters(near, 'ingress'), ['count_in'], 'the leftover')
    const object = load(t, path)
    await object.attachInterface(near.path, near.ifindex, 'count_in', 'count_out', mode)
    t.strictSame([filters(near, 'ingress'), filters(near, 'egress')], expected)
    counts(t, near, object, 3, 'counted by the new programs')
  })
}

t.test('two objects attached by tc both count, and closing one leaves the filters of the other', ROOT, async t => {
  const near = pair(t, 'two')
  const path = compile(t)
  const [first, second] = [load(t, path), load(t, path)]
  for (const object of [first, second]) {
    await object.attachInterface(near.path, near.ifindex, 'count_in', 'count_out', 'tc')
    t.strictSame(await first.checkInterfaces(near.path, [near.ifindex]), ['attached'])
  }
  counts(t, near, first, 3, 'the first')
  t.equal(packets(second)[Slot.in], 3, 'the second')
  second.close()
  t.strictSame([filters(near, 'ingress').length, filters(near, 'egress').length], [1, 1])
  counts(t, near, first, 2, 'the first alone')
})

t.test("a filter of another kind at the same priority stays, and the error has the kernel's reason", ROOT, async t => {
  const near = pair(t, 'kind')
  const object = load(t, compile(t))
  near.run('tc', 'qdisc', 'add', 'dev', 'v0', 'clsact')
  near.run('tc', 'filter', 'add', 'dev', 'v0', 'ingress', 'prio', '1', 'u32', 'match', 'u32', '0', '0', 'flowid', '1:1')
  const attach = () => object.attachInterface(near.path, near.ifindex, 'count_in', 'count_out', 'tc')
  await t.rejects(attach(), { code: 'EINVAL', message: /priority 1\n.*kind/ })
  t.strictSame(filters(near, 'egress'), [])
})
