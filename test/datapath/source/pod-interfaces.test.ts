/**
 * pod-interfaces.test.ts - which pod is behind an interface, and which addresses are in doubt.
 */
import t from 'tap'
import { parseInventory } from '../../../src/datapath/inventory/inventory.js'
import { inventoryChanges } from '../../../src/datapath/inventory/inventory-changes.js'
import { entitiesOf } from '../../../src/datapath/inventory/inventory-entities.js'
import type { TraceRecord } from '../../../src/datapath/record/trace-record.js'
import type { BpfObject } from '../../../src/datapath/source/native.js'
import { type HostRoute, PodInterfaces } from '../../../src/datapath/source/pod-interfaces.js'
import { parseAddress } from '../../../src/lib/address.js'

const WAIT_MS = 5000
const UNMANAGED = 3

interface PodFields {
  readonly ips: readonly string[]
  readonly local?: boolean
}

const inventory = (pods: Readonly<Record<string, PodFields>>) =>
  parseInventory(
    JSON.stringify({
      endpoints: Object.entries(pods).map(([pod, { ips, local = true }], i) => ({
        pod,
        ips,
        local,
        namespace: 'shop',
        identity: 4000 + i,
      })),
    }),
    'the test',
  )

function podInterfaces(pods: Readonly<Record<string, PodFields>>) {
  let now = 0
  let current = inventory(pods)
  const entities = entitiesOf(current)
  const kernel = new Map<number, number>()
  const ifindexOf = (key: Uint8Array) => new Uint32Array(key.slice().buffer)[0]!
  const object = {
    update: (_: string, key: Uint8Array, value: Uint8Array) =>
      kernel.set(ifindexOf(key), new Uint32Array(value.slice().buffer)[1]!),
    remove: (_: string, key: Uint8Array) => kernel.delete(ifindexOf(key)),
  } as unknown as BpfObject
  const of = new PodInterfaces(object, entities, WAIT_MS, () => now)
  const follow = (interfaces: readonly number[], routes: readonly HostRoute[] = []) => {
    of.update(new Set(interfaces), routes)
    of.publish()
  }
  /** Pod by interface, as the kernel has it. */
  const names = () => Object.fromEntries([...kernel].map(([ifindex, entity]) => [ifindex, entities.pod(entity)]))
  const change = (next: Readonly<Record<string, PodFields>>) => {
    const after = inventory(next)
    entities.apply(inventoryChanges(current, after))
    current = after
  }
  const unresolved = (ip: string) => {
    const states = entities.addresses.states([ip])
    const addr = parseAddress(ip).join()
    return states.some(state => state.addr.join() === addr && state.unresolved)
  }
  const see = (ifindex: number, ip: string, direction = 0) => {
    const aEntity = entities.addresses.host(ip) || UNMANAGED
    of.see({ hasExtension: true, hook: 0, direction, ifindex, aEntity, bytes: parseAddress(ip), aAt: 0 } as TraceRecord)
  }
  const wait = (ms: number) => {
    now += ms
  }
  return { of, follow, names, change, unresolved, see, wait }
}

const route = (address: string, ifindex: number): HostRoute => ({ address, ifindex })

t.test('a host route binds an interface to the local pod that has the address', async t => {
  const { follow, names, of } = podInterfaces({
    a: { ips: ['10.0.0.2', 'fd00::2'] },
    far: { ips: ['10.0.1.2'], local: false },
  })
  follow([7, 8, 9], [route('10.0.0.2', 7), route('fd00::2', 7), route('10.0.1.2', 8), route('10.0.0.2', 99)])
  t.strictSame(names(), { 7: 'a', 8: '', 9: '' })
  follow([7])
  t.strictSame(names(), { 7: '' }, 'without the route, and without the other interfaces')
  t.equal(of.coverage().local, 1)
})

t.test('an interface with the addresses of two pods is bound to none, a pod may have two interfaces', async t => {
  const { follow, names } = podInterfaces({ a: { ips: ['10.0.0.2', '10.0.0.3'] }, b: { ips: ['10.0.0.4'] } })
  follow([7, 8], [route('10.0.0.2', 7), route('10.0.0.3', 8), route('10.0.0.4', 8)])
  t.strictSame(names(), { 7: 'a', 8: '' })
  follow([7, 8], [route('10.0.0.2', 7), route('10.0.0.3', 8)])
  t.strictSame(names(), { 7: 'a', 8: 'a' })
})

