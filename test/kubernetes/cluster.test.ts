/**
 * cluster.test.ts - owners and names of addresses, from API objects in any order.
 */
import fc from 'fast-check'
import t from 'tap'
import { NO_CHANGES } from '../../src/datapath/identity/entity-changes.js'
import { SERVICE_IDENTITY } from '../../src/datapath/identity/identity.js'
import { Cluster } from '../../src/kubernetes/cluster/cluster.js'
import { EndpointNumbers } from '../../src/kubernetes/cluster/endpoint-numbers.js'
import { FIRST_OWN } from '../../src/kubernetes/cluster/identity-table.js'
import { Outbox } from '../../src/kubernetes/cluster/outbox.js'
import { PendingChanges } from '../../src/kubernetes/cluster/pending-changes.js'
import { PublishedKeys } from '../../src/kubernetes/cluster/published-keys.js'
import { Interner } from '../../src/kubernetes/object/interner.js'
import { CILIUM, CORE, type ResourceName } from '../../src/kubernetes/object/resource.js'
import type { StoredObject } from '../../src/lab/kubernetes/object-store.js'
import { Names, namespace, node, pod, service, slice } from '../support/named-cluster.js'
import { until } from '../support/until.js'

/** A cluster, and the names that its outbox publishes at once. */
function model() {
  const names = new Names()
  const interner = new Interner()
  const pending = new PendingChanges()
  const cluster = new Cluster('node-1', pending)
  const outbox = new Outbox(cluster, pending, changes => {
    names.apply(changes)
    setImmediate(() => outbox.acknowledged())
  })
  outbox.open()
  const resources = new Map([...CORE, ...CILIUM].map(resource => [resource.name, resource]))
  const put = (name: ResourceName, object: StoredObject) => {
    const kept = resources.get(name)!.facts(object, interner)
    if (kept === undefined) cluster.drop(name, resources.get(name)!.key(object))
    else cluster.put(name, kept)
  }
  const drop = (name: ResourceName, object: StoredObject) => cluster.drop(name, resources.get(name)!.key(object))
  const settled = () => until('all is published', () => outbox.pending === 0)
  return { names, cluster, outbox, put, drop, settled }
}

t.test('a pod is published with everything known about it', async t => {
  const { names, put, settled } = model()
  put('namespaces', namespace('shop', { team: 'a' }))
  put('nodes', node('node-1', ['192.0.2.1'], 'zone-a', ['10.4.1.0/24']))
  put('endpointslices', slice('shop/web-x', 'web', [{ ip: '10.4.1.7', uid: 'u1' }]))
  const labels = { 'app.kubernetes.io/name': 'web', 'pod-template-hash': '5d' }
  put('pods', pod('shop/web-1', { uid: 'u1', ips: ['10.4.1.7', 'FD00::7'], owner: 'ReplicaSet/web-5d', labels }))
  await settled()
  const { identity, endpoint, ...facts } = names.at('fd00::7')!
  t.strictSame(facts, {
    key: 'u1',
    kind: 'pod',
    ips: ['10.4.1.7', 'fd00::7'],
    prefixes: [],
    namespace: 'shop',
    pod: 'web-1',
    workload: { kind: 'Deployment', name: 'web' },
    app: 'web',
    service: 'web',
    node: 'node-1',
    zone: 'zone-a',
    local: true,
    ports: [],
  })
  t.equal(endpoint, 1)
  t.strictSame(names.labels.get(identity), [
    'k8s:app.kubernetes.io/name=web',
    'k8s:io.cilium.k8s.namespace.labels.team=a',
    'k8s:io.kubernetes.pod.namespace=shop',
  ])
})

t.test('a node has its addresses and gateways; this node has the identity host', async t => {
  const { names, put, drop, settled } = model()
  put('nodes', node('node-1', ['192.0.2.1'], 'a', ['10.4.1.0/24']))
  put('nodes', node('node-2', ['192.0.2.2', 'fd00::2'], 'b', ['10.4.2.0/24', 'fd00:4::/64']))
  await settled()
  t.match(names.at('192.0.2.1'), { identity: 1, local: true, zone: 'a' })
  t.match(names.at('fd00::2'), { identity: 6, local: false, node: 'node-2', zone: 'b' })
  for (const ip of ['10.4.2.0', '10.4.2.1', 'fd00:4::1']) t.equal(names.nameAt(ip), 'node/node-2')
  t.strictSame(names.byKey.get('node/node-2')?.prefixes, ['10.4.2.0/24', 'fd00:4::/64'])
  const first = pod('a/first', { ips: ['10.4.2.1'], uid: 'u' })
  put('pods', first)
  await settled()
  t.equal(names.nameAt('10.4.2.1'), 'a/first', 'a pod with the first address of the CIDR owns it')
  drop('pods', first)
  await settled()
  t.equal(names.nameAt('10.4.2.1'), 'node/node-2')
  drop('nodes', node('node-2', []))
  await settled()
  t.equal(names.nameAt('10.4.2.1'), '')
})

