/**
 * watch.test.ts - names follow the Kubernetes API over TLS, through all its failures.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import type { Fault } from '../../src/lab/kubernetes/faults.js'
import { NODES, namedCluster, node, PODS, pod, QUICK, SERVICES, SLICES, service } from '../support/named-cluster.js'
import { until } from '../support/until.js'

t.test("existing objects are listed in pages from the server's cache, later changes are watched", async t => {
  const cluster = await namedCluster(t, {
    prepare: ({ store }) => {
      for (let i = 0; i < 1200; i++) store.put(PODS, pod(`many/pod-${i}`, { ips: [`10.1.${i >> 8}.${i & 255}`] }))
    },
  })
  await until('all pods are named', () => cluster.names.synced && cluster.names.byIp.size === 1200)
  const watch = await until('a watch', () => cluster.requests(PODS).find(asked => asked.query.has('watch')) ?? false)
  const [first, second, third] = cluster.requests(PODS)
  t.equal(first?.query.get('resourceVersion'), '0')
  t.equal(first?.query.get('limit'), '500')
  t.ok(second?.query.get('continue') && third?.query.get('continue'))
  t.equal(second?.query.get('resourceVersion'), null, 'a continued page requests no version')
  t.equal(watch.query.get('allowWatchBookmarks'), 'true')
  const seconds = Number(watch.query.get('timeoutSeconds'))
  t.ok(seconds >= 300 && seconds <= 600, `${seconds} s`)
  cluster.api.store.put(PODS, pod('many/late', { ips: ['10.9.0.1'] }))
  await cluster.named('10.9.0.1', 'many/late')
  cluster.api.store.delete(PODS, 'late', 'many')
  await cluster.named('10.9.0.1', '')
  t.equal(cluster.state('pods').objects, 1200)
  t.match(cluster.state('pods').events, { ADDED: 1, DELETED: 1 })
})

t.test('a server that ignores the limit and sends everything at once is supported', async t => {
  const cluster = await namedCluster(t, {
    prepare: ({ store, lists }) => {
      lists.ignoresLimitOfCache = true
      for (let i = 0; i < 1200; i++) store.put(PODS, pod(`many/pod-${i}`, { ips: [`10.1.${i >> 8}.${i & 255}`] }))
    },
  })
  await until('all pods are named', () => cluster.names.synced && cluster.names.byIp.size === 1200)
  t.equal(cluster.requests(PODS).filter(asked => !asked.query.has('watch')).length, 1)
})

t.test('terminated pods are not requested, and a pod that terminates is removed', async t => {
  const cluster = await namedCluster(t, {
    prepare: ({ store }) => {
      store.put(PODS, pod('a/done', { ips: ['10.0.0.1'], phase: 'Succeeded' }))
      store.put(PODS, pod('a/runs', { ips: ['10.0.0.2'] }))
    },
  })
  await cluster.named('10.0.0.2', 'a/runs')
  t.equal(cluster.names.nameAt('10.0.0.1'), '')
  t.match(cluster.requests(PODS)[0]?.query.get('fieldSelector'), 'status.phase!=Succeeded')
  cluster.api.store.put(PODS, pod('a/runs', { ips: ['10.0.0.2'], phase: 'Failed' }))
  await cluster.named('10.0.0.2', '')
})

t.test('namespaces are requested as metadata only', async t => {
  const cluster = await namedCluster(t)
  await until('synced', () => cluster.names.synced)
  t.match(cluster.requests('/api/v1/namespaces')[0]?.accept, /as=PartialObjectMetadataList/)
  t.notMatch(cluster.requests(PODS)[0]?.accept, /PartialObjectMetadata/)
})

t.test('lines split anywhere, even within a character, are read correctly', async t => {
  const cluster = await namedCluster(t)
  await until('synced', () => cluster.names.synced)
  cluster.api.splitBytes = 7
  for (const watch of cluster.api.watches(PODS)) watch.end()
  await until('watched again', () => cluster.api.watches(PODS).length === 1 && cluster.requests(PODS).length > 2)
  cluster.api.store.put(PODS, pod('zürich/käse-世界', { ips: ['10.0.0.3'] }))
  await cluster.named('10.0.0.3', 'zürich/käse-世界')
})

t.test('bookmarks advance the version, so that the next watch continues from there', async t => {
  const cluster = await namedCluster(t, { bookmarkMs: 20 })
  await until('synced', () => cluster.names.synced)
  for (let i = 0; i < 50; i++) cluster.api.store.put(NODES, node('node-9', [`10.0.1.${i}`]))
  const { version } = cluster.api.store
  const { BOOKMARK: before } = cluster.state('services').events
  // The next bookmark may have been sent before the last change.
  await until('a later bookmark', () => cluster.state('services').events.BOOKMARK > before + 1)
  for (const watch of cluster.api.watches(SERVICES)) watch.end()
  await until('watched from there', () =>
    cluster.requests(SERVICES).some(asked => Number(asked.query.get('resourceVersion')) >= version),
  )
  t.equal(cluster.state('services').lists, 1)
})

for (const goneAs of ['event', 'status'] as const) {
  t.test(`after a 410 as ${goneAs}, a new list finds the deletions that were missed`, async t => {
    const cluster = await namedCluster(t, {
      window: 5,
      prepare: ({ store }) => {
        store.put(PODS, pod('a/stays', { ips: ['10.0.0.1'] }))
        store.put(PODS, pod('a/goes', { ips: ['10.0.0.2'] }))
        store.put(PODS, pod('a/remade', { ips: ['10.0.0.3'], uid: 'first' }))
      },
    })
    await until('synced', () => cluster.names.synced)
    cluster.api.goneAs = goneAs
    await outage(cluster, () => {
      cluster.api.store.delete(PODS, 'goes', 'a')
      cluster.api.store.delete(PODS, 'remade', 'a')
      cluster.api.store.put(PODS, pod('a/remade', { ips: ['10.0.0.4'], uid: 'second' }))
      cluster.api.store.put(PODS, pod('a/came', { ips: ['10.0.0.2'] }))
      for (let i = 0; i < 10; i++) cluster.api.store.put(NODES, node('node-2', [`10.0.9.${i}`]))
    })
    await cluster.named('10.0.0.2', 'a/came')
    await cluster.named('10.0.0.4', 'a/remade')
    t.equal(cluster.names.nameAt('10.0.0.1'), 'a/stays')
    t.equal(cluster.names.nameAt('10.0.0.3'), '')
    t.notOk(cluster.names.byKey.has('first'))
    t.equal(cluster.state('pods').missedDeletions, 2)
    t.ok(cluster.state('pods').restarts.expired >= 1)
    await until('three pods and a node', () => cluster.names.byKey.size === 4)
  })
}

t.test('the list starts again when its continue token expires between pages', async t => {
  const cluster = await namedCluster(t, {
    prepare: api => {
      for (let i = 0; i < 600; i++) api.store.put(PODS, pod(`many/pod-${i}`, { ips: [`10.1.${i >> 8}.${i & 255}`] }))
      const answer = api.lists.answer.bind(api.lists)
      let expired = false
      api.lists.answer = query => {
        if (query.query.has('continue') && !expired) {
          expired = true
          api.lists.expire()
          api.store.delete(PODS, 'pod-1', 'many')
        }
        return answer(query)
      }
    },
  })
  await until('all pods are named', () => cluster.names.synced && cluster.names.byIp.size === 599)
  t.equal(cluster.state('pods').restarts.expired, 1)
  t.equal(cluster.names.nameAt('10.1.0.1'), '', 'added by the list that failed, removed by the next')
})

t.test('a list that is cut off is repeated', async t => {
  const cluster = await namedCluster(t, {
    prepare: ({ store, faults }) => {
      store.put(PODS, pod('a/first', { ips: ['10.0.0.1'] }))
      store.put(PODS, pod('a/second', { ips: ['10.0.0.2'] }))
      faults.plan(PODS, 'list', { kind: 'cut', afterBytes: 500 }, 1)
    },
  })
  await until('synced', () => cluster.names.synced)
  await cluster.named('10.0.0.2', 'a/second')
  t.equal(cluster.state('pods').restarts.cut, 1)
})

const FAILURES: readonly [string, Fault, string][] = [
  ['403', { kind: 'status', status: 403 }, 'forbidden'],
  ['429 with Retry-After', { kind: 'status', status: 429, retryAfterSeconds: 1 }, 'throttled'],
  ['500', { kind: 'status', status: 500 }, 'server_error'],
  ['a reset connection', { kind: 'reset' }, 'cut'],
  ['a watch cut off within a line', { kind: 'cut', afterBytes: 40 }, 'cut'],
  ['a watch that ends at once', { kind: 'close' }, 'closed'],
  ['a request without a response', { kind: 'hang' }, 'silent'],
  ['a watch without a byte', { kind: 'silence' }, 'silent'],
]

for (const [what, fault, reason] of FAILURES) {
  t.test(`${what}: names are kept, the reason is counted, and the watch recovers`, async t => {
    const times = { ...QUICK, listIdleMs: 300, watchIdleMs: 300 }
    const cluster = await namedCluster(t, {
      times,
      bookmarkMs: 50,
      prepare: ({ store }) => store.put(PODS, pod('a/one', { ips: ['10.0.0.1'] })),
    })
    await until('synced', () => cluster.names.synced)
    cluster.api.faults.plan(PODS, 'any', fault)
    for (const watch of cluster.api.watches(PODS)) watch.end()
    cluster.api.store.delete(PODS, 'one', 'a')
    cluster.api.store.put(PODS, pod('a/two', { ips: ['10.0.0.2'] }))
    await until('the reason is counted', () => cluster.state('pods').restarts[reason as 'cut'] > 1)
    t.equal(cluster.names.nameAt('10.0.0.1'), 'a/one', 'the last known name')
    t.equal(cluster.state('nodes').lastError, undefined, 'the others go on')
    cluster.api.store.put(NODES, node('node-2', ['10.0.9.9']))
    await cluster.named('10.0.9.9', 'node/node-2')
    cluster.api.faults.clear()
    await cluster.named('10.0.0.1', '')
    await cluster.named('10.0.0.2', 'a/two')
    await until('the watch has recovered', () => cluster.state('pods').lastError === undefined)
    t.equal(cluster.state('pods').phase, 'watching')
  })
}

t.test('after a 401 the token is read again', async t => {
  const cluster = await namedCluster(t)
  await until('synced', () => cluster.names.synced)
  cluster.api.token = 'rotated'
  for (const watch of cluster.api.watches(PODS)) watch.end()
  await until('refused', () => cluster.state('pods').restarts.unauthorized > 0)
  t.match(cluster.state('pods').lastError, /401/)
  writeFileSync(join(cluster.account, 'token'), 'rotated')
  cluster.api.store.put(PODS, pod('a/after', { ips: ['10.0.0.5'] }))
  await cluster.named('10.0.0.5', 'a/after')
})

t.test('a 429 on the first list is retried', async t => {
  const cluster = await namedCluster(t, {
    prepare: ({ faults }) => faults.plan(PODS, 'list', { kind: 'status', status: 429, retryAfterSeconds: 1 }, 1),
  })
  await until('synced', () => cluster.names.synced)
  t.equal(cluster.state('pods').restarts.throttled, 1)
  t.strictSame(
    cluster
      .requests(PODS)
      .map(asked => asked.status)
      .slice(0, 2),
    [429, 200],
  )
})

t.test('a slow list is not aborted as long as bytes arrive', async t => {
  const cluster = await namedCluster(t, {
    times: { ...QUICK, listIdleMs: 150 },
    prepare: ({ store, faults }) => {
      for (let i = 0; i < 40; i++) store.put(PODS, pod(`a/pod-${i}`, { ips: [`10.0.0.${i}`] }))
      // Takes longer in total than the idle timeout.
      faults.plan(PODS, 'list', { kind: 'slow', bytes: 400, everyMs: 20 }, 1)
    },
  })
  await until('synced', () => cluster.names.synced)
  t.equal(cluster.names.byIp.size, 40)
  t.equal(cluster.state('pods').restarts.silent, 0)
  t.ok(cluster.state('pods').listSeconds > 0.15, 'it took longer than the idle timeout')
})

t.test('a forbidden resource does not prevent the names of pods', async t => {
  const cluster = await namedCluster(t, {
    prepare: ({ store, faults }) => {
      faults.plan(NODES, 'any', { kind: 'status', status: 403, message: 'nodes is forbidden' })
      store.put(PODS, pod('a/one', { ips: ['10.0.0.1'] }))
      store.put(SERVICES, service('a/web', ['10.96.0.1']))
    },
  })
  await cluster.named('10.0.0.1', 'a/one')
  await cluster.named('10.96.0.1', 'service/a/web')
  await until('synced', () => cluster.names.synced)
  t.match(cluster.state('nodes'), { synced: false, lastError: /nodes is forbidden/ })
})

t.test('an unreachable API server is retried until the sync succeeds', async t => {
  const cluster = await namedCluster(t, {
    prepare: api => {
      api.store.put(PODS, pod('a/one', { ips: ['10.0.0.1'] }))
      void api.stop()
    },
  })
  await until('unreachable', () => cluster.state('pods').restarts.unreachable > 2)
  t.notOk(cluster.names.synced)
  await cluster.api.start()
  await cluster.named('10.0.0.1', 'a/one')
})

t.test('after a restored backup with lower versions, the watch lists again', async t => {
  const cluster = await namedCluster(t, {
    prepare: ({ store }) => store.put(PODS, pod('a/one', { ips: ['10.0.0.1'] })),
  })
  await until('synced', () => cluster.names.synced)
  await outage(cluster, () => {
    cluster.api.store.delete(PODS, 'one', 'a')
    cluster.api.store.version = 10
    cluster.api.store.put(PODS, pod('a/restored', { ips: ['10.0.0.2'] }))
  })
  await cluster.named('10.0.0.2', 'a/restored')
  await cluster.named('10.0.0.1', '')
})

t.test('a jump of the system clock affects only the displayed timestamp', async t => {
  const cluster = await namedCluster(t, { bookmarkMs: 20 })
  await until('synced', () => cluster.names.synced)
  const { now } = Date
  t.teardown(() => {
    Date.now = now
  })
  for (const jumpMs of [86_400_000, -86_400_000]) {
    Date.now = () => now() + jumpMs
    cluster.api.store.put(PODS, pod('a/jump', { ips: [jumpMs > 0 ? '10.0.0.1' : '10.0.0.2'] }))
    await cluster.named(jumpMs > 0 ? '10.0.0.1' : '10.0.0.2', 'a/jump')
    const { ageSeconds, phase } = cluster.state('pods')
    t.ok(ageSeconds >= 0 && ageSeconds < 60, `${ageSeconds} s`)
    t.equal(phase, 'watching')
  }
})

/** Stops the API server, runs `meanwhile`, starts it again. */
async function outage(cluster: { api: { stop(): Promise<void>; start(): Promise<void> } }, meanwhile: () => void) {
  await cluster.api.stop()
  meanwhile()
  await cluster.api.start()
}