t.test('without a route, an interface is bound by what the pod sends', async t => {
  const { follow, names, see } = podInterfaces({ a: { ips: ['10.0.0.2'] }, b: { ips: ['10.0.0.3'] } })
  follow([7, 8])
  see(7, '10.0.0.2')
  see(8, '10.0.0.3', 1)
  follow([7, 8])
  t.strictSame(names(), { 7: 'a', 8: '' }, 'what arrives at an interface may be flooded')
  see(7, '10.0.0.3')
  follow([7, 8])
  t.strictSame(names(), { 7: '', 8: '' }, 'a pod that forwards the packets of another')
  follow([7, 8], [route('10.0.0.3', 8)])
  t.strictSame(names(), { 7: 'a', 8: 'b' }, 'a route is exact')
})

t.test('an address whose interface is gone is in doubt until another pod has it', async t => {
  const { follow, names, change, unresolved } = podInterfaces({ old: { ips: ['10.0.0.2'] } })
  follow([7], [route('10.0.0.2', 7)])
  t.notOk(unresolved('10.0.0.2'))
  follow([])
  t.ok(unresolved('10.0.0.2'))
  follow([8], [route('10.0.0.2', 8)])
  t.strictSame(names(), { 8: '' }, 'not the old pod')
  change({ old: { ips: [] }, new: { ips: ['10.0.0.2'] } })
  follow([8], [route('10.0.0.2', 8)])
  t.strictSame(names(), { 8: 'new' })
  t.notOk(unresolved('10.0.0.2'))
})

t.test('a pod that has another interface afterwards gets its address back after the wait', async t => {
  const { follow, names, unresolved, wait } = podInterfaces({ a: { ips: ['10.0.0.2'] } })
  follow([7], [route('10.0.0.2', 7)])
  follow([8], [route('10.0.0.2', 8)])
  t.ok(unresolved('10.0.0.2'))
  wait(WAIT_MS)
  follow([8], [route('10.0.0.2', 8)])
  t.strictSame(names(), { 8: 'a' })
  t.notOk(unresolved('10.0.0.2'))
})

t.test('pods without an interface are counted, as far as unknown interfaces cannot be theirs', async t => {
  const { of, follow } = podInterfaces({ a: { ips: ['10.0.0.2'] }, b: { ips: ['10.0.0.3'] }, c: { ips: ['10.0.0.4'] } })
  follow([7], [route('10.0.0.2', 7)])
  t.strictSame(of.coverage(), { local: 3, covered: 1, uncovered: ['shop/b', 'shop/c'] })
  follow([7, 8], [route('10.0.0.2', 7)])
  t.equal(of.coverage().covered, 2, 'one of the two may be behind interface 8')
  follow([7, 8, 9], [route('10.0.0.2', 7)])
  t.strictSame(of.coverage(), { local: 3, covered: 3, uncovered: [] })
})

t.test('an interface whose packets are of no local pod covers none, until a pod has the address', async t => {
  const pods = { a: { ips: ['10.0.0.2'] }, far: { ips: ['10.0.1.2'], local: false } }
  const { of, follow, names, see, change } = podInterfaces(pods)
  follow([7, 8])
  t.equal(of.coverage().covered, 1, 'nothing has sent yet')
  see(7, '172.17.0.2')
  follow([7, 8])
  t.equal(of.coverage().covered, 1, 'it may be behind interface 8')
  see(8, '10.0.1.2')
  follow([7, 8])
  t.strictSame(of.coverage(), { local: 1, covered: 0, uncovered: ['shop/a'] })
  change({ ...pods, late: { ips: ['172.17.0.2'] } })
  follow([7, 8])
  t.strictSame(names(), { 7: 'late', 8: '' })
  t.strictSame(of.coverage(), { local: 2, covered: 1, uncovered: ['shop/a'] })
})
