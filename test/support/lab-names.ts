/**
 * lab-names.ts - Weir on a lab in the test's own process, with names from a fake API server that serves the lab's pods.
 */
import type { Test } from 'tap'
import { createLog } from '../../src/agent/log.js'
import { ClusterNames, type ClusterTarget } from '../../src/agent/names/cluster-names.js'
import type { Inventory } from '../../src/datapath/inventory/inventory.js'
import { LAB_NODE, LabCluster } from '../../src/lab/kubernetes/lab-cluster.js'
import type { Lab } from '../../src/lab/lab.js'
import { liveExporter } from './live-exporter.js'
import { QUICK } from './named-cluster.js'
import { until } from './until.js'

const ICMP = 'icmp:sourceContext=workload|pod;destinationContext=pod'

/** An API server with these pods of the lab; default: all. */
export async function clusterOf(t: Test, lab: Lab, names?: readonly string[]): Promise<LabCluster> {
  const cluster = await LabCluster.start(lab.pods.filter(({ name }) => names?.includes(name) ?? true))
  t.teardown(() => cluster.stop())
  return cluster
}

/** Runs Weir on the lab in this process. use() sets the names that each page publishes. */
export async function named(t: Test, lab: Lab, inventory: Inventory, hubble = ICMP) {
  let cluster: ClusterNames | undefined
  const weir = await liveExporter(t, lab, { inventory, hubble, beforePage: () => cluster?.updateMetrics() })
  const use = (names: ClusterNames) => {
    cluster = names
  }
  return { ...weir, use }
}

export async function watchCluster(
  t: Test,
  weir: Awaited<ReturnType<typeof named>>,
  { account }: LabCluster,
): Promise<ClusterNames> {
  const { store, entities } = weir.exporter
  entities.expectNames()
  const own = { nodeName: LAB_NODE, cilium: 'auto', requireSync: true, userAgent: 'weir-test', times: QUICK } as const
  const target: ClusterTarget = {
    store,
    log: createLog('error', 'logfmt'),
    keys: () => entities.keys(),
    apply: changes => weir.names.apply(changes),
  }
  const cluster = new ClusterNames({ ...own, account }, target)
  t.teardown(() => cluster.stop())
  await cluster.start()
  weir.use(cluster)
  await until('the cluster has synced', () => cluster.notReady === undefined)
  return cluster
}
