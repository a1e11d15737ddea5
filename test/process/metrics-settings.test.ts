/**
 * metrics-settings.test.ts - settings of flow families by flag, variable and file: taken, refused, and in force in
 * `weir run`.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { metricsOptions } from '../../src/agent/options/config-options.js'
import { type FlagValues, load } from '../../src/config/load.js'
import { M } from '../../src/exporter/catalog/catalog.js'
import { DEFAULT_METRICS } from '../../src/exporter/reduce/metrics-config.js'
import { until } from '../support/until.js'
import { startWeir } from '../support/weir-process.js'

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url))
const REPLAY = ['--source', `replay:${EXAMPLES}records.pcap`, '--inventory', `${EXAMPLES}inventory.json`]
const FLOWS = M.flowPackets.name

function fileWith(text: string): FlagValues {
  const path = join(t.testdir(), 'weir.yaml')
  writeFileSync(path, text)
  return new Map([['config.file', [path]]])
}

t.test('without settings all families have the defaults', async t => {
  t.strictSame(metricsOptions(load(new Map(), {}).config), DEFAULT_METRICS)
})

t.test('a file says them all', async t => {
  const { config } = load(
    fileWith(`
series: { budget: 500, budgets: { ${FLOWS}: 7 }, ttl: 10m }
namespaces: { include: [shop-*], exclude: [kube-system] }
families: { ${FLOWS}: { labels: [source_pod] }, ${M.packetSize.name}: { enabled: false } }
exemplars: true
`),
    {},
  )
  t.strictSame(metricsOptions(config), {
    budget: 500,
    budgets: { [FLOWS]: 7 },
    ttlMs: 600_000,
    families: { [FLOWS]: { labels: ['source_pod'] }, [M.packetSize.name]: { enabled: false } },
    includeNamespaces: ['shop-*'],
    excludeNamespaces: ['kube-system'],
    exemplars: true,
  })
})

t.test('variables and flags too, families as JSON', async t => {
  const environment = { WEIR_SERIES_TTL: '0s', WEIR_FAMILIES: `{"${FLOWS}":{"enabled":false}}` }
  const { config } = load(new Map([['namespaces.exclude', ['a', 'b*']]]), environment)
  const { ttlMs, families, excludeNamespaces } = metricsOptions(config)
  t.strictSame([ttlMs, families, excludeNamespaces], [0, { [FLOWS]: { enabled: false } }, ['a', 'b*']])
})

t.test('what is refused is named, with what is allowed', async t => {
  const refusals: readonly [string, RegExp][] = [
    [`families: { ${FLOWS}: { labels: [source_colour] } }`, /families.*source_colour.*expected one of source_ip/s],
    ['families: { weir_flows: { enabled: false } }', /weir_flows.*expected one of weir_flow_packets_total/s],
    [`families: { ${FLOWS}: { label: [] } }`, /families.*allowed: a mapping/s],
    [`families: { ${FLOWS}: { enabled: maybe } }`, /allowed: true, false/],
    ['series: { budget: -1 }', /series.budget.*allowed: a whole number/s],
    ['series: { ttl: 10ms }', /series.ttl.*or 0s for never/s],
    ['namespaces: { exclude: ["a[b"] }', /namespaces.exclude.*allowed/s],
  ]
  for (const [text, words] of refusals) t.throws(() => load(fileWith(text), {}), words, text)
})

t.test('weir run counts by the chosen labels, and removes series that rest', async t => {
  const families = JSON.stringify({ [FLOWS]: { labels: ['destination_port'] }, [M.flowBytes.name]: { enabled: false } })
  const weir = await startWeir([...REPLAY, '--families', families, '--series.ttl', '1s'])
  t.teardown(() => weir.stop())
  await until(
    'a series went',
    async () => ((await weir.metrics()).get(M.seriesExpired.name, { family: FLOWS }) ?? 0) > 0,
  )
  const page = await weir.metrics()
  t.strictSame(page.series(M.flowBytes.name), [])
  t.ok(page.get(M.seriesExpiredValue.name, { sample: FLOWS }), 'their counts are reported as expired')
})
