/**
 * demo.ts - `weir demo`: a lab of pods with real traffic, and Weir on it until Ctrl-C.
 *
 * In:    with --kubernetes the names come from a fake API server that serves the lab's pods.
 * Out:   the same exporter as `weir run`, on the lab's node namespace; its address is this host's.
 * Stop:  a signal ends the traffic, then Weir, then the lab; what an earlier demo left behind goes at the start.
 */

import type { Log } from '../agent/log.js'
import type { Configuration } from '../agent/reload/config-reload.js'
import { type RunOptions, run, signalled } from '../agent/run.js'
import { parseInventory } from '../datapath/inventory/inventory.js'
import { createDemoLab, startTraffic } from '../lab/demo.js'
import { LAB_NODE, LabCluster } from '../lab/kubernetes/lab-cluster.js'
import { Lab } from '../lab/lab.js'

/** What of a configuration the lab decides. */
const LAB = { source: { kind: 'live' }, interfaces: [], uplinks: [] } as const

export async function demo(options: RunOptions, log: Log, configuration: Configuration): Promise<number> {
  if (process.getuid?.() !== 0) throw new Error('weir demo needs root: it makes network namespaces')
  let early: string | undefined
  void signalled().then(signal => {
    early = signal
  })
  await Lab.cleanupStale()
  log.info('building the lab')
  const lab = await createDemoLab({ signals: 'leave' })
  let cluster: LabCluster | undefined
  try {
    if (early !== undefined) return 0
    log.info({ pods: lab.pods.map(pod => pod.name) }, 'lab is up; Ctrl-C ends it')
    cluster = options.kubernetes && (await LabCluster.start(lab.pods))
    const running = run(
      { ...options, ...LAB, netns: lab.node.path, ...namesOf(lab, options, cluster) },
      log,
      configuration,
    )
    const traffic = startTraffic(lab, error => log.error({ err: error.message }, 'traffic ended'))
    traffic.catch(() => undefined) // told below, where it is awaited
    const code = await running
    await (await traffic).stop()
    return code
  } finally {
    await cluster?.stop()
    await lab.destroy()
  }
}

/** From the lab's own API server, or from its inventory file. */
function namesOf(lab: Lab, { kubernetes }: RunOptions, cluster: LabCluster | undefined): Partial<RunOptions> {
  if (kubernetes === undefined || cluster === undefined) {
    return { inventory: parseInventory(JSON.stringify(lab.inventory()), 'the lab') }
  }
  return { kubernetes: { ...kubernetes, nodeName: LAB_NODE, account: cluster.account } }
}
