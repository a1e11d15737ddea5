/**
 * catalog.test.ts - naming rules of the catalog: metric names, units, help texts, labels, buckets and groups.
 */
import t from 'tap'
import { M } from '../../../src/exporter/catalog/catalog.js'
import { ENDPOINT_LABELS } from '../../../src/exporter/catalog/flow-catalog.js'
import { GROUPS, type Metric } from '../../../src/exporter/catalog/metric.js'

const METRICS: readonly Metric[] = Object.values(M)

/** Labels that Prometheus or a Kubernetes scrape configuration adds to every series. */
const RESERVED = [
  ...['le', 'quantile', 'instance', 'job', 'cluster', 'region', 'zone', 'env', 'service'],
  ...['namespace', 'pod', 'node', 'container', 'endpoint'],
]

t.test('names are unique, valid, prefixed and do not contain a type', async t => {
  t.equal(new Set(METRICS.map(metric => metric.name)).size, METRICS.length)
  for (const { name } of METRICS) {
    t.match(name, /^weir(_[a-z][a-z0-9]*)+$/, name)
    t.notMatch(name, /_(counter|gauge|histogram|summary|bucket|sum|count)(_|$)/, name)
  }
})

t.test('counters, and only they, end in _total', async t => {
  for (const { name, type } of METRICS) t.equal(name.endsWith('_total'), type === 'counter', name)
})

t.test('names use base units only', async t => {
  for (const { name } of METRICS) {
    t.notMatch(name, /_(ms|us|ns|milliseconds|minutes|hours|days|kb|mb|kilobytes|megabytes|bits|percent)(_|$)/, name)
  }
})

t.test('help is one sentence with a period', async t => {
  for (const { name, help } of METRICS) {
    t.match(help, /^[A-Z].*\.$/, name)
    t.notMatch(help, /\.\s|\n/, name)
  }
})

t.test('labels are valid, unique in their metric, and not reserved', async t => {
  for (const { name, labels } of METRICS) {
    t.equal(new Set(labels).size, labels.length, name)
    for (const label of labels) {
      t.match(label, /^[a-z][a-z0-9_]*$/, `${name} ${label}`)
      t.notOk(RESERVED.includes(label), `${name} ${label}`)
    }
  }
})

t.test(
  'families with endpoint labels start with them, and have a reporter where a packet can be seen twice',
  async t => {
    for (const { name, labels } of METRICS.filter(metric => metric.labels.length > 3)) {
      if (name === M.buildInfo.name) continue
      t.strictSame(labels.slice(0, 4), ENDPOINT_LABELS, name)
      if (name !== M.policyVerdicts.name) t.equal(labels[4], 'reporter', name)
    }
  },
)

t.test('histograms, and only they, have buckets, in ascending order', async t => {
  for (const { name, type, buckets } of METRICS) {
    t.equal(buckets !== undefined, type === 'histogram', name)
    const bounds = buckets ?? []
    t.strictSame(
      [...new Set(bounds)].sort((a, b) => a - b),
      bounds,
      name,
    )
    t.ok(bounds.every(Number.isFinite), name)
  }
})

t.test('each metric is in a group, and no group of the catalog is empty', async t => {
  for (const { name, group } of METRICS) t.ok(group !== undefined && GROUPS.includes(group), name)
  const used = new Set(METRICS.map(({ group }) => group))
  for (const group of GROUPS) t.equal(used.has(group), group !== 'hubble' && group !== 'process', group)
})
