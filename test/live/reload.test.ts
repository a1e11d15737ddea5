/**
 * reload.test.ts - labels, families, budgets and hubble_* metrics change under traffic, and no packet is lost of it: series,
 * overflow and what was removed add up to the links' own counters.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { quiet } from '../../src/lab/links.js'
import { labOf, ROOT, watch } from '../support/watch.js'

const NETWORK = 90
const PORTS = [8001, 8002]
const ROUNDS = 8
const STORM = 250
const PACKETS = 'weir_flow_packets_total'
const BYTES = 'weir_flow_bytes_total'
const LABELS: readonly (readonly string[])[] = [
  ['source_pod', 'destination_pod'],
  ['source_ip', 'destination_ip', 'destination_port'],
  [],
  ['source_workload'],
]

t.test(
  'what a running Weir counts by changes eight times in a storm, and every packet is in a series',
  ROOT,
  async t => {
    const lab = await labOf(t, NETWORK, ['reload/a', 'reload/b'])
    const [a, b] = [lab.pod('a'), lab.pod('b')]
    await b.agent.call('tcpServe', { ports: PORTS })
    const folder = mkdtempSync(join(tmpdir(), 'weir-reload-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    const file = join(folder, 'weir.yaml')
    writeFileSync(file, 'hubble-metrics: drop\n')
    const weir = await watch(t, lab, '--config.file', file, '--web.enable-lifecycle')
    const reload = async (config: object) => {
      writeFileSync(file, JSON.stringify(config)) // JSON is YAML
      const answer = await fetch(`${weir.url}/-/reload`, { method: 'POST' })
      t.strictSame([answer.status, await answer.text()], [200, ''])
    }
    const settled = () =>
      quiet(
        lab.node.netns,
        lab.pods.map(({ link }) => link),
      )
    // What interfaces say of themselves when they come up.
    await settled()
    const started = await weir.metrics()
    const before = await lab.allCounters()
    for (let round = 0; round < ROUNDS; round++) {
      const storm = a.agent.call('tcpStorm', { host: b.ipv4, ports: PORTS, count: STORM, concurrency: 10 })
      const labels = LABELS[round % LABELS.length]
      await reload({
        'hubble-metrics': round % 2 === 0 ? 'drop tcp' : 'tcp:sourceContext=pod flow',
        series: { budget: round % 3 === 0 ? 5 : 1000 },
        // Switched off it counts nothing, so it is another family that comes and goes.
        families: { [PACKETS]: { labels }, [BYTES]: { labels }, weir_packet_size_bytes: { enabled: round % 2 === 0 } },
      })
      t.strictSame(await storm, { succeeded: STORM, failed: 0, errors: {} })
    }
    await settled()
    const page = await weir.metrics()
    const after = await lab.allCounters()
    const carried = (what: 'packets' | 'bytes') =>
      [a, b].reduce((sum, { name }) => {
        const [then, now] = [before.get(name)!, after.get(name)!]
        return sum + now.rx[what] - then.rx[what] + now.tx[what] - then.tx[what]
      }, 0)
    const counted = (family: string) =>
      page.sum(family) + page.sum('weir_series_expired_value_total', { sample: family }) - started.sum(family)
    t.equal(counted(PACKETS), carried('packets'))
    t.equal(counted(BYTES), carried('bytes'))
    t.ok(page.sum(PACKETS, { otel_metric_overflow: 'true' }) > 0, 'some of it beyond a budget')
    t.equal(page.get('weir_config_reloads_total', { result: 'applied' }), ROUNDS)
  },
)