t.test('a new or changed zone is published for the pods of its node', async t => {
  const { names, put, settled } = model()
  put('pods', pod('a/one', { ips: ['10.0.0.1'], node: 'node-7', uid: 'u' }))
  await settled()
  t.equal(names.at('10.0.0.1')?.zone, '')
  put('nodes', node('node-7', ['192.0.2.7'], 'zone-c'))
  await settled()
  t.equal(names.at('10.0.0.1')?.zone, 'zone-c')
})

t.test('terminated pods and pods on the host network or without an address are not published', async t => {
  const { names, put, settled } = model()
  put('nodes', node('node-1', ['192.0.2.1']))
  put('pods', pod('a/host', { ips: ['192.0.2.1'], hostNetwork: true, uid: 'h' }))
  put('pods', pod('a/done', { ips: ['10.0.0.1'], phase: 'Succeeded', uid: 'd' }))
  put('pods', pod('a/young', { uid: 'y' }))
  await settled()
  t.equal(names.nameAt('192.0.2.1'), 'node/node-1')
  t.strictSame([...names.byKey.keys()], ['node/node-1'])
  put('pods', pod('a/young', { uid: 'y', ips: ['10.0.0.2'] }))
  await settled()
  t.equal(names.nameAt('10.0.0.2'), 'a/young')
})

t.test('the API server owns the addresses of its endpoints, except those of this node', async t => {
  const { names, put, drop, settled } = model()
  put('nodes', node('node-1', ['192.0.2.1']))
  put('nodes', node('node-2', ['192.0.2.2']))
  const endpoints = slice('default/kubernetes', 'kubernetes', [
    { ip: '192.0.2.1' },
    { ip: '192.0.2.2' },
    { ip: '192.0.2.3' },
  ])
  put('endpointslices', endpoints)
  await settled()
  t.equal(names.nameAt('192.0.2.1'), 'node/node-1')
  t.equal(names.nameAt('192.0.2.2'), 'apiserver')
  t.match(names.at('192.0.2.3'), { kind: 'apiserver', identity: 7 })
  drop('endpointslices', endpoints)
  await settled()
  t.equal(names.nameAt('192.0.2.2'), 'node/node-2')
  t.equal(names.nameAt('192.0.2.3'), '')
})

t.test('a service has its ClusterIPs, external and load balancer addresses, and its ports', async t => {
  const { names, put, settled } = model()
  const ports = [{ port: 53, protocol: 'UDP' }, { port: 53 }, { port: 1, protocol: 'ODD' }]
  const web = service('shop/web', ['10.96.0.10', 'fd00:96::10'], { externalIPs: ['198.51.100.1'], ports })
  put('services', { ...web, status: { loadBalancer: { ingress: [{ ip: '203.0.113.9' }, { hostname: 'x' }] } } })
  put('services', service('shop/headless', ['None']))
  await settled()
  for (const ip of ['10.96.0.10', 'fd00:96::10', '198.51.100.1', '203.0.113.9']) {
    t.match(names.at(ip), { kind: 'service', namespace: 'shop', service: 'web', identity: SERVICE_IDENTITY })
  }
  t.strictSame(names.at('10.96.0.10')?.ports, [
    { protocol: 'UDP', port: 53 },
    { protocol: 'TCP', port: 53 },
  ])
  t.strictSame(names.byKey.get('service/shop/headless')?.ips, [])
})

t.test('a backend of several services is named after the first by name, in any order of arrival', async t => {
  for (const order of [
    ['a', 'b'],
    ['b', 'a'],
  ]) {
    const { names, put, drop, settled } = model()
    put('pods', pod('n/p', { ips: ['10.0.0.1'], uid: 'u' }))
    for (const name of order) put('endpointslices', slice(`n/${name}-1`, name, [{ ip: '10.0.0.1', uid: 'u' }]))
    await settled()
    t.equal(names.at('10.0.0.1')?.service, 'a')
    put('endpointslices', slice('n/a-1', 'a', []))
    await settled()
    t.equal(names.at('10.0.0.1')?.service, 'b')
    drop('endpointslices', slice('n/b-1', 'b', []))
    await settled()
    t.equal(names.at('10.0.0.1')?.service, '')
  }
})