/** Objects with fields of unexpected types, as an aggregated API server or a bug may send them. */
const ODD: readonly object[] = [
  { metadata: { name: 5, namespace: 'a', uid: 'odd-1' }, status: { podIP: '10.0.0.9' } },
  { metadata: { name: 'odd', namespace: {}, uid: 'odd-2' }, status: { podIP: '10.0.0.9' } },
  { metadata: { name: 'odd', uid: 7 }, status: { podIP: 10 } },
  { metadata: { name: 'odd', uid: 'odd-4', labels: { app: 1 } } },
  { metadata: { name: 'odd', uid: 'odd-5', ownerReferences: 'none' } },
  { metadata: { name: 'odd', uid: 'odd-6' }, status: { podIPs: { ip: '10.0.0.9' } } },
  { metadata: { name: 'odd', uid: 'odd-7' }, spec: { nodeName: ['n'] } },
  { metadata: null },
  {},
]

t.test('an object with a field of an unexpected type is skipped and counted; the others are named', async t => {
  const cluster = await namedCluster(t, {
    prepare: api => {
      api.store.put(PODS, pod('a/first', { ips: ['10.0.0.1'] }))
      const answer = api.lists.answer.bind(api.lists)
      api.lists.answer = query => {
        const list = answer(query)
        return query.path === PODS ? { ...list, items: [...ODD, ...list.items] } : list
      }
    },
  })
  await cluster.named('10.0.0.1', 'a/first')
  t.equal(cluster.state('pods').skipped, ODD.length)
  t.match(cluster.state('pods').lastSkipped, /^no name: /)
  const [watch] = await until('a watch', () => cluster.api.watches(PODS).length > 0 && cluster.api.watches(PODS))
  for (const type of ['ADDED', 'MODIFIED', 'DELETED']) for (const object of ODD) watch!.send(type, object)
  cluster.api.store.put(PODS, pod('a/second', { ips: ['10.0.0.2'] }))
  await cluster.named('10.0.0.2', 'a/second')
  // The key of a deleted object is made of whatever it has.
  t.equal(
    cluster.state('pods').skipped,
    3 * ODD.length + ODD.filter(object => !('metadata' in object && object.metadata)).length,
  )
  t.equal(cluster.state('pods').lists, 1, 'by the same watch')
  t.equal(cluster.state('nodes').lastError, undefined)
})

