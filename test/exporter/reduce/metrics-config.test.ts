import t from 'tap'
import { M } from '../../../src/exporter/catalog/catalog.js'
import { FLOW_METRICS } from '../../../src/exporter/catalog/flow-catalog.js'
import { allowedLabels } from '../../../src/exporter/reduce/flow-labels.js'
import {
  budgetOf,
  chosenMetric,
  DEFAULT_METRICS,
  isEnabled,
  type MetricsConfig,
  metricsConfig,
} from '../../../src/exporter/reduce/metrics-config.js'

const FLOWS = M.flowPackets.name

t.test('without a choice everything is at its default', async t => {
  const config = metricsConfig()
  t.strictSame(config, DEFAULT_METRICS)
  t.equal(chosenMetric(config, M.flowPackets), M.flowPackets)
  t.equal(isEnabled(config, M.flowPackets), true)
  t.equal(isEnabled(config, M.interZoneBytes), false, 'unless the family is off by default')
})

t.test('chosen labels stand in place of those of both ends, and the family’s own stay', async t => {
  const config = metricsConfig({ families: { [FLOWS]: { labels: ['destination_port', 'source_pod'] } } })
  t.strictSame(chosenMetric(config, M.flowPackets).labels, [
    'destination_port',
    'source_pod',
    'reporter',
    'verdict',
    'protocol',
  ])
  t.equal(chosenMetric(config, M.flowBytes), M.flowBytes)
})

t.test('a family’s budget comes before that of all', async t => {
  const config = metricsConfig({ budget: 5, budgets: { [FLOWS]: 7 } })
  t.strictSame([budgetOf(config, FLOWS), budgetOf(config, M.flowBytes.name)], [7, 5])
})

t.test('every label that is told to be allowed is taken', async t => {
  for (const metric of FLOW_METRICS) {
    t.doesNotThrow(() => metricsConfig({ families: { [metric.name]: { labels: allowedLabels(metric) } } }), metric.name)
  }
})

const REFUSED: readonly [what: string, chosen: Partial<MetricsConfig>, message: RegExp][] = [
  ['a negative budget', { budget: -1 }, /^budget -1: expected a whole number from 0 to 10000000$/],
  ['half a series', { budgets: { [FLOWS]: 0.5 } }, /^budget of weir_flow_packets_total 0.5: expected a/],
  ['a TTL too short', { ttlMs: 10 }, /^series TTL 10 ms: expected 0 \(never\) or at least 1000 ms$/],
  ['a TTL that is no number', { ttlMs: Number.NaN }, /^series TTL NaN ms/],
  ['an unknown family', { families: { flows: {} } }, /^family 'flows': expected one of weir_flow_packets_total, /],
  [
    'an unknown label',
    { families: { [FLOWS]: { labels: ['source_cluster'] } } },
    /^family weir_flow_packets_total, label 'source_cluster': expected one of source_ip, .*traffic_direction$/,
  ],
  [
    'a label that is there already',
    { families: { [FLOWS]: { labels: ['verdict'] } } },
    /^family weir_flow_packets_total, label 'verdict': this label is always present/,
  ],
  [
    'a label twice',
    { families: { [FLOWS]: { labels: ['source_pod', 'source_pod'] } } },
    /^family weir_flow_packets_total, label 'source_pod': listed twice$/,
  ],
  ['half a pattern', { excludeNamespaces: ['kube-['] }, /^bad namespace pattern "kube-\[": it has a \[ without its \]/],
  ['an empty pattern', { includeNamespaces: [''] }, /^bad namespace pattern "": it is empty/],
]

for (const [what, chosen, message] of REFUSED) {
  t.test(`${what} is refused by name, with what is allowed`, async t => {
    t.throws(() => metricsConfig(chosen), { message })
  })
}
