/**
 * kubernetes-lab.test.ts - with real packets: the inventory file and the Kubernetes API give the same series for the same
 * lab, and pods that come and go are named rightly, also while the API is away.
 */
import t from 'tap'
import { defaultInventory, type Inventory, parseInventory } from '../../src/datapath/inventory/inventory.js'
import { M } from '../../src/exporter/catalog/catalog.js'
import { FLOW_NAMES } from '../../src/exporter/catalog/flow-catalog.js'
import type { Metric } from '../../src/exporter/catalog/metric.js'
import { allowedLabels } from '../../src/exporter/reduce/flow-labels.js'
import { metricsConfig } from '../../src/exporter/reduce/metrics-config.js'
import { LAB_NODE, LAB_ZONE } from '../../src/lab/kubernetes/lab-cluster.js'
import type { Lab } from '../../src/lab/lab.js'
import { ping } from '../../src/lab/traffic.js'
import { clusterOf, named, watchCluster } from '../support/lab-names.js'
import { until } from '../support/until.js'
import { labOf, ROOT } from '../support/watched-lab.js'

/** Every label of source and destination; the rest depends on the family. */
const LABELS = ['namespace', 'workload', 'workload_kind', 'pod', 'app', 'node', 'zone'].flatMap(of => [
  `source_${of}`,
  `destination_${of}`,
])
const FAMILIES = FLOW_NAMES.map(name => M[name].name)
/** Of times that each Weir measures itself: the same series, with other numbers in them. */
const MEASURED = /_seconds_(sum|bucket)/

t.test('the inventory file and Kubernetes give the same series in every family', ROOT, async t => {
  const lab = await labOf(t, ['shop/web', 'data/database'])
  const byApi = await named(t, lab, defaultInventory())
  await watchCluster(t, byApi, await clusterOf(t, lab))
  const byInventory = await named(t, lab, placedInventory(lab))
  const chosen = FLOW_NAMES.map(name => M[name])
  const labelsOf = (metric: Metric) => LABELS.filter(label => allowedLabels(metric).includes(label))
  const families = Object.fromEntries(chosen.map(metric => [metric.name, { labels: labelsOf(metric) }]))
  for (const { exporter } of [byApi, byInventory]) exporter.reducer.apply(metricsConfig({ families }))
  const [web, database] = [lab.pod('web'), lab.pod('database')]
  for (const ip of [database.ipv4, database.ipv6]) await ping(web, ip, { count: 3 })
  await database.agent.call('tcpServe', { ports: [5432] })
  const storm = { host: database.ipv4, ports: [5432, 5433], count: 20, concurrency: 2, size: 3000 }
  await web.agent.call('tcpStorm', storm)
  const [expected, got] = [byInventory.page(), byApi.page()]
  const there = FAMILIES.filter(name => flows(expected, name).length > 0)
  t.ok(there.length >= 9, `of ${there.join(', ')}`)
  for (const name of [...FAMILIES, 'hubble_icmp_total']) {
    t.strictSame(flows(got, name).map(comparable), flows(expected, name).map(comparable), name)
  }
  t.ok(flows(expected, 'weir_icmp_messages_total').some(line => line.includes('EchoRequest') && line.endsWith(' 6')))
})

t.test('a pod that comes is named, and the next one on its address as well', ROOT, async t => {
  const lab = await labOf(t, ['shop/web', 'shop/moves'])
  const cluster = await clusterOf(t, lab, ['web'])
  const weir = await named(t, lab, defaultInventory())
  await watchCluster(t, weir, cluster)
  const { ipv4, ipv6, spec } = lab.pod('moves')
  const as = (name: string) => ({ spec: { ...spec, name, workload: name }, ipv4, ipv6 })
  const packets = (workload: string) =>
    weir.samples().sum('weir_flow_packets_total', { destination_workload: workload, protocol: 'ICMPv4' })
  const isNamed = (pod: string) => until(`${pod} is named`, () => weir.exporter.resolver.pod(ipv4)?.pod === pod)
  cluster.put(as('first'))
  await isNamed('first')
  await ping(lab.pod('web'), ipv4, { count: 3 })
  t.strictSame([packets('first'), packets('second')], [6, 0])
  cluster.remove(as('first'))
  cluster.put(as('second'))
  await isNamed('second')
  await ping(lab.pod('web'), ipv4, { count: 2 })
  t.strictSame([packets('first'), packets('second')], [6, 4])
})

t.test('an API that is gone leaves the last names, and what changed meanwhile is right afterwards', ROOT, async t => {
  const lab = await labOf(t, ['shop/web', 'shop/api'])
  const cluster = await clusterOf(t, lab)
  const weir = await named(t, lab, defaultInventory())
  const watch = await watchCluster(t, weir, cluster)
  const up = () => weir.samples().get('weir_kubernetes_watch_up', { resource: 'pods' })
  await until('watched', () => up() === 1)
  await cluster.api.stop()
  await until('the failure shows', () => up() === 0)
  t.equal(watch.notReady, undefined, 'ready stays')
  const { ipv4, ipv6, spec } = lab.pod('api')
  const packets = (workload: string) =>
    weir.samples().sum('weir_flow_packets_total', { source_workload: 'web', destination_workload: workload })
  await ping(lab.pod('web'), ipv4, { count: 1 })
  t.equal(packets('api'), 2)
  cluster.remove(lab.pod('api'))
  cluster.put({ spec: { ...spec, name: 'later', workload: 'later' }, ipv4, ipv6 })
  await cluster.api.start()
  await until('later is named', () => weir.exporter.resolver.pod(ipv4)?.pod === 'later')
  await ping(lab.pod('web'), ipv4, { count: 1 })
  t.strictSame([packets('api'), packets('later')], [2, 2])
})

/** The lab's inventory file, with what its API server says besides. */
function placedInventory(lab: Lab): Inventory {
  const { endpoints, ...inventory } = lab.inventory()
  const placed = endpoints.map(endpoint => ({
    ...endpoint,
    app: endpoint.workload?.name ?? '',
    node: LAB_NODE,
    zone: LAB_ZONE,
  }))
  return parseInventory(JSON.stringify({ ...inventory, endpoints: placed }), 'the lab')
}

/** Of a family, between the two pods: what their links say as they come up is over before the second Weir looks. */
function flows(page: string, family: string): string[] {
  const own = new RegExp(`^${family}(_(sum|count|bucket))?[{]`)
  return page
    .split('\n')
    .filter(line => own.test(line) && line.includes('web') && line.includes('database'))
    .sort()
}

function comparable(line: string): string {
  return MEASURED.test(line) ? line.slice(0, line.lastIndexOf(' ')) : line
}
