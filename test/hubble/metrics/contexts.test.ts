import t from 'tap'
import type { Endpoint, Flow } from '../../../src/hubble/flow/flow.js'
import { compileContext } from '../../../src/hubble/metrics/context.js'
import { parseStatic } from '../../../src/hubble/metrics/grammar.js'

/** Label values of a context by label. */
const told = (options: string, flow: Flow) => {
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

t.test('each context names an end its own way', async t => {
  for (const [context, source] of Object.entries(SOURCES)) {
    t.strictSame(told(`sourceContext=${context}`, FLOW), { source }, context)
    t.strictSame(told(`destinationContext=${context}`, FLOW), { destination: DESTINATIONS[context] }, context)
  }
})

t.test('a flow that knows nothing of its ends has empty names, and the labels all the same', async t => {
  for (const context of Object.keys(SOURCES))
    t.strictSame(told(`sourceContext=${context}`, {}), { source: '' }, context)
  t.strictSame(told('labelsContext=source_ip,destination_workload_kind,traffic_direction', {}), {
    source_ip: '',
    destination_workload_kind: '',
    traffic_direction: 'unknown',
  })
})

t.test('of a list the first name that is not empty counts', async t => {
  t.equal(told('sourceContext=dns|workload|ip', FLOW).source, 'shop/web')
  t.equal(told('destinationContext=workload|dns|ip', FLOW).destination, 'a.example,b.example')
  t.equal(told('destinationContext=workload|pod|app', FLOW).destination, '')
})

t.test('reserved-identity takes the first reserved label unless it is the API server', async t => {
  const named = (labels: string[]) => told('sourceContext=reserved-identity', { source: { labels } }).source
  t.equal(named(['cidr:10.0.0.0/8', 'reserved:world']), 'reserved:world')
  t.equal(named(['reserved:host', 'reserved:remote-node']), 'reserved:host')
  t.equal(named(['reserved:host', 'reserved:kube-apiserver']), 'reserved:kube-apiserver')
  t.equal(named(['k8s:reserved:host=1']), '')
})

t.test('app takes the first label of three keys, in the order of the labels, that has a value', async t => {
  const app = (...labels: string[]) => told('sourceContext=app', { source: { labels } }).source
  t.equal(app('k8s:app=a', 'k8s:app.kubernetes.io/name=b', 'k8s:k8s-app=c'), 'a')
  t.equal(app('k8s:app.kubernetes.io/name=b', 'k8s:app=a'), 'b')
  t.equal(app('k8s:app=', 'k8s:k8s-app=c'), 'c')
  t.equal(app('k8s:app=x=y'), 'x=y')
  t.equal(app('container:app=a', 'k8s:apple=b', 'k8s:app'), '')
})

t.test('a pod outside any namespace is its name alone', async t => {
  t.equal(told('sourceContext=pod', { source: { pod_name: 'static' } }).source, 'static')
  t.equal(told('sourceContext=workload', { source: { workloads: [{ name: 'w' }] } }).source, 'w')
})

t.test('a directional context replaces the plain one in its direction, and only there', async t => {
  const options = 'sourceContext=ip;sourceEgressContext=pod;sourceIngressContext=namespace'
  t.equal(told(options, FLOW).source, 'shop/web-1')
  t.equal(told(options, { ...FLOW, traffic_direction: 'INGRESS' }).source, 'shop')
  const { traffic_direction: _, ...unknown } = FLOW
  t.equal(told(options, unknown).source, '10.0.0.1')
})

t.test('with directional contexts alone the label stays, empty in the other direction', async t => {
  const options = 'sourceEgressContext=pod;destinationIngressContext=ip'
  t.strictSame(told(options, FLOW), { source: 'shop/web-1', destination: '' })
  t.strictSame(told(options, { ...FLOW, traffic_direction: 'INGRESS' }), { source: '', destination: '192.0.2.1' })
})

t.test('labelsContext tells every label of both ends', async t => {
  const side = (name: string) => ['ip', 'pod', 'namespace', 'workload', 'workload_kind', 'app'].map(l => `${name}_${l}`)
  const labels = [...side('source'), ...side('destination'), 'traffic_direction']
  t.strictSame(told(`labelsContext=${labels.toReversed().join(',')}`, FLOW), {
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
