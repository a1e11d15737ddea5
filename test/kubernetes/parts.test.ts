/**
 * parts.test.ts - parts of the watch that need no server: lines, lists, backoff, workloads, labels, addresses.
 */
import fc from 'fast-check'
import t from 'tap'
import { canonical, canonicalPrefix, gateways } from '../../src/kubernetes/object/address-text.js'
import { appOf, identityLabels, podLabels } from '../../src/kubernetes/object/labels.js'
import { hubbleWorkload, type OwnedObject, weirWorkload } from '../../src/kubernetes/object/workload.js'
import { asApiError, statusError } from '../../src/kubernetes/watch/api-error.js'
import { Backoff } from '../../src/kubernetes/watch/backoff.js'
import { Lines } from '../../src/kubernetes/watch/lines.js'
import { ListItems } from '../../src/kubernetes/watch/list-items.js'

t.test('a watch split anywhere yields its lines', async t => {
  const line = fc.string({ unit: 'binary' }).map(text => JSON.stringify(text))
  fc.assert(
    fc.property(fc.array(line, { minLength: 1 }), fc.integer({ min: 1, max: 9 }), (lines, step) => {
      const bytes = Buffer.from(`${lines.join('\n')}\n`)
      const read: string[] = []
      const reader = new Lines()
      for (let at = 0; at < bytes.length; at += step)
        reader.push(bytes.subarray(at, at + step), text => read.push(text))
      t.strictSame(
        read,
        Buffer.from(`${lines.join('\n')}`)
          .toString()
          .split('\n'),
      )
      return reader.pending === 0
    }),
  )
})

t.test('an endless line is refused', async t => {
  const lines = new Lines(10)
  lines.push(Buffer.from('12345'), () => t.fail('no line'))
  t.throws(() => lines.push(Buffer.from('678901'), () => t.fail('no line')), { message: /longer than 10 bytes/ })
})

t.test('a list split anywhere yields its items and its head', async t => {
  const item = fc.dictionary(fc.string(), fc.jsonValue())
  const list = fc.record({ items: fc.array(item), metadata: item, kind: fc.string() })
  fc.assert(
    fc.property(list, fc.boolean(), fc.integer({ min: 1, max: 9 }), (made, itemsLast, step) => {
      const { items, ...rest } = made
      const bytes = Buffer.from(JSON.stringify(itemsLast ? { ...rest, items } : { items, ...rest }))
      const read: unknown[] = []
      const reader = new ListItems()
      for (let at = 0; at < bytes.length; at += step) {
        reader.push(bytes.subarray(at, at + step), text => read.push(JSON.parse(text)))
      }
      const plain = JSON.parse(JSON.stringify(made))
      t.strictSame(read, plain.items)
      t.strictSame(reader.end(), { ...plain, items: [] })
    }),
  )
})

t.test('an incomplete list is an error; items: null is an empty list', async t => {
  const cut = new ListItems()
  cut.push(Buffer.from('{"items":[{"a":1}'), () => undefined)
  t.throws(() => cut.end(), { message: /the list is incomplete/ })
  const none = new ListItems()
  none.push(Buffer.from('{"metadata":{"items":[1]},"items":null}'), () => t.fail('no item'))
  t.strictSame(none.end(), { metadata: { items: [1] }, items: null })
})

t.test('delays double up to thirty times the first, with jitter, and are never shorter than Retry-After', async t => {
  const least = new Backoff(1000, () => 0)
  t.strictSame(
    Array.from({ length: 7 }, () => least.next()),
    [500, 1000, 2000, 4000, 8000, 15000, 15000],
  )
  const most = new Backoff(1000, () => 1)
  t.strictSame([most.next(), most.next()], [1000, 2000])
  most.reset()
  t.equal(most.next(), 1000)
  t.equal(new Backoff(1000, () => 0).next(7000), 7500)
})

t.test('each failure maps to one reason', async t => {
  const reasons = [401, 403, 404, 410, 429, 400, 500, 504].map(status => statusError(status, '').reason)
  t.strictSame(reasons, [
    'unauthorized',
    'forbidden',
    'missing',
    'expired',
    'throttled',
    'refused',
    'server_error',
    'server_error',
  ])
  t.equal(statusError(429, '', '3').retryAfterMs, 3000)
  t.equal(statusError(429, '', '999999').retryAfterMs, 120_000, 'a wrong header does not stop the watch for a day')
  t.equal(statusError(429, '', 'Wed, 21 Oct').retryAfterMs, 0)
  t.equal(asApiError(Object.assign(new Error('refused'), { code: 'ECONNREFUSED' })).reason, 'unreachable')
  t.throws(() => asApiError(new TypeError('a bug')), TypeError)
})