t.test('a new pod takes the address of an old one, in any order of events', async t => {
  const ips = ['10.0.0.9']
  const old = pod('a/old', {
    uid: 'old',
    ips,
    startTime: '2026-01-01T00:00:00Z',
    creationTimestamp: '2026-01-01T00:00:00Z',
  })
  const young = pod('a/new', {
    uid: 'new',
    ips,
    startTime: '2026-01-01T00:01:00Z',
    creationTimestamp: '2026-01-01T00:00:30Z',
  })
  const late = pod('a/old', {
    uid: 'old',
    ips,
    startTime: '2026-01-01T00:00:00Z',
    creationTimestamp: '2026-01-01T00:00:00Z',
    deletionTimestamp: '2026-01-01T00:00:50Z',
  })
  const orders = [
    [old, young, late],
    [young, old, late],
    [old, late, young],
    [young, late, old],
  ]
  for (const order of orders) {
    const { names, put, drop, settled } = model()
    for (const object of order) {
      put('pods', object)
      await settled()
    }
    t.equal(names.nameAt('10.0.0.9'), 'a/new')
    t.strictSame(names.byKey.get('old')?.ips, [], 'the old pod is published without addresses')
    drop('pods', old)
    await settled()
    t.equal(names.nameAt('10.0.0.9'), 'a/new', 'deleting the old pod does not take it away')
    drop('pods', young)
    await settled()
    t.equal(names.nameAt('10.0.0.9'), '')
  }
})

t.test('equal labels share an identity; its number is forgotten with its last pod and not reused', async t => {
  const { names, put, drop, settled } = model()
  const [a, b] = [1, 2].map(i => pod(`n/p${i}`, { ips: [`10.0.0.${i}`], uid: `u${i}`, labels: { app: 'x' } }))
  put('pods', a!)
  put('pods', b!)
  await settled()
  const number = names.at('10.0.0.1')!.identity
  t.equal(number, FIRST_OWN)
  t.equal(names.at('10.0.0.2')?.identity, number)
  drop('pods', a!)
  await settled()
  t.ok(names.labels.has(number))
  drop('pods', b!)
  await until('forgotten', () => !names.labels.has(number))
  put('pods', a!)
  await settled()
  t.equal(names.at('10.0.0.1')?.identity, FIRST_OWN + 1)
})

t.test('changed labels of a namespace give its pods another identity', async t => {
  const { names, put, settled } = model()
  put('pods', pod('n/p', { ips: ['10.0.0.1'], uid: 'u' }))
  await settled()
  const before = names.at('10.0.0.1')!.identity
  put('namespaces', namespace('n', { team: 'b' }))
  await settled()
  const after = names.at('10.0.0.1')!.identity
  t.not(after, before)
  t.ok(names.labels.get(after)?.includes('k8s:io.cilium.k8s.namespace.labels.team=b'))
})

t.test("Cilium's identity numbers and labels are used where they exist, in any order of arrival", async t => {
  const identity: StoredObject = {
    kind: 'CiliumIdentity',
    metadata: { name: '4711' },
    'security-labels': { 'k8s:app': 'x', 'k8s:io.kubernetes.pod.namespace': 'n' },
  }
  const endpoint: StoredObject = {
    kind: 'CiliumEndpoint',
    metadata: { name: 'p', namespace: 'n', uid: 'cep', ownerReferences: [{ kind: 'Pod', name: 'p', uid: 'u' }] },
    status: { id: 77, identity: { id: 4711, labels: ['k8s:app=x', 'k8s:io.kubernetes.pod.namespace=n'] } },
  }
  const steps: readonly [ResourceName, StoredObject][] = [
    ['pods', pod('n/p', { ips: ['10.0.0.1'], uid: 'u', labels: { app: 'x' } })],
    ['ciliumidentities', identity],
    ['ciliumendpoints', endpoint],
  ]
  for (const order of [
    [0, 1, 2],
    [2, 1, 0],
    [1, 2, 0],
    [2, 0, 1],
  ]) {
    const { names, put, drop, settled } = model()
    for (const i of order) put(...steps[i]!)
    await settled()
    t.match(names.at('10.0.0.1'), { identity: 4711, endpoint: 77 })
    await until('labels', () => names.labels.get(4711)?.join() === 'k8s:app=x,k8s:io.kubernetes.pod.namespace=n')
    drop('ciliumendpoints', endpoint)
    await settled()
    t.ok(names.at('10.0.0.1')!.identity >= FIRST_OWN, "without a CiliumEndpoint, one of Weir's own numbers")
  }
})

