// SPDX-License-Identifier: Apache-2.0
/**
 * demo.ts - `weir demo`: a lab of pods with real traffic, and Weir on it until Ctrl-C.
 *
 * In:    with --kubernetes the names come from a fake API server that serves the lab's pods.
 * Out:   the exporter of `weir run`, on the lab's node namespace; it listens on this host.
 * Stop:  a signal stops Weir, then the traffic, then the lab. The start removes the remains of an earlier demo.
 */
import type { Log } from '../agent/log.js'
import type { RunOptions } from '../agent/options/run-options.js'
import type { Configuration } from '../agent/reload/config-reload.js'
import { run } from '../agent/run.js'
import { stopSignal } from '../agent/stop-signal.js'
import { parseInventory } from '../datapath/inventory/inventory.js'
import { createDemoLab, startTraffic } from '../lab/demo.js'
import { LAB_NODE, LabCluster } from '../lab/kubernetes/lab-cluster.js'
import { Lab } from '../lab/lab.js'

/** Returns the exit code. */
export async function demo(options: RunOptions, log: Log, configuration: Configuration): Promise<number> {
  if (process.getuid?.() !== 0) throw new Error('weir demo requires root to create network namespaces')
  let stopped = false
  void stopSignal().then(() => {
    stopped = true
  })
  await Lab.cleanupStale()
  log.info('building the lab')
  const lab = await createDemoLab({ signals: 'leave' })
  let cluster: LabCluster | undefined
  try {
    if (stopped) return 0
    log.info({ pods: lab.pods.map(pod => pod.name) }, 'lab ready, press Ctrl-C to stop')
    if (options.kubernetes !== undefined) cluster = await LabCluster.start(lab.pods)
    const running = run({ ...options, ...watching(lab), ...namesFrom(lab, options, cluster) }, log, configuration)
    const traffic = startTraffic(lab, error => log.error({ err: error.message }, 'traffic failed'))
    traffic.catch(() => undefined) // reported below, where it is awaited
    const code = await running
    await (await traffic).stop()
    return code
  } finally {
    await cluster?.stop()
    await lab.destroy()
  }
}

/** The lab's node in place of this host. */
function watching(lab: Lab): Partial<RunOptions> {
  return { source: { kind: 'live' }, interfaces: [], uplinks: [], netns: lab.node.path }
}

/** From the lab's API server, or from its inventory. */
function namesFrom(lab: Lab, { kubernetes }: RunOptions, cluster: LabCluster | undefined): Partial<RunOptions> {
  if (kubernetes === undefined || cluster === undefined) {
    return { inventory: parseInventory(JSON.stringify(lab.inventory()), 'the lab') }
  }
  return { kubernetes: { ...kubernetes, nodeName: LAB_NODE, account: cluster.account } }
}