const OWNED: readonly [string, OwnedObject, string, string][] = [
  [
    'a Deployment',
    owned('ReplicaSet', 'web-5d8f', { 'pod-template-hash': '5d8f' }),
    'Deployment/web',
    'Deployment/web',
  ],
  ['a ReplicaSet', owned('ReplicaSet', 'web'), 'ReplicaSet/web', 'ReplicaSet/web'],
  ['a StatefulSet', owned('StatefulSet', 'db'), 'StatefulSet/db', 'StatefulSet/db'],
  ['a DaemonSet', owned('DaemonSet', 'agent'), 'DaemonSet/agent', 'DaemonSet/agent'],
  ['a CronJob', owned('Job', 'backup-29182700'), 'CronJob/backup', 'CronJob/backup'],
  ['a Job', owned('Job', 'migrate-7'), 'Job/migrate-7', 'Job/migrate-7'],
  [
    'a DeploymentConfig',
    owned('ReplicationController', 'shop-3', { deploymentconfig: 'shop' }),
    'DeploymentConfig/shop',
    'DeploymentConfig/shop',
  ],
  [
    'a ReplicationController',
    owned('ReplicationController', 'old'),
    'ReplicationController/old',
    'ReplicationController/old',
  ],
  [
    'a Rollout, unknown to Hubble',
    owned('ReplicaSet', 'cart-6f4', { 'rollouts-pod-template-hash': '6f4' }),
    'Rollout/cart',
    'ReplicaSet/cart-6f4',
  ],
  ['any other kind', owned('Workflow', 'train'), 'Workflow/train', 'Workflow/train'],
  [
    'a controller without generateName',
    { ...owned('SparkApplication', 'driver'), generateName: '' },
    'SparkApplication/driver',
    '',
  ],
  ['a static pod', { ...owned('Node', 'node-1'), name: 'proxy-node-1', generateName: '' }, 'StaticPod/proxy', ''],
  ['a bare pod', { name: 'bare' }, '', ''],
  [
    'an owner that does not control',
    { ...owned('Thing', 'x'), ownerReferences: [{ kind: 'Thing', name: 'x' }] },
    '',
    '',
  ],
]

for (const [what, object, weir, hubble] of OWNED) {
  t.test(`the workload of ${what}`, async t => {
    const text = (found: { kind?: string; name?: string } | undefined) => (found ? `${found.kind}/${found.name}` : '')
    t.equal(text(weirWorkload(object)), weir)
    t.equal(text(hubbleWorkload(object)), hubble)
  })
}

function owned(kind: string, name: string, labels: Record<string, string> = {}): OwnedObject {
  return { name: `${name}-x`, generateName: `${name}-`, labels, ownerReferences: [{ kind, name, controller: true }] }
}

t.test('labels that differ between the pods of a workload are not identity-relevant', async t => {
  const own = podLabels({
    app: 'web',
    'app.kubernetes.io/name': 'web',
    'pod-template-hash': '5d8f',
    'statefulset.kubernetes.io/pod-name': 'db-0',
    'batch.kubernetes.io/job-name': 'x',
    'topology.k8s.io/rack': '1',
    'kubernetes.io/x': '1',
    'example.com/tier': 'front',
  })
  t.strictSame(own, ['k8s:app.kubernetes.io/name=web', 'k8s:app=web', 'k8s:example.com/tier=front'])
  t.strictSame(identityLabels(['k8s:app=web'], 'shop', { team: 'a' }), [
    'k8s:app=web',
    'k8s:io.cilium.k8s.namespace.labels.team=a',
    'k8s:io.kubernetes.pod.namespace=shop',
  ])
  t.equal(appOf({ app: 'c', 'k8s-app': 'b', 'app.kubernetes.io/name': 'a' }), 'a')
  t.equal(appOf({ app: 'c', 'k8s-app': 'b' }), 'b')
  t.equal(appOf(), '')
})

t.test('addresses are made canonical, and anything else is ignored', async t => {
  t.equal(canonical('10.0.0.1'), '10.0.0.1')
  t.equal(canonical('FD00:0:0::1'), 'fd00::1')
  t.equal(canonical('::ffff:10.0.0.1'), '10.0.0.1')
  for (const none of ['None', '', 'node-1', '10.0.0', '10.0.0.256', undefined]) t.equal(canonical(none), undefined)
  t.strictSame(gateways('10.4.2.0/24'), ['10.4.2.0', '10.4.2.1'])
  t.strictSame(gateways('fd00:4::/64'), ['fd00:4::', 'fd00:4::1'])
  t.strictSame(gateways('nonsense'), [])
  t.equal(canonicalPrefix('10.4.2.0/24'), '10.4.2.0/24')
  t.equal(canonicalPrefix('FD00::/64'), 'fd00::/64')
  t.equal(canonicalPrefix('10.4/16'), undefined)
})
