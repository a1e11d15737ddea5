/**
 * demo.ts - `weir demo`: a lab of pods with real traffic, and Weir on it until Ctrl-C.
 *
 * Out:   the same exporter as `weir run`, on the lab's node namespace; its address is this host's.
 * Stop:  a signal ends the traffic, then Weir, then the lab; what an earlier demo left behind goes at the start.
 */
import { parseWorld } from '../datapath/world.js'
import { createDemoLab, startTraffic } from '../lab/demo.js'
import { Lab } from '../lab/lab.js'
import type { Log } from './log.js'
import { type RunOptions, run, signalled } from './run.js'

/** What of a configuration the lab decides. */
const LAB = { source: { kind: 'live' }, interfaces: [], uplinks: [] } as const

export async function demo(options: RunOptions, log: Log): Promise<number> {
  if (process.getuid?.() !== 0) throw new Error('weir demo needs root: it makes network namespaces')
  let early: string | undefined
  void signalled().then(signal => {
    early = signal
  })
  await Lab.cleanupStale()
  log.info('building the lab')
  const lab = await createDemoLab({ signals: 'leave' })
  try {
    if (early !== undefined) return 0
    log.info({ pods: lab.pods.map(pod => pod.name) }, 'lab is up; Ctrl-C ends it')
    const world = parseWorld(JSON.stringify(lab.world()), 'the lab')
    const running = run({ ...options, ...LAB, netns: lab.node.path, world }, log)
    const traffic = startTraffic(lab, error => log.error({ err: error.message }, 'traffic ended'))
    traffic.catch(() => undefined) // told below, where it is awaited
    const code = await running
    await (await traffic).stop()
    return code
  } finally {
    await lab.destroy()
  }
}
