/**
 * kubernetes-lab.test.ts - with real packets: the world file and the Kubernetes API give the same series for the same
 * lab, and pods that come and go are named rightly.
 */

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { LAB_NODE, LabCluster } from '../src/lab/kubernetes/lab-cluster.js'
import type { Lab } from '../src/lab/lab.js'
import { ping } from '../src/lab/traffic.js'
import { until } from './until.js'
import { labOf, ROOT, worldFile } from './watched-lab.js'
import { startWeir, type WeirProcess } from './weir-process.js'

const HUBBLE = 'icmp:sourceContext=workload|pod;destinationContext=pod'

t.test('the world file and Kubernetes give the same series', ROOT, async t => {
  const lab = await labOf(t, ['shop/web', 'data/database'])
  const cluster = await clusterOf(t, lab)
  const byWorld = await startWeir(['--netns', lab.node.path, '--world', worldFile(t, lab), '--hubble-metrics', HUBBLE])
  t.teardown(() => byWorld.stop('SIGKILL'))
  const byApi = await weirOn(t, lab, cluster)
  await ping(lab.pod('web'), lab.pod('database').ipv4, { count: 3 })
  await ping(lab.pod('web'), lab.pod('database').ipv6, { count: 3 })
  const lines = async (weir: WeirProcess) => {
    const text = await (await fetch(`${weir.url}/metrics`)).text()
    const flows = /^(weir_(flow|icmp|connections_opened|connections_active|packet_size)|hubble_icmp)/
    return text
      .split('\n')
      .filter(line => flows.test(line))
      .sort()
  }
  const expected = await until('the pings are counted', async () => {
    const all = await lines(byWorld)
    return all.some(line => /^weir_flow_packets.*"web".*"database".* 6$/.test(line)) ? all : false
  })
  t.strictSame(await lines(byApi), expected)
})

t.test('a pod that comes is named, and the next one on its address as well', ROOT, async t => {
  const lab = await labOf(t, ['shop/web', 'shop/moves'])
  const cluster = await clusterOf(t, lab, ['web'])
  const weir = await weirOn(t, lab, cluster)
  const objects = async (resource: string) => (await weir.metrics()).get('weir_kubernetes_objects', { resource })
  t.equal(await objects('pods'), 1)
  const { ipv4, ipv6, spec } = lab.pod('moves')
  const packets = async (workload: string) =>
    (await weir.metrics()).sum('weir_flow_packets_total', { destination_workload: workload, protocol: 'ICMPv4' })
  const named = (workload: string) =>
    until(`${workload} is named`, async () => {
      await ping(lab.pod('web'), ipv4, { count: 1 })
      return (await packets(workload)) > 0
    })
  cluster.put({ spec: { ...spec, name: 'first', workload: 'first' }, ipv4, ipv6 })
  await named('first')
  cluster.remove({ spec: { ...spec, name: 'first' }, ipv4, ipv6 })
  cluster.put({ spec: { ...spec, name: 'second', workload: 'second' }, ipv4, ipv6 })
  await named('second')
  const before = await packets('first')
  await ping(lab.pod('web'), ipv4, { count: 2 })
  await until('counted', async () => (await packets('second')) > 2)
  t.equal(await packets('first'), before, 'nothing more for the one that is gone')
})

t.test('an API that is gone leaves ready and the last names', ROOT, async t => {
  const lab = await labOf(t, ['shop/web', 'shop/api'])
  const cluster = await clusterOf(t, lab)
  const weir = await weirOn(t, lab, cluster)
  await cluster.api.stop()
  await until('told', async () => (await weir.metrics()).get('weir_kubernetes_watch_up', { resource: 'pods' }) === 0)
  t.equal((await fetch(`${weir.url}/-/ready`)).status, 200)
  await ping(lab.pod('web'), lab.pod('api').ipv4, { count: 1 })
  await until('named as before', async () => {
    const labels = { source_workload: 'web', destination_workload: 'api' }
    return (await weir.metrics()).sum('weir_flow_packets_total', labels) > 0
  })
  t.match(weir.stderr(), /names stay as they were/)
})

/** An API server with these pods of the lab, all unless told. */
async function clusterOf(t: Tap, lab: Lab, names?: readonly string[]): Promise<LabCluster> {
  const cluster = await LabCluster.start(lab.pods.filter(({ name }) => names?.includes(name) ?? true))
  t.teardown(() => cluster.stop())
  return cluster
}

async function weirOn(t: Tap, lab: Lab, cluster: LabCluster): Promise<WeirProcess> {
  const kubeconfig = join(t.testdir({}), 'kubeconfig')
  writeFileSync(kubeconfig, cluster.api.kubeconfig())
  const names = ['--kubernetes', '--kubernetes.kubeconfig', kubeconfig, '--kubernetes.node-name', LAB_NODE]
  const weir = await startWeir([
    '--netns',
    lab.node.path,
    '--report-interval',
    '200ms',
    '--hubble-metrics',
    HUBBLE,
    ...names,
  ])
  t.teardown(() => weir.stop('SIGKILL'))
  return weir
}

type Tap = Pick<typeof t, 'teardown' | 'testdir'>
