/**
 * dashboard-queries.test.ts - every query of every panel and variable finds data in a Prometheus that scrapes a live lab.
 *
 * The lab is the demo's: requests, DNS, pings, resets, refused and dropped connections. Policy verdicts come from records of
 * Cilium's datapath alone, so a second Weir replays a recording.
 */
import { join } from 'node:path'
import t, { type Test } from 'tap'
import { HUBBLE_METRICS } from '../dashboards/vocabulary.js'
import { createDemoLab, startTraffic } from '../src/lab/demo.js'
import { LAB_NODE, LabCluster } from '../src/lab/kubernetes/lab-cluster.js'
import { type DashboardJson, dashboards, fill, panelsOf, questionOf } from './dashboard-json.js'
import { startSink } from './otlp-sink.js'
import { type Prometheus, startPrometheus } from './prometheus.js'
import { socketPath } from './served-flows.js'
import { until } from './until.js'
import { ROOT } from './watch.js'
import { startWeir } from './weir-process.js'

const NETWORK = 67
const TARGET = { cluster: 'lab', node: 'lab-node' }
/** "All", but for the ends of what is asked about: a namespace and workload with traffic of every kind. */
const VARIABLES: Readonly<Record<string, string>> = {
  cluster: '.*',
  job: '.+',
  node: '.*',
  instance: '.+',
  namespace: '.*',
  workload: '.*',
  __rate_interval: '30s',
}
const MINUTE_MS = 60_000

t.test('every panel has data after a minute of traffic', ROOT, async t => {
  const api = () => ['--hubble.listen-address', `unix://${socketPath(t)}`]
  const lab = await createDemoLab({ network: NETWORK })
  t.teardown(() => lab.destroy())
  const cluster = await LabCluster.start(lab.pods)
  t.teardown(() => cluster.stop())
  const files = t.testdir({
    kubeconfig: cluster.api.kubeconfig(),
    'metrics.yaml': 'metrics: [{ name: drop }]',
    'web.yml': '',
  })
  const kubeconfig = join(files, 'kubeconfig')
  const sink = await startSink()
  t.teardown(() => sink.close())
  const weir = await startWeir([
    ...['--netns', lab.node.path, '--hubble-metrics', HUBBLE_METRICS, ...api()],
    ...['--kubernetes', '--kubernetes.kubeconfig', kubeconfig, '--kubernetes.node-name', LAB_NODE],
  ])
  t.teardown(() => weir.stop('SIGKILL'))
  const recording = ['replay:test/fixtures/records.pcap', '--world', 'test/fixtures/world.json']
  const dynamic = join(files, 'metrics.yaml')
  const replay = await startWeir([
    ...['--source', ...recording, ...api()],
    ...['--hubble-dynamic-metrics-config-path', dynamic, '--web.config.file', join(files, 'web.yml')],
    ...['--otlp.endpoint', sink.url, '--otlp.interval', '1s'],
  ])
  t.teardown(() => replay.stop('SIGKILL'))
  const prometheus = await startPrometheus(t, weir.url, TARGET, {
    targets: [{ url: replay.url, labels: { ...TARGET, node: 'replay' } }],
  })
  const traffic = await startTraffic(lab, error => t.error(error))
  t.teardown(() => traffic.stop())
  for (const dashboard of dashboards()) {
    await t.test(dashboard.title, async t => {
      for (const [name, expr] of queriesOf(dashboard)) await finds(t, prometheus, name, fill(expr, VARIABLES))
    })
  }
})

async function finds(t: Test, prometheus: Prometheus, name: string, expr: string): Promise<void> {
  const found = await until(name, async () => (await prometheus.values(expr)).length > 0, MINUTE_MS).catch(() => false)
  t.ok(found, `${name}: ${expr}`)
}

function queriesOf(dashboard: DashboardJson): readonly (readonly [string, string])[] {
  const panels = panelsOf(dashboard).flatMap(({ title, targets }) =>
    targets.map(({ refId, expr }) => [`${title} ${refId}`, expr] as const),
  )
  const variables = dashboard.templating.list.filter(({ type }) => type === 'query')
  return [
    ...variables.map(variable => [`variable ${variable.name}`, labelValues(questionOf(variable))] as const),
    ...panels,
  ]
}

/** `label_values(selector, label)` is Grafana's; what it asks Prometheus comes to this. */
function labelValues(question: string): string {
  const [, selector = '', label = ''] = /^label_values\((.+), (\w+)\)$/.exec(question) ?? []
  return `count by (${label}) (${selector.includes('{') ? selector.replace('{', `{${label}!="", `) : `${selector}{${label}!=""}`})`
}
