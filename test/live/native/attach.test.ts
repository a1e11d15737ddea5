/**
 * attach.test.ts - programs on the two ends of a hook: TCX links and clsact filters, beside others, and after a crash.
 */
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import t, { type Test } from 'tap'
import { ADDON, compile, load, native, type Pair, packets, pair, ROOT, Slot } from '../../support/native.js'

/** Weir's own filters and others' on v0, by direction: program names. */
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
  t.test(`attached by ${mode} every packet is counted in both directions, until detached`, ROOT, async t => {
    const near = pair(t, mode)
    const object = load(t, compile(t))
    const attach = () => object.attachInterface(near.ifindex, 'count_in', 'count_out', mode)
    const detach = () => object.detachInterface(near.ifindex)
    t.equal(native.inNamespace(near.path, attach), mode === 'auto' ? 'tcx' : mode)
    counts(t, near, object, 5, 'counted')
    t.throws(() => native.inNamespace(near.path, attach), { code: 'EEXIST' }, 'attached once')
    native.inNamespace(near.path, detach)
    const before = packets(object)
    near.ping(2)
    t.strictSame(packets(object), before, 'nothing after')
    native.inNamespace(near.path, detach)
    native.inNamespace(near.path, attach)
    counts(t, near, object, 3, 'and again')
    object.close()
    t.strictSame([...filters(near, 'ingress'), ...filters(near, 'egress')], [], 'close leaves nothing')
    near.ping(1)
  })

  t.test(`attached by ${mode} it sees what a filter that came before drops`, ROOT, async t => {
    const near = pair(t, mode)
    const object = load(t, compile(t))
    near.run('tc', 'qdisc', 'add', 'dev', 'v0', 'clsact')
    // Classic BPF, one instruction: return TC_ACT_SHOT.
    near.run('tc', 'filter', 'add', 'dev', 'v0', 'ingress', 'prio', '2', 'bpf', 'da', 'bytecode', '1,6 0 0 2')
    native.inNamespace(near.path, () => object.attachInterface(near.ifindex, 'count_in', 'count_out', mode))
    t.throws(() => near.ping(2), Error, 'it still has its way')
    t.strictSame(packets(object).slice(0, 2), [2, 2], 'and Weir has counted')
  })
}

t.test('TCX puts Weir before links that are there already', ROOT, async t => {
  const near = pair(t, 'first')
  const object = load(t, compile(t))
  const other = load(t, compile(t, 'stranger'))
  native.inNamespace(near.path, () => {
    other.attachInterface(near.ifindex, 'shoot', 'stranger', 'tcx')
    object.attachInterface(near.ifindex, 'count_in', 'count_out', 'tcx')
  })
  t.throws(() => near.ping(2), Error)
  t.strictSame(packets(object).slice(0, 2), [2, 2], 'seen before it was dropped')
})

t.test('an interface number means one interface in each namespace', ROOT, async t => {
  const one = pair(t, 'one')
  const two = pair(t, 'two')
  const object = load(t, compile(t))
  t.equal(one.ifindex, two.ifindex)
  for (const near of [one, two]) {
    native.inNamespace(near.path, () => object.attachInterface(near.ifindex, 'count_in', 'count_out', 'auto'))
  }
  native.inNamespace(one.path, () => object.detachInterface(one.ifindex))
  counts(t, two, object, 2, 'the other is attached still')
})

t.test('an interface that vanished is detached without complaint', ROOT, async t => {
  const path = compile(t)
  for (const mode of ['tcx', 'tc'] as const) {
    const near = pair(t, mode)
    const object = load(t, path)
    native.inNamespace(near.path, () => object.attachInterface(near.ifindex, 'count_in', 'count_out', mode))
    near.run('ip', 'link', 'delete', 'v0')
    native.inNamespace(near.path, () => object.detachInterface(near.ifindex))
    const attach = () => object.attachInterface(near.ifindex, 'count_in', 'count_out', mode)
    t.throws(() => native.inNamespace(near.path, attach), { code: 'ENODEV', message: new RegExp(`${near.ifindex}`) })
    object.close()
  }
})

