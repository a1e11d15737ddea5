/**
 * metrics-config.test.ts - the configuration of the flow families: defaults, chosen labels, budgets, and errors.
 */
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

t.test('everything has a default', async t => {
  const config = metricsConfig()
  t.strictSame(config, DEFAULT_METRICS)
  t.equal(chosenMetric(config, M.flowPackets), M.flowPackets)
  t.equal(isEnabled(config, M.flowPackets), true)
  t.equal(isEnabled(config, M.interZoneBytes), false, 'the inter-zone family is off by default')
})

t.test("configured labels replace the endpoint labels, and the family's own stay", async t => {
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

t.test("a family's own budget overrides the common one", async t => {
  const config = metricsConfig({ budget: 5, budgets: { [FLOWS]: 7 } })
  t.strictSame([budgetOf(config, FLOWS), budgetOf(config, M.flowBytes.name)], [7, 5])
})

t.test('every allowed label is accepted', async t => {
  for (const metric of FLOW_METRICS) {
    t.doesNotThrow(() => metricsConfig({ families: { [metric.name]: { labels: allowedLabels(metric) } } }), metric.name)
  }
})

const INVALID: readonly [what: string, chosen: Partial<MetricsConfig>, message: RegExp][] = [
  ['a negative budget', { budget: -1 }, /^budget -1: expected a whole number from 0 to 10000000$/],
  ['a fractional budget', { budgets: { [FLOWS]: 0.5 } }, /^budget of weir_flow_packets_total 0.5: expected a/],
  ['a TTL below the minimum', { ttlMs: 10 }, /^series TTL 10 ms: expected 0 \(never\) or at least 1000 ms$/],
  ['a TTL that is not a number', { ttlMs: Number.NaN }, /^series TTL NaN ms/],
  ['an unknown family', { families: { flows: {} } }, /^family 'flows': expected one of weir_flow_packets_total, /],
  [
    'an unknown label',
    { families: { [FLOWS]: { labels: ['source_cluster'] } } },
    /^family weir_flow_packets_total, label 'source_cluster': expected one of source_ip, .*traffic_direction$/,
  ],
  [
    "one of the family's own labels",
    { families: { [FLOWS]: { labels: ['verdict'] } } },
    /^family weir_flow_packets_total, label 'verdict': this label is always present/,
  ],
  [
    'a duplicate label',
    { families: { [FLOWS]: { labels: ['source_pod', 'source_pod'] } } },
    /^family weir_flow_packets_total, label 'source_pod': listed twice$/,
  ],
  [
    'an unclosed bracket',
    { excludeNamespaces: ['kube-['] },
    /^bad namespace pattern "kube-\[": it has a \[ without its \]/,
  ],
  ['an empty pattern', { includeNamespaces: [''] }, /^bad namespace pattern "": it is empty/],
]

for (const [what, chosen, message] of INVALID) {
  t.test(`${what} is rejected, with the setting and what is allowed`, async t => {
    t.throws(() => metricsConfig(chosen), { message })
  })
}