for (const [what, line] of [
  ['null', 'null'],
  ['a number', '5'],
  ['an event without an object', '{"type":"ADDED"}'],
  ['a status with odd types', '{"type":"ERROR","object":{"code":"constructor","message":{}}}'],
] as const) {
  t.test(`a watch that sends ${what} is opened again`, async t => {
    const cluster = await namedCluster(t)
    await until('synced', () => cluster.names.synced)
    const [watch] = await until('a watch', () => cluster.api.watches(PODS).length > 0 && cluster.api.watches(PODS))
    watch!.write(`${line}\n`)
    cluster.api.store.put(PODS, pod('a/later', { ips: ['10.0.0.2'] }))
    await cluster.named('10.0.0.2', 'a/later')
    const { restarts } = cluster.state('pods')
    await until('counted', () => {
      const { malformed, refused } = cluster.state('pods').restarts
      return malformed + refused === 1
    })
    t.equal(restarts.expired, 0)
  })
}

t.test(
  'after the API server restarted, a list is new enough for the next watch, and the age of names does not lie',
  async t => {
    const cluster = await namedCluster(t, {
      bookmarkMs: 3_600_000,
      prepare: ({ store }) => store.put(PODS, pod('a/before', { ips: ['10.0.0.1'] })),
    })
    await until('synced', () => cluster.names.synced)
    await outage(cluster, () => {
      cluster.api.store.put(PODS, pod('a/missed', { ips: ['10.0.0.2'] }))
      cluster.api.store.forget()
    })
    await cluster.named('10.0.0.2', 'a/missed')
    await until('watched again', () => cluster.api.watches(PODS).length === 1)
    t.equal(cluster.state('pods').restarts.expired, 1, 'one list was enough')
    t.equal(cluster.state('pods').lists, 2)
    const listed = cluster.requests(PODS).filter(({ query, status }) => !query.has('watch') && status === 200)
    t.notOk(listed.at(-1)!.query.has('limit'), 'a limit would ask for exactly this version')
  },
)

