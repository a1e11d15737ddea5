/**
 * openmetrics.test.ts - the OpenMetrics page follows the specification and has the same samples as the text page.
 */
import t from 'tap'
import { M } from '../../../src/exporter/catalog/catalog.js'
import type { Metric } from '../../../src/exporter/catalog/metric.js'
import { render, renderAs } from '../../../src/exporter/exposition/text.js'
import { processMetrics } from '../../../src/exporter/http/process.js'
import { SeriesStore } from '../../../src/exporter/series/series.js'
import { parse } from '../../support/exposition.js'
import { parseOpenMetrics } from '../../support/openmetrics.js'

const OPEN = { format: 'openmetrics', created: true } as const
const CREATED_MS = 1_764_072_000_120
const CREATED = 1_764_072_000.12

const store = () => new SeriesStore({ now: () => CREATED_MS })

/** A store with samples in every family of the catalog. */
const everything = () => {
  const all = store()
  for (const metric of Object.values<Metric>(M)) {
    const family = all.family(metric)
    for (const which of ['a', 'b"\\\n']) {
      const slot = family.series(metric.labels.map((_, i) => `${which}${i}`))
      if (metric.type === 'histogram') family.observe(slot, metric.buckets![1]!, 3)
      else all.set(slot, 12)
      if (metric.labels.length === 0) break
    }
  }
  return all
}

t.test('every family of the catalog reads back, and no sample name is used by two', async t => {
  const families = parseOpenMetrics(renderAs(OPEN, everything()).toString())
  t.equal(families.length, Object.keys(M).length)
  for (const [i, metric] of Object.values<Metric>(M).entries()) {
    const { name, type, help, unit, samples } = families[i]!
    t.equal(name, metric.name.replace(/_total$/, ''))
    t.equal(type, metric.type, name)
    t.equal(help, metric.help, name)
    t.equal(unit, /_(seconds|bytes)(_total)?$/.exec(metric.name)?.[1], name)
    t.ok(samples.length > 0, name)
  }
})

t.test('samples and their order are those of the text page, plus _created for counters and histograms', async t => {
  const all = everything()
  const samples = parseOpenMetrics(renderAs(OPEN, all).toString()).flatMap(family => family.samples)
  const created = samples.filter(({ name }) => name.endsWith('_created'))
  t.strictSame(
    samples.filter(sample => !created.includes(sample)),
    parse(render(all).toString()),
  )
  const counted = Object.values<Metric>(M).filter(({ type }) => type !== 'gauge')
  t.equal(
    created.length,
    counted.reduce((sum, { labels }) => sum + (labels.length === 0 ? 1 : 2), 0),
  )
  for (const { name, value } of created) t.equal(value, CREATED, name)
  const without = renderAs({ ...OPEN, created: false }, all).toString()
  t.notMatch(without, /_created/)
  t.strictSame(
    parseOpenMetrics(without).flatMap(family => family.samples),
    parse(render(all).toString()),
  )
})

t.test('a page, line by line', async t => {
  const all = store()
  const counter = all.family({ name: 'a_bytes_total', type: 'counter', help: 'Say "a\\b".\n', labels: ['x'] })
  all.set(counter.series(['1']), 5)
  all.set(all.family({ name: 'b', type: 'gauge', help: 'B.', labels: [] }).series([]), Number.NaN)
  all.set(all.family({ name: 'c', type: 'counter', help: 'No total.', labels: [] }).series([]), 1)
  const h = all.family({ name: 'h_seconds', type: 'histogram', help: 'H.', labels: [], buckets: [0.5] })
  h.observe(h.series([]), 0.25)
  t.strictSame(renderAs(OPEN, all).toString().split('\n'), [
    '# HELP a_bytes Say \\"a\\\\b\\".\\n',
    '# TYPE a_bytes counter',
    '# UNIT a_bytes bytes',
    'a_bytes_total{x="1"} 5',
    'a_bytes_created{x="1"} 1764072000.120',
    '# HELP b B.',
    '# TYPE b gauge',
    'b NaN',
    '# HELP c No total.',
    '# TYPE c unknown',
    'c 1',
    '# HELP h_seconds H.',
    '# TYPE h_seconds histogram',
    '# UNIT h_seconds seconds',
    'h_seconds_bucket{le="0.5"} 1',
    'h_seconds_bucket{le="+Inf"} 1',
    'h_seconds_sum{} 0.25',
    'h_seconds_count{} 1',
    'h_seconds_created{} 1764072000.120',
    '# EOF',
    '',
  ])
  t.equal(renderAs(OPEN, store()).toString(), '# EOF\n')
})

