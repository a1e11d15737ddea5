/**
 * text.test.ts - the text format: numbers, escaping, histograms, family order, and promtool's opinion.
 */
import { spawnSync } from 'node:child_process'
import fc from 'fast-check'
import t from 'tap'
import { M } from '../../../src/exporter/catalog/catalog.js'
import type { Metric } from '../../../src/exporter/catalog/metric.js'
import { NUMBER_BYTES, writeNumber } from '../../../src/exporter/exposition/number.js'
import { render } from '../../../src/exporter/exposition/text.js'
import { processMetrics } from '../../../src/exporter/http/process.js'
import { SeriesStore } from '../../../src/exporter/series/series.js'
import { parse } from '../../support/exposition.js'

/** The bytes written for a number. Throws if a byte before or after them changed. */
const write = (n: number) => {
  const out = Buffer.alloc(NUMBER_BYTES + 2, '#')
  const end = writeNumber(out, 1, n)
  const text = out.toString('latin1', 1, end)
  if (out.toString('latin1') !== `#${text}${'#'.repeat(out.length - end)}`)
    throw new Error(`${n} is written out of bounds`)
  return text
}

/** A store with a sample in every family of the catalog. */
const everything = () => {
  const store = new SeriesStore()
  for (const metric of Object.values<Metric>(M).reverse()) {
    const family = store.family(metric)
    const slot = family.series(metric.labels.map((_, i) => `value-${i}`))
    if (metric.type === 'histogram') family.observe(slot, metric.buckets![1]!, 3)
    else store.set(slot, 12)
  }
  return store
}

t.test('numbers are written in the form Prometheus reads', async t => {
  const cases: [number, string][] = [
    [0, '0'],
    [-0, '0'],
    [7, '7'],
    [10, '10'],
    [99_999, '99999'],
    [100_000, '100000'],
    [1e9, '1000000000'],
    [2 ** 32 - 1, '4294967295'],
    [2 ** 32, '4294967296'],
    [1e18 / 1e3, '1000000000000000'],
    [5_000_000_007, '5000000007'],
    [2 ** 53 - 1, '9007199254740991'],
    [2 ** 53, '9007199254740992'],
    [-1, '-1'],
    [-(2 ** 40), '-1099511627776'],
    [0.25, '0.25'],
    [-1.2345678901234567e-100, '-1.2345678901234567e-100'],
    [1e300, '1e+300'],
    [Infinity, '+Inf'],
    [-Infinity, '-Inf'],
    [Number.NaN, 'NaN'],
  ]
  for (const [n, text] of cases) t.equal(write(n), text)
})

t.test('any number reads back as the same double', async t => {
  const numbers = fc.oneof(fc.double({ noNaN: true, noDefaultInfinity: true }), fc.maxSafeInteger(), fc.nat())
  const out = Buffer.alloc(NUMBER_BYTES)
  const property = fc.property(numbers, n => Number(out.toString('latin1', 0, writeNumber(out, 0, n))) === n + 0)
  t.doesNotThrow(() => fc.assert(property))
})

t.test('a store without series renders nothing, and a family without series has no header', async t => {
  const store = new SeriesStore()
  t.equal(render(store).length, 0)
  store.family(M.flowBytes)
  store.family(M.ringFull).series([])
  t.equal(
    render(store).toString(),
    `# HELP weir_ring_full_total ${M.ringFull.help}\n# TYPE weir_ring_full_total counter\nweir_ring_full_total 0\n`,
  )
})

t.test('labels are escaped, and UTF-8 is written unchanged', async t => {
  const store = new SeriesStore()
  const family = store.family({ name: 'x', type: 'gauge', help: 'Back\\slash\nand line.', labels: ['a', 'b'] })
  store.set(family.series(['say "hi"\\n', 'line\nfeed']), 1)
  store.set(family.series(['größe 流量 🌊', '']), 2)
  store.set(family.series(['half \ud83c', '\0']), 3)
  t.strictSame(render(store).toString().split('\n'), [
    '# HELP x Back\\\\slash\\nand line.',
    '# TYPE x gauge',
    'x{a="say \\"hi\\"\\\\n",b="line\\nfeed"} 1',
    'x{a="größe 流量 🌊",b=""} 2',
    'x{a="half \ufffd",b="\0"} 3',
    '',
  ])
})

t.test('a label longer than an arena page is complete, and so are the texts after it', async t => {
  const store = new SeriesStore()
  const family = store.family(M.decodeFaults)
  const names = ['before', 'ü'.repeat(100_000), 'after', ...Array.from({ length: 3000 }, (_, i) => `filler-${i}`)]
  for (const [i, name] of names.entries()) store.set(family.series([name]), i)
  t.strictSame(
    parse(render(store).toString()).map(sample => sample.labels.reason),
    names,
  )
})

t.test('histogram buckets are cumulative, and the last one equals the count', async t => {
  const store = new SeriesStore()
  const family = store.family({
    name: 'h_seconds',
    type: 'histogram',
    help: 'H.',
    labels: ['a'],
    buckets: [0.00005, 1, 1e10],
  })
  const slot = family.series(['x"'])
  family.observe(slot, 0.00001)
  family.observe(slot, 0.5, 2)
  family.observe(slot, 2e10)
  t.strictSame(render(store).toString().split('\n').slice(2), [
    'h_seconds_bucket{a="x\\"",le="0.00005"} 1',
    'h_seconds_bucket{a="x\\"",le="1"} 3',
    'h_seconds_bucket{a="x\\"",le="10000000000"} 3',
    'h_seconds_bucket{a="x\\"",le="+Inf"} 4',
    'h_seconds_sum{a="x\\""} 20000000001.00001',
    'h_seconds_count{a="x\\""} 4',
    '',
  ])
})

t.test('families are in catalog order, whatever the order of creation', async t => {
  const names = [
    ...render(everything())
      .toString()
      .matchAll(/^# TYPE (\S+)/gm),
  ].map(found => found[1])
  t.strictSame(
    names,
    Object.values(M).map(metric => metric.name),
  )
})

t.test('a rendered page does not change when the store does', async t => {
  const store = everything()
  const before = render(store)
  const copy = Buffer.from(before)
  store.add(store.family(M.ringFull).series([]), 1e6)
  store.family(M.decodeFaults).series(['another'])
  render(store)
  t.ok(before.equals(copy))
})

const promtool = spawnSync('promtool', ['--version']).error === undefined

t.test('promtool has no complaint about any family', { skip: !promtool && 'promtool is not installed' }, async t => {
  const { status, stderr, stdout } = spawnSync('promtool', ['check', 'metrics'], {
    input: render(everything()),
    encoding: 'utf8',
  })
  t.equal(status, 0, stderr + stdout)
  t.equal(stderr + stdout, '')
})

t.test('process metrics parse, and promtool has no complaint about them', async t => {
  const text = await (await processMetrics())('text')
  const names = parse(text.replaceAll('Nan', 'NaN')).map(sample => sample.name)
  for (const name of [
    'process_resident_memory_bytes',
    'process_open_fds',
    'process_start_time_seconds',
    'nodejs_version_info',
  ]) {
    t.ok(names.includes(name), name)
  }
  t.notOk(names.some(name => /^nodejs_active_.*_total$/.test(name)))
  if (!promtool) return t.comment('not checked: promtool is not installed')
  const { status, stderr, stdout } = spawnSync('promtool', ['check', 'metrics'], { input: text, encoding: 'utf8' })
  t.equal(status, 0, stderr + stdout)
})
