/**
 * names.test.ts - metric names convert to those of /metrics, label names to attributes.
 */
import t from 'tap'
import { M } from '../../src/exporter/catalog/catalog.js'
import { ENDPOINT_LABELS } from '../../src/exporter/catalog/flow-catalog.js'
import { type Metric, OVERFLOW_LABEL } from '../../src/exporter/catalog/metric.js'
import { compileMetrics } from '../../src/hubble/metrics/compile.js'
import { parseStatic } from '../../src/hubble/metrics/grammar.js'
import { ATTRIBUTES, attributeName, attributeValue, otlpName } from '../../src/otlp/names.js'

/** Names of the units that we use, as Prometheus spells them out (prometheus/otlptranslator). */
const WORDS: Readonly<Record<string, string>> = { By: 'bytes', s: 'seconds', '1': 'ratio' }

/** The name that Prometheus gives an OTLP metric with its default strategy, UnderscoreEscapingWithSuffixes. */
function prometheusName({ name, unit }: { name: string; unit: string }, type: Metric['type']): string {
  const parts = name.split(/[^a-zA-Z0-9]+/).filter(part => part !== '')
  const word = unit.startsWith('{') ? undefined : WORDS[unit]
  if (word !== undefined && word !== 'ratio' && !parts.includes(word)) parts.push(word)
  if (unit === '1' && type === 'gauge') parts.push('ratio')
  if (type !== 'counter') return parts.join('_')
  return [...parts.filter(part => part !== 'total'), 'total'].join('_')
}

const HUBBLE: readonly Metric[] = compileMetrics(
  parseStatic('drop tcp flow icmp port-distribution policy sctp flows-to-world:port;labelsContext=source_pod'),
).map(({ metric }) => metric)

t.test('Prometheus converts the OTLP name of every family to its name on /metrics', async t => {
  const all: Metric[] = [...Object.values(M), ...HUBBLE]
  t.equal(HUBBLE.length, 8)
  for (const metric of all) {
    const named = otlpName(metric)
    t.equal(prometheusName(named, metric.type), metric.name)
    t.match(named.name, /^[a-z][a-z0-9]*(\.[a-z0-9]+)+$/, metric.name)
  }
  t.equal(new Set(all.map(metric => otlpName(metric).name)).size, all.length, 'OTLP names are unique')
})

t.test('the labels of every family have distinct, valid attribute names', async t => {
  for (const metric of [...Object.values(M), ...HUBBLE] as Metric[]) {
    const attributes = [...metric.labels, OVERFLOW_LABEL].map(label => attributeName(metric, label))
    t.equal(new Set(attributes).size, attributes.length, metric.name)
    for (const attribute of attributes) t.match(attribute, /^[a-z][a-z0-9_]*(\.[a-z0-9_]+)*$/)
  }
  t.same(
    ENDPOINT_LABELS.map(label => attributeName(M.flowPackets, label)),
    ['k8s.src.namespace', 'k8s.src.owner.name', 'k8s.dst.namespace', 'k8s.dst.owner.name'],
  )
  t.equal(new Set(Object.values(ATTRIBUTES)).size, Object.keys(ATTRIBUTES).length)
})

t.test('the reason of a drop, of a closed connection and of an ignored packet is the same attribute', async t => {
  for (const metric of [M.dropPackets, M.connectionsClosed, M.packetsIgnored]) {
    t.equal(attributeName(metric, 'reason'), 'weir.reason', metric.name)
  }
})

t.test("hubble_* families keep Hubble's label names, which its dashboards query", async t => {
  for (const metric of HUBBLE) {
    for (const label of metric.labels) t.equal(attributeName(metric, label), label)
  }
})

t.test('values stay the same except lower-case transports, numeric ports and the boolean overflow mark', async t => {
  t.equal(attributeValue('network.transport', 'ICMPv6'), 'icmpv6')
  t.equal(attributeValue('dst.port', '443'), 443)
  t.equal(attributeValue('dst.port', ''), '')
  t.equal(attributeValue('otel.metric.overflow', 'true'), true)
  t.equal(attributeValue('k8s.src.owner.name', 'TRUE'), 'TRUE')
  t.equal(attributeValue('weir.reason', '7'), '7')
})