t.test('what cannot be attached is named, and leaves nothing', ROOT, async t => {
  const near = pair(t, 'bad')
  const object = load(t, compile(t))
  const attach = (ingress: string, egress: string, mode: 'tcx' | 'tc') => () =>
    native.inNamespace(near.path, () => object.attachInterface(near.ifindex, ingress, egress, mode))
  t.throws(attach('count_in', 'absent', 'tcx'), { code: 'ENOENT', message: /'absent'/ })
  for (const mode of ['tcx', 'tc'] as const) {
    t.throws(attach('count_in', 'count_drops', mode), { code: 'EINVAL' }, 'a program of another type')
    near.ping(1)
    t.equal(packets(object)[Slot.in], 0, `ingress went when egress failed: ${mode}`)
  }
  t.throws(() => object.attachInterface(0, 'count_in', 'count_out', 'tc'), { name: 'RangeError' })
})

/** Attaches by tc in the near namespace, says so, and waits to be killed. */
const CRASHING = `
  const { BpfObject, inNamespace } = require(process.argv[1])
  const [path, netns, ifindex] = process.argv.slice(2)
  const object = new BpfObject(path, {}, {})
  inNamespace(netns, () => object.attachInterface(Number(ifindex), 'count_in', 'count_out', 'tc'))
  process.stdout.write('attached')
  setInterval(() => object, 1000)
`

for (const [mode, expected] of [
  ['tc', [['count_in'], ['count_out']]],
  ['tcx', [[], []]],
] as const) {
  t.test(`filters that a killed process left are gone once attached by ${mode}, not doubled`, ROOT, async t => {
    const near = pair(t, 'left')
    const path = compile(t)
    const child = spawn(process.execPath, ['-e', CRASHING, ADDON, path, near.path, String(near.ifindex)])
    t.teardown(() => child.kill('SIGKILL'))
    t.match(String((await once(child.stdout, 'data'))[0]), 'attached')
    child.kill('SIGKILL')
    await once(child, 'exit')
    t.strictSame(filters(near, 'ingress'), ['count_in'], 'left over')
    const object = load(t, path)
    native.inNamespace(near.path, () => object.attachInterface(near.ifindex, 'count_in', 'count_out', mode))
    t.strictSame([filters(near, 'ingress'), filters(near, 'egress')], expected)
    counts(t, near, object, 3, 'and what counts is ours')
  })
}

t.test('a filter of somebody else in the same place stays, and is named', ROOT, async t => {
  const near = pair(t, 'stranger')
  const object = load(t, compile(t))
  const stranger = load(t, compile(t, 'stranger'))
  native.inNamespace(near.path, () => {
    stranger.attachInterface(near.ifindex, 'stranger', 'stranger', 'tc')
    t.throws(() => object.attachInterface(near.ifindex, 'count_in', 'count_out', 'tc'), {
      code: 'EEXIST',
      message: new RegExp(`interface ${near.ifindex}: program 'stranger'`),
    })
  })
  t.strictSame([filters(near, 'ingress'), filters(near, 'egress')], [['stranger'], ['stranger']])
  object.close()
  t.strictSame([filters(near, 'ingress'), filters(near, 'egress')], [['stranger'], ['stranger']])
})

t.test(
  'a filter of another kind at the same priority stays, and the error says what it stumbled over',
  ROOT,
  async t => {
    const near = pair(t, 'kind')
    const object = load(t, compile(t))
    near.run('tc', 'qdisc', 'add', 'dev', 'v0', 'clsact')
    near.run(
      'tc',
      'filter',
      'add',
      'dev',
      'v0',
      'ingress',
      'prio',
      '1',
      'u32',
      'match',
      'u32',
      '0',
      '0',
      'flowid',
      '1:1',
    )
    const attach = () => object.attachInterface(near.ifindex, 'count_in', 'count_out', 'tc')
    t.throws(() => native.inNamespace(near.path, attach), { code: 'EINVAL', message: /priority 1\n.*kind/ })
    t.strictSame(filters(near, 'egress'), [])
  },
)
