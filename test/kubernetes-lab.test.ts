/**
 * kubernetes-lab.test.ts - with real packets: the world file and the Kubernetes API give the same series for the same
 * lab, and pods that come and go are named rightly, also while the API is away.
 */
import t, { type Test } from 'tap'
import { ClusterNames } from '../src/cli/cluster.js'
import { createLog } from '../src/cli/log.js'
import { defaultWorld, parseWorld, type World } from '../src/datapath/world.js'
import { LAB_NODE, LabCluster } from '../src/lab/kubernetes/lab-cluster.js'
import type { Lab } from '../src/lab/lab.js'
import { ping } from '../src/lab/traffic.js'
import { liveExporter } from './live-exporter.js'
import { QUICK } from './named-cluster.js'
import { until } from './until.js'
import { labOf, ROOT } from './watched-lab.js'

const FLOWS = /^(weir_(flow|icmp|connections_opened|connections_active|packet_size)|hubble_icmp)/

t.test('the world file and Kubernetes give the same series', ROOT, async t => {
  const lab = await labOf(t, ['shop/web', 'data/database'])
  const byApi = named(t, lab, defaultWorld())
  await watchCluster(t, byApi, await clusterOf(t, lab))
  const byWorld = named(t, lab, parseWorld(JSON.stringify(lab.world()), 'the lab'))
  for (const ip of [lab.pod('database').ipv4, lab.pod('database').ipv6]) await ping(lab.pod('web'), ip, { count: 3 })
  const expected = flows(byWorld.page())
  t.ok(
    expected.some(line => /^weir_flow_packets_total.* 3$/.test(line)),
    'three packets each way',
  )
  t.ok(expected.some(line => line.startsWith('hubble_icmp_total')))
  t.strictSame(flows(byApi.page()), expected)
})

t.test('a pod that comes is named, and the next one on its address as well', ROOT, async t => {
  const lab = await labOf(t, ['shop/web', 'shop/moves'])
  const cluster = await clusterOf(t, lab, ['web'])
  const weir = named(t, lab, defaultWorld())
  await watchCluster(t, weir, cluster)
  const { ipv4, ipv6, spec } = lab.pod('moves')
  const as = (name: string) => ({ spec: { ...spec, name, workload: name }, ipv4, ipv6 })
  const packets = (workload: string) =>
    weir.samples().sum('weir_flow_packets_total', { destination_workload: workload, protocol: 'ICMPv4' })
  const told = (pod: string) => until(`${pod} is told`, () => weir.exporter.directory.pod(ipv4)?.pod === pod)
  cluster.put(as('first'))
  await told('first')
  await ping(lab.pod('web'), ipv4, { count: 3 })
  t.strictSame([packets('first'), packets('second')], [6, 0])
  cluster.remove(as('first'))
  cluster.put(as('second'))
  await told('second')
  await ping(lab.pod('web'), ipv4, { count: 2 })
  t.strictSame([packets('first'), packets('second')], [6, 4])
})

t.test('an API that is gone leaves the last names, and what changed meanwhile is right afterwards', ROOT, async t => {
  const lab = await labOf(t, ['shop/web', 'shop/api'])
  const cluster = await clusterOf(t, lab)
  const weir = named(t, lab, defaultWorld())
  const watch = await watchCluster(t, weir, cluster)
  const up = () => weir.samples().get('weir_kubernetes_watch_up', { resource: 'pods' })
  await until('watched', () => up() === 1)
  await cluster.api.stop()
  await until('told', () => up() === 0)
  t.equal(watch.notReady, undefined, 'ready stays')
  const { ipv4, ipv6, spec } = lab.pod('api')
  const packets = (workload: string) =>
    weir.samples().sum('weir_flow_packets_total', { source_workload: 'web', destination_workload: workload })
  await ping(lab.pod('web'), ipv4, { count: 1 })
  t.equal(packets('api'), 2)
  cluster.remove(lab.pod('api'))
  cluster.put({ spec: { ...spec, name: 'later', workload: 'later' }, ipv4, ipv6 })
  await cluster.api.start()
  await until('later is told', () => weir.exporter.directory.pod(ipv4)?.pod === 'later')
  await ping(lab.pod('web'), ipv4, { count: 1 })
  t.strictSame([packets('api'), packets('later')], [2, 2])
})

/** An API server with these pods of the lab, all unless told. */
async function clusterOf(t: Test, lab: Lab, names?: readonly string[]): Promise<LabCluster> {
  const cluster = await LabCluster.start(lab.pods.filter(({ name }) => names?.includes(name) ?? true))
  t.teardown(() => cluster.stop())
  return cluster
}

/** Weir on the lab in this process. */
function named(t: Test, lab: Lab, world: World) {
  let cluster: ClusterNames | undefined
  const hubble = 'icmp:sourceContext=workload|pod;destinationContext=pod'
  const weir = liveExporter(t, lab, { world, hubble, tell: () => cluster?.tell() })
  const use = (names: ClusterNames) => {
    cluster = names
  }
  return { ...weir, use }
}

async function watchCluster(t: Test, weir: ReturnType<typeof named>, { account }: LabCluster): Promise<ClusterNames> {
  const { store, names, entities } = weir.exporter
  const own = { nodeName: LAB_NODE, cilium: 'auto', requireSync: true, userAgent: 'weir-test', times: QUICK } as const
  const parts = {
    store,
    log: createLog('error', 'logfmt'),
    keys: () => entities.keys(),
    apply: names.apply.bind(names),
  }
  const cluster = new ClusterNames({ ...own, account }, parts)
  t.teardown(() => cluster.stop())
  await cluster.start()
  weir.use(cluster)
  await until('the cluster is known', () => cluster.notReady === undefined)
  return cluster
}

/** Between the two pods: what their links say as they come up is over before the second Weir looks. */
function flows(page: string): string[] {
  return page
    .split('\n')
    .filter(line => FLOWS.test(line) && line.includes('web') && line.includes('database'))
    .sort()
}
