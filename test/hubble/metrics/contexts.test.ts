/**
 * contexts.test.ts - label values of every context option, for flows with and without the named fields.
 */
import t from 'tap'
import type { Endpoint, Flow } from '../../../src/hubble/flow/flow.js'
import { compileContext } from '../../../src/hubble/metrics/context.js'
import { parseStatic } from '../../../src/hubble/metrics/grammar.js'

/** Label values of a context, by label. */
const valuesOf = (options: string, flow: Flow) => {
  const context = compileContext('flow', parseStatic(`flow:${options}`)[0]!.options)
  const values = context.values(flow)
  return Object.fromEntries(context.labels.map((label, i) => [label, values[i]]))
}

const WEB: Endpoint = {
  ID: 7,
  identity: 1000,
  namespace: 'shop',
  pod_name: 'web-1',
  labels: ['k8s:app=web', 'k8s:io.kubernetes.pod.namespace=shop'],
  workloads: [{ name: 'web', kind: 'Deployment' }],
}
const API: Endpoint = {
  identity: 7,
  labels: ['reserved:remote-node', 'reserved:kube-apiserver', 'reserved:world'],
}
const FLOW: Flow = {
  IP: { source: '10.0.0.1', destination: '192.0.2.1' },
  source: WEB,
  destination: API,
  destination_names: ['a.example', 'b.example'],
  traffic_direction: 'EGRESS',
}

const SOURCES: Readonly<Record<string, string>> = {
  identity: 'k8s:app=web,k8s:io.kubernetes.pod.namespace=shop',
  namespace: 'shop',
  pod: 'shop/web-1',
  'pod-name': 'web-1',
  dns: '',
  ip: '10.0.0.1',
  'reserved-identity': '',
  workload: 'shop/web',
  'workload-name': 'web',
  app: 'web',
}
const DESTINATIONS: Readonly<Record<string, string>> = {
  identity: 'reserved:remote-node,reserved:kube-apiserver,reserved:world',
  namespace: '',
  pod: '',
  'pod-name': '',
  dns: 'a.example,b.example',
  ip: '192.0.2.1',
  'reserved-identity': 'reserved:kube-apiserver',
  workload: '',
  'workload-name': '',
  app: '',
}

t.test('each context gives its own name of a source or destination', async t => {
  for (const [context, source] of Object.entries(SOURCES)) {
    t.strictSame(valuesOf(`sourceContext=${context}`, FLOW), { source }, context)
    t.strictSame(valuesOf(`destinationContext=${context}`, FLOW), { destination: DESTINATIONS[context] }, context)
  }
})

t.test('a flow without endpoints has all labels, with empty names', async t => {
  for (const context of Object.keys(SOURCES))
    t.strictSame(valuesOf(`sourceContext=${context}`, {}), { source: '' }, context)
  t.strictSame(valuesOf('labelsContext=source_ip,destination_workload_kind,traffic_direction', {}), {
    source_ip: '',
    destination_workload_kind: '',
    traffic_direction: 'unknown',
  })
})

t.test('the first non-empty name of a list wins', async t => {
  t.equal(valuesOf('sourceContext=dns|workload|ip', FLOW).source, 'shop/web')
  t.equal(valuesOf('destinationContext=workload|dns|ip', FLOW).destination, 'a.example,b.example')
  t.equal(valuesOf('destinationContext=workload|pod|app', FLOW).destination, '')
})

t.test("reserved-identity is the API server's label if present, else the first reserved label", async t => {
  const named = (labels: string[]) => valuesOf('sourceContext=reserved-identity', { source: { labels } }).source
  t.equal(named(['cidr:10.0.0.0/8', 'reserved:world']), 'reserved:world')
  t.equal(named(['reserved:host', 'reserved:remote-node']), 'reserved:host')
  t.equal(named(['reserved:host', 'reserved:kube-apiserver']), 'reserved:kube-apiserver')
  t.equal(named(['k8s:reserved:host=1']), '')
})

t.test('app is the first label with a value among three keys, in the order of the labels', async t => {
  const app = (...labels: string[]) => valuesOf('sourceContext=app', { source: { labels } }).source
  t.equal(app('k8s:app=a', 'k8s:app.kubernetes.io/name=b', 'k8s:k8s-app=c'), 'a')
  t.equal(app('k8s:app.kubernetes.io/name=b', 'k8s:app=a'), 'b')
  t.equal(app('k8s:app=', 'k8s:k8s-app=c'), 'c')
  t.equal(app('k8s:app=x=y'), 'x=y')
  t.equal(app('container:app=a', 'k8s:apple=b', 'k8s:app'), '')
})

t.test('a pod without a namespace is its name alone', async t => {
  t.equal(valuesOf('sourceContext=pod', { source: { pod_name: 'static' } }).source, 'static')
  t.equal(valuesOf('sourceContext=workload', { source: { workloads: [{ name: 'w' }] } }).source, 'w')
})

t.test('a directional context replaces the plain one in its direction only', async t => {
  const options = 'sourceContext=ip;sourceEgressContext=pod;sourceIngressContext=namespace'
  t.equal(valuesOf(options, FLOW).source, 'shop/web-1')
  t.equal(valuesOf(options, { ...FLOW, traffic_direction: 'INGRESS' }).source, 'shop')
  const { traffic_direction: _, ...unknown } = FLOW
  t.equal(valuesOf(options, unknown).source, '10.0.0.1')
})

t.test('with directional contexts alone the label is empty in the other direction', async t => {
  const options = 'sourceEgressContext=pod;destinationIngressContext=ip'
  t.strictSame(valuesOf(options, FLOW), { source: 'shop/web-1', destination: '' })
  t.strictSame(valuesOf(options, { ...FLOW, traffic_direction: 'INGRESS' }), { source: '', destination: '192.0.2.1' })
})

t.test('labelsContext gives every label of source and destination', async t => {
  const side = (name: string) => ['ip', 'pod', 'namespace', 'workload', 'workload_kind', 'app'].map(l => `${name}_${l}`)
  const labels = [...side('source'), ...side('destination'), 'traffic_direction']
  t.strictSame(valuesOf(`labelsContext=${labels.toReversed().join(',')}`, FLOW), {
    source_ip: '10.0.0.1',
    source_pod: 'web-1',
    source_namespace: 'shop',
    source_workload: 'web',
    source_workload_kind: 'Deployment',
    source_app: 'web',
    destination_ip: '192.0.2.1',
    destination_pod: '',
    destination_namespace: '',
    destination_workload: '',
    destination_workload_kind: '',
    destination_app: '',
    traffic_direction: 'egress',
  })
})