t.test('the age of names grows while lists show nothing new and no watch opens', async t => {
  const cluster = await namedCluster(t, { prepare: ({ store }) => store.put(PODS, pod('a/b', { ips: ['10.0.0.1'] })) })
  await until('synced', () => cluster.names.synced)
  await until('watched', () => cluster.api.watches(PODS).length === 1)
  cluster.api.goneAs = 'event'
  cluster.api.faults.plan(PODS, 'watch', { kind: 'status', status: 410 })
  for (const watch of cluster.api.watches(PODS)) watch.end()
  const { lists } = cluster.state('pods')
  await until('three more lists', () => cluster.state('pods').lists >= lists + 3)
  t.ok(cluster.state('pods').ageSeconds > 0.1, `${cluster.state('pods').ageSeconds} s`)
})

t.test('a 410 after an outage does not wait for the delay that the outage has grown', async t => {
  const cluster = await namedCluster(t, {
    times: { ...QUICK, retryMs: 100 },
    prepare: ({ store }) => store.put(PODS, pod('a/b', { ips: ['10.0.0.1'] })),
  })
  await until('synced', () => cluster.names.synced)
  await until('watched', () => cluster.api.watches(PODS).length === 1)
  cluster.api.faults.plan(PODS, 'any', { kind: 'status', status: 500 }, 5)
  for (const watch of cluster.api.watches(PODS)) watch.end()
  await until('five failures', () => cluster.state('pods').restarts.server_error === 5, 30_000)
  cluster.api.store.put(PODS, pod('a/b', { ips: ['10.0.0.2'] }))
  cluster.api.store.forget()
  await until('expired', () => cluster.state('pods').restarts.expired === 1, 30_000)
  const start = performance.now()
  await cluster.named('10.0.0.2', 'a/b')
  t.ok(performance.now() - start < 1000, `${performance.now() - start} ms; the sixth delay is 1.6 s or more`)
})

