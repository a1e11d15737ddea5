/**
 * watched-demo.ts - the demo's lab with its traffic, Weir on it with everything on, and a real Prometheus that scrapes it.
 *
 * The lab is the demo's: requests, DNS, pings, resets, refused and dropped connections. Policy verdicts come from records of
 * Cilium's datapath alone, so a second Weir replays a recording.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Test } from 'tap'
import { HUBBLE_METRICS } from '../../dashboards/vocabulary.js'
import { createDemoLab, startTraffic } from '../../src/lab/demo.js'
import { LAB_NODE, LabCluster } from '../../src/lab/kubernetes/lab-cluster.js'
import { startSink } from './otlp-sink.js'
import { type Prometheus, startPrometheus } from './prometheus.js'
import { startWeir } from './weir-process.js'

const NETWORK = 67
const TARGET = { cluster: 'lab', node: 'lab-node' }

/** `onFailure` gets what ends the traffic. All of it is gone with the test. */
export async function watchedDemo(t: Pick<Test, 'teardown'>, onFailure: (reason: Error) => void): Promise<Prometheus> {
  const lab = await createDemoLab({ network: NETWORK })
  t.teardown(() => lab.destroy())
  const cluster = await LabCluster.start(lab.pods)
  t.teardown(() => cluster.stop())
  const files = mkdtempSync(join(tmpdir(), 'weir-demo-'))
  t.teardown(() => rmSync(files, { recursive: true }))
  const file = (name: string, text: string) => {
    writeFileSync(join(files, name), text)
    return join(files, name)
  }
  const sink = await startSink()
  t.teardown(() => sink.close())
  const weir = await startWeir([
    ...['--netns', lab.node.path, '--hubble-metrics', HUBBLE_METRICS],
    ...['--hubble.listen-address', `unix://${files}/live.sock`],
    ...['--kubernetes', '--kubernetes.kubeconfig', file('kubeconfig', cluster.api.kubeconfig())],
    ...['--kubernetes.node-name', LAB_NODE, '--otlp.endpoint', sink.url, '--otlp.interval', '5s'],
  ])
  t.teardown(() => weir.stop('SIGKILL'))
  const replay = await startWeir([
    ...['--source', 'replay:examples/records.pcap', '--inventory', 'examples/inventory.json'],
    ...['--hubble.listen-address', `unix://${files}/replay.sock`],
    ...['--hubble-dynamic-metrics-config-path', file('metrics.yaml', 'metrics: [{ name: drop }]')],
    ...['--web.config.file', file('web.yml', '')],
  ])
  t.teardown(() => replay.stop('SIGKILL'))
  const prometheus = await startPrometheus(t, weir.url, TARGET, {
    targets: [{ url: replay.url, labels: { ...TARGET, node: 'replay' } }],
  })
  const traffic = await startTraffic(lab, onFailure)
  t.teardown(() => traffic.stop())
  return prometheus
}
