/**
 * namespace-list.test.ts - which namespaces there are, and when each is read.
 */
import t, { type Test } from 'tap'
import { NamespaceList } from '../../../src/datapath/source/namespace-list.js'

const SECOND = 1000
const NODE = '/node'

/** A machine: inode numbers by path. */
function machine(t: Test) {
  const mounted = new Map<string, number>()
  const processes = new Map<string, number>()
  const looks = { processes: 0 }
  const list = new NamespaceList(NODE, {
    mounted: function* () {
      yield* mounted.keys()
    },
    processes: function* () {
      looks.processes++
      yield* processes.keys()
    },
    inodeOf: path => (path === NODE ? 1 : (mounted.get(path) ?? processes.get(path))),
  })
  const due = (ms: number, missing: readonly string[] = []) => {
    list.refresh(ms, missing)
    return list.due(ms).map(({ path, inode }) => `${path} ${inode}`)
  }
  t.ok(list)
  return { list, mounted, processes, looks, due }
}

t.test('a new namespace is read at each refresh for ten seconds, then every five', async t => {
  const { list, mounted, due } = machine(t)
  mounted.set('/run/netns/a', 5)
  t.strictSame(due(0), ['/run/netns/a 5'])
  for (const each of list.due(0)) each.readMs = 9 * SECOND
  t.strictSame(due(9 * SECOND), ['/run/netns/a 5'])
  t.strictSame(due(13 * SECOND), [])
  list.expire(5)
  t.strictSame(due(13 * SECOND), ['/run/netns/a 5'], 'unless it is asked for')
  for (const each of list.due(13 * SECOND)) each.readMs = 13 * SECOND
  t.strictSame(due(18 * SECOND), ['/run/netns/a 5'])
})

t.test("each namespace counts once, and the node's does not", async t => {
  const { mounted, due } = machine(t)
  mounted.set('/run/netns/self', 1).set('/run/netns/a', 5).set('/run/netns/b', 5)
  t.strictSame(due(0), ['/run/netns/a 5'])
})

t.test('a namespace is forgotten with its path, and a new one at the same path is another', async t => {
  const { list, mounted, due } = machine(t)
  mounted.set('/run/netns/a', 5)
  due(0)
  mounted.set('/run/netns/a', 6)
  t.strictSame(due(SECOND), ['/run/netns/a 6'])
  t.notOk(list.has(5))
  mounted.clear()
  t.strictSame(due(2 * SECOND), [])
})

t.test('the namespaces of processes count while a pod has none, with pauses between the looks', async t => {
  const { processes, looks, due } = machine(t)
  processes.set('/proc/9/ns/net', 7)
  t.strictSame(due(0), [])
  t.equal(looks.processes, 0, 'no look without need')
  t.strictSame(due(0, ['shop/a']), ['/proc/9/ns/net 7'])
  for (let ms = 0; ms <= 10 * SECOND; ms += SECOND) due(ms, ['shop/a'])
  t.equal(looks.processes, 3, 'at 0, 2 and 6 s')
  due(11 * SECOND, ['shop/b'])
  t.equal(looks.processes, 4, 'another pod')
})

t.test('a namespace that lost its process is looked for at once, and kept if another process has it', async t => {
  const { list, processes, due } = machine(t)
  processes.set('/proc/9/ns/net', 7)
  due(0, ['shop/a'])
  processes.delete('/proc/9/ns/net')
  processes.set('/proc/10/ns/net', 7)
  due(5 * SECOND)
  t.ok(list.has(7))
  processes.clear()
  due(10 * SECOND)
  t.notOk(list.has(7))
})