t.test('pages without an end are not asked for without an end', async t => {
  for (const items of [[], [pod('a/b', { ips: ['10.0.0.1'] })]]) {
    const cluster = await namedCluster(t, {
      prepare: api => {
        api.store.define(PODS)
        const answer = api.lists.answer.bind(api.lists)
        api.lists.answer = query =>
          query.path === PODS
            ? { kind: 'PodList', apiVersion: 'v1', metadata: { resourceVersion: '1000', continue: 'more' }, items }
            : answer(query)
      },
    })
    await until('refused', () => cluster.state('pods')?.restarts.malformed >= 2)
    t.match(cluster.state('pods').lastError, /page \d of the list, with \d items, names another page/)
    t.ok(cluster.requests(PODS).length <= 10, `${cluster.requests(PODS).length} requests`)
  }
})

t.test('a token that the API server echoes is not shown', async t => {
  const message = 'no access for Bearer lab-token-of-weir, header authorization: lab-token-of-weir'
  const cluster = await namedCluster(t, {
    prepare: api => {
      api.token = 'lab-token-of-weir'
      api.faults.plan(PODS, 'any', { kind: 'status', status: 403, message })
    },
  })
  await until('refused', () => cluster.state('pods')?.lastError !== undefined)
  t.equal(cluster.state('pods').lastError, '403: no access for ***, header authorization: ***')
})

t.test('a cluster without EndpointSlice v1 says what that costs and which version has it', async t => {
  const cluster = await namedCluster(t, {
    prepare: ({ faults }) => faults.plan(SLICES, 'any', { kind: 'status', status: 404 }),
  })
  await until('failed', () => cluster.state('endpointslices')?.lastError !== undefined)
  t.match(cluster.state('endpointslices').lastError, /needs Kubernetes 1.21; without it, pods have no service label/)
})