t.test('after any sequence of events the published names equal the objects that exist', async t => {
  const step = fc.record({
    pod: fc.integer({ min: 0, max: 7 }),
    ip: fc.integer({ min: 0, max: 4 }),
    started: fc.integer({ min: 0, max: 3 }),
    what: fc.constantFrom('put', 'put', 'drop', 'end', 'wait'),
  })
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 60 }), async steps => {
      const { names, cluster, put, drop, settled } = model()
      const there = new Map<string, StoredObject>()
      for (const { pod: number, ip, started, what } of steps) {
        const startTime = `2026-01-01T00:00:0${started}Z`
        const uid = `u${number}`
        const object = pod(`n/p${number}`, { uid, startTime, creationTimestamp: startTime, ips: [`10.0.0.${ip}`] })
        if (what === 'wait') await settled()
        else if (what === 'drop') drop('pods', object)
        else if (what === 'end') put('pods', { ...object, status: { phase: 'Failed' } })
        else put('pods', object)
        if (what === 'put') there.set(uid, object)
        else if (what !== 'wait') there.delete(uid)
      }
      await settled()
      t.strictSame([...names.byKey.keys()].sort(), [...there.keys()].sort())
      for (const [ip, owner] of names.byIp) t.ok(cluster.facts(owner)?.ips.includes(ip))
      for (const { ips } of names.byKey.values()) for (const ip of ips) t.ok(names.byIp.has(ip))
      const claimed = new Set([...there.values()].map(object => (object.status as { podIP: string }).podIP))
      t.strictSame([...names.byIp.keys()].sort(), [...claimed].sort(), 'every address has an owner')
    }),
    { numRuns: 60 },
  )
})

t.test('a thousand changes of a pod while the main thread is busy are published once', async t => {
  const batches: number[] = []
  const pending = new PendingChanges()
  const cluster = new Cluster('node-1', pending)
  const outbox = new Outbox(cluster, pending, changes => batches.push(changes.upserts.length))
  outbox.open()
  const keep = CORE.find(resource => resource.name === 'pods')!.facts
  const put = (i: number, ip: string) =>
    cluster.put('pods', keep(pod(`n/p${i}`, { uid: `u${i}`, ips: [ip] }), new Interner()) as never)
  for (let i = 0; i < 2000; i++) put(i, `10.1.${i >> 8}.${i & 255}`)
  await until('two batches are in flight', () => batches.length === 2)
  for (let i = 0; i < 1000; i++) put(0, `10.2.${i >> 8}.${i & 255}`)
  t.equal(batches.length, 2, 'no more before one is acknowledged')
  t.equal(outbox.pending, 1501)
  outbox.acknowledged()
  t.equal(batches.length, 3)
  outbox.close()
})

t.test('endpoint numbers are unique among existing pods and are reused round robin', async t => {
  const numbers = new EndpointNumbers()
  for (let i = 0; i < 0xffff; i++) numbers.take(`p${i}`)
  t.equal(new Set(Array.from({ length: 0xffff }, (_, i) => numbers.of(`p${i}`))).size, 0xffff)
  numbers.take('one too many')
  t.equal(numbers.of('one too many'), 0)
  numbers.free('p77')
  numbers.take('next')
  t.equal(numbers.of('next'), 78)
})

t.test('after a worker restart, the first sync removes what was deleted in between', async t => {
  const published = new PublishedKeys()
  const batch = NO_CHANGES
  const facts = (key: string) => ({ key }) as never
  published.reconcile({
    ...batch,
    identities: [{ identity: 5, labels: [] }],
    upserts: [facts('stays'), facts('goes')],
  })
  published.startResync(['stays', 'goes'])
  t.strictSame(
    published.reconcile({ ...batch, upserts: [facts('stays')] }).removals,
    [],
    'nothing is removed before the sync is complete',
  )
  const last = published.reconcile({ ...batch, identities: [{ identity: 6, labels: [] }], synced: true })
  t.strictSame(last.removals, ['goes'])
  t.strictSame(last.forgotten, [5])
  t.strictSame(published.reconcile({ ...batch, synced: true }).removals, [])
})
