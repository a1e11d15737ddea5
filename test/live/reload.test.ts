/**
 * reload.test.ts - labels, families, budgets and hubble_* metrics change under traffic without losing a packet: series, overflow
 * and removed series add up to the links' own counters.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { ignored } from '../support/ledger.js'
import { type Instant, readTogether } from '../support/one-instant.js'
import { labOf, ROOT, watch } from '../support/watched-lab.js'

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

t.test('labels change eight times during a connection storm, and every packet is in a series', ROOT, async t => {
  const lab = await labOf(t, ['reload/a', 'reload/b'], { network: NETWORK })
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
  const before = await readTogether(lab, weir.metrics)
  for (let round = 0; round < ROUNDS; round++) {
    const storm = a.agent.call('tcpStorm', { host: b.ipv4, ports: PORTS, count: STORM, concurrency: 10 })
    const labels = LABELS[round % LABELS.length]
    await reload({
      'hubble-metrics': round % 2 === 0 ? 'drop tcp' : 'tcp:sourceContext=pod flow',
      series: { budget: round % 3 === 0 ? 5 : 1000 },
      // A disabled family counts nothing, so a family that is not compared below is switched.
      families: { [PACKETS]: { labels }, [BYTES]: { labels }, weir_packet_size_bytes: { enabled: round % 2 === 0 } },
    })
    t.strictSame(await storm, { succeeded: STORM, failed: 0, errors: {} })
  }
  const after = await readTogether(lab, weir.metrics)
  const page = after.samples
  for (const [unit, family] of [
    ['packets', PACKETS],
    ['bytes', BYTES],
  ] as const) {
    t.equal(
      counted(after, unit, family) - counted(before, unit, family),
      carried(after, unit) - carried(before, unit),
      unit,
    )
  }
  t.ok(page.sum(PACKETS, { otel_metric_overflow: 'true' }) > 0, 'some series are beyond a budget')
  t.equal(page.get('weir_config_reloads_total', { result: 'applied' }), ROUNDS)
})

/** In series, in removed series, or ignored (ARP); without verdict DROPPED, which repeats packets that the links carried. */
function counted({ samples }: Instant, unit: 'packets' | 'bytes', family: string): number {
  const ever = (name: string) => samples.sum(name) + samples.sum('weir_series_expired_value_total', { sample: name })
  return ever(family) - ever(`weir_drop_${unit}_total`) + ignored(samples)[unit]
}

function carried({ links }: Instant, unit: 'packets' | 'bytes'): number {
  return [...links.values()].reduce((sum, { rx, tx }) => sum + rx[unit] + tx[unit], 0)
}
