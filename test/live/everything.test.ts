/**
 * everything.test.ts - a busy lab with every family, label and part on: Kubernetes, OTLP, API, Hubble's metrics; promtool
 * has nothing to say, and every family of the catalogue is on the page.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { M } from '../../src/exporter/catalog/catalog.js'
import { FLOW_METRICS } from '../../src/exporter/catalog/flow-catalog.js'
import { allowedLabels } from '../../src/exporter/reduce/flow-labels.js'
import { ping } from '../../src/lab/traffic.js'
import { clusterOf } from '../support/lab-names.js'
import { promtool } from '../support/promtool.js'
import { Samples } from '../support/samples.js'
import { until } from '../support/until.js'
import { labOf, ROOT } from '../support/watched-lab.js'
import { startWeir } from '../support/weir-process.js'

const NETWORK = 92
const PORT = 8001
const HUBBLE = ['drop', 'flow', 'flows-to-world', 'icmp', 'policy', 'port-distribution', 'tcp']
/**
 * Policy verdicts need Cilium, the lab has one zone, its names come from the API, not from an inventory file, no other
 * program is on its interfaces, and no uplink is a port of a bridge.
 */
const ABSENT = [
  'weir_policy_verdicts_total',
  'weir_inter_zone_bytes_total',
  'weir_bridge_uplink_unknown',
  'weir_interface_behind',
  'weir_interface_bypassed',
  'weir_inventory_last_reload_successful',
  'weir_inventory_last_reload_success_timestamp_seconds',
  'weir_inventory_reloads_total',
]

t.test('with every option on, promtool is silent and every family has samples', ROOT, async t => {
  const lab = await labOf(t, ['everything/a', 'everything/b'], { network: NETWORK })
  const cluster = await clusterOf(t, lab)
  const [a, b] = [lab.pod('a'), lab.pod('b')]
  await b.agent.call('tcpServe', { ports: [PORT] })
  // Short: the path of a socket is limited to 107 bytes.
  const folder = mkdtempSync(join(tmpdir(), 'weir-all-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  const path = (name: string) => join(folder, name)
  writeFileSync(path('kubeconfig'), cluster.api.kubeconfig())
  writeFileSync(path('web.yaml'), 'http_server_config: { http2: false }\n')
  // JSON is YAML.
  const families = Object.fromEntries(
    FLOW_METRICS.map(each => [each.name, { enabled: true, labels: allowedLabels(each) }]),
  )
  writeFileSync(path('weir.yaml'), JSON.stringify({ families, exemplars: true }))
  writeFileSync(path('hubble.yaml'), JSON.stringify({ metrics: HUBBLE.map(name => ({ name })) }))
  const files = {
    '--config.file': path('weir.yaml'),
    '--web.config.file': path('web.yaml'),
    '--hubble-dynamic-metrics-config-path': path('hubble.yaml'),
    '--kubernetes.kubeconfig': path('kubeconfig'),
    '--hubble.listen-address': `unix://${path('api.sock')}`,
    // Nothing listens there: its families are on the page all the same.
    '--otlp.endpoint': 'http://127.0.0.1:9',
  }
  const weir = await startWeir(['--netns', lab.node.path, '--kubernetes', ...Object.entries(files).flat()])
  t.teardown(() => weir.stop('SIGKILL'))
  await until('the cluster is synced', async () => (await fetch(`${weir.url}/-/ready`)).ok)
  for (const host of [b.ipv4, b.ipv6])
    await a.agent.call('tcpStorm', { host, ports: [PORT, PORT + 1], count: 40, concurrency: 4 })
  await ping(a, b.ipv4, { count: 1 })
  const text = await (await fetch(`${weir.url}/metrics`, { headers: { accept: 'text/plain' } })).text()
  const port = { source_pod: 'a', destination_pod: 'b', destination_port: String(PORT) }
  t.ok(Samples.parse(text).sum('weir_flow_packets_total', port) > 0)
  t.strictSame(await promtool(text), { code: 0, output: '' })
  const onPage = new Set([...text.matchAll(/^# TYPE (\S+)/gm)].map(([, name]) => name))
  t.strictSame(
    Object.values(M)
      .map(({ name }) => name)
      .filter(name => !onPage.has(name)),
    ABSENT,
  )
})