t.test('process metrics are correct in both formats, in any order of requests', async t => {
  const text = await processMetrics()
  for (let round = 0; round < 2; round++) {
    const open = parseOpenMetrics(`${await text('openmetrics')}# EOF\n`)
    const cpu = open.find(({ name }) => name === 'process_cpu_seconds')
    t.match(cpu, { type: 'counter', unit: 'seconds', samples: [{ name: 'process_cpu_seconds_total' }] })
    t.match(
      open.find(({ name }) => name === 'process_resident_memory_bytes'),
      { type: 'gauge', unit: 'bytes' },
    )
    const names = parse(await text('text')).map(sample => sample.name)
    t.ok(names.includes('process_cpu_seconds_total'))
    t.strictSame(new Set(open.flatMap(({ samples }) => samples.map(({ name }) => name))), new Set(names))
  }
})

t.test('the strict reader rejects what the specification forbids', async t => {
  const bad: readonly [string, RegExp][] = [
    ['', /# EOF/],
    ['# TYPE a counter\na_total 1\n', /# EOF/],
    ['# TYPE a counter\n\na_total 1\n# EOF\n', /empty/],
    ['# TYPE a counter\na 1\n# EOF\n', /no sample/],
    ['# TYPE a_total counter\na_total 1\n# EOF\n', /no sample/],
    ['# TYPE a counter\na_total -1\n# EOF\n', /less/],
    ['# TYPE a counter\na_created 1\n# EOF\n', /no total/],
    ['# TYPE a gauge\na 1\na 1\n# EOF\n', /duplicate/],
    ['# TYPE a gauge\n# TYPE a gauge\na 1\n# EOF\n', /twice/],
    ['# TYPE a gauge\na 1\n# HELP a A\n# EOF\n', /after/],
    ['# TYPE a gauge\na 1\n# TYPE b gauge\n# TYPE a gauge\n# EOF\n', /interrupted/],
    ['# TYPE a gauge\n# UNIT a bytes\na 1\n# EOF\n', /unit/],
    ['# TYPE a gauge\na{x="1",} 1\n# EOF\n', /labels/],
    ['# TYPE a gauge\na{x="1",x="2"} 1\n# EOF\n', /duplicate/],
    ['# TYPE a gauge\na 0x10\n# EOF\n', /number/],
    ['# TYPE a gauge\na 1 # {b="c"} 1\n# EOF\n', /exemplar/],
    ['# HELP a say "a"\n# EOF\n', /quote/],
    ['# TYPE a counter\na_total{x="1"} 1\na_total{x="2"} 1\na_created{x="1"} 1\n# EOF\n', /not adjacent/],
    ['# TYPE h histogram\nh_bucket{le="1"} 1\nh_count 1\n# EOF\n', /\+Inf/],
    ['# TYPE h histogram\nh_bucket{le="1"} 2\nh_bucket{le="+Inf"} 1\nh_count 1\n# EOF\n', /cumulative/],
    ['# TYPE h histogram\nh_bucket{le="+Inf"} 1\nh_count 2\n# EOF\n', /_count/],
    ['# TYPE h histogram\nh_bucket{le="+Inf"} 1 # {a="b"} x\nh_count 1\n# EOF\n', /number/],
    [`# TYPE h histogram\nh_bucket{le="+Inf"} 1 # {a="${'b'.repeat(128)}"} 1\nh_count 1\n# EOF\n`, /128|129/],
    ['# TYPE a counter\na_total 1\n# TYPE a_created gauge\na_created 1\n# EOF\n', /belongs to both/],
  ]
  for (const [page, message] of bad) t.throws(() => parseOpenMetrics(page), { message }, JSON.stringify(page))
})
