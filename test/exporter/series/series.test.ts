/**
 * series.test.ts - the series store: one series per label set, stable slots, budgets, and exact sums.
 */
import fc from 'fast-check'
import t from 'tap'
import { ENDPOINT_LABELS } from '../../../src/exporter/catalog/flow-catalog.js'
import type { Metric } from '../../../src/exporter/catalog/metric.js'
import { render } from '../../../src/exporter/exposition/text.js'
import { SeriesStore } from '../../../src/exporter/series/series.js'
import { parse } from '../../support/exposition.js'

const counter = (name: string, labels: readonly string[]): Metric => ({ name, type: 'counter', help: 'Help.', labels })
const PAIR = counter('pair_total', ['a', 'b'])

const SIZES: Metric = { name: 'size_bytes', type: 'histogram', help: 'Help.', labels: ['a'], buckets: [10, 100] }

t.test('the same labels give the same series, each family its own', async t => {
  const store = new SeriesStore()
  const family = store.family(PAIR)
  const slot = family.series(['x', 'y'])
  t.equal(store.family(PAIR), family)
  t.equal(family.series(['x', 'y']), slot)
  t.not(family.series(['y', 'x']), slot)
  t.not(store.family(counter('other_total', ['a', 'b'])).series(['x', 'y']), slot)
  t.equal(family.size, 2)
})

t.test('values that join to the same string are different series', async t => {
  const family = new SeriesStore().family(PAIR)
  const sets = [
    ['a|b', 'c'],
    ['a', 'b|c'],
    ['a,b', ''],
    ['', 'a,b'],
    ['1,b:2', '3'],
    ['1', '2,b:3'],
    ['\0', ''],
    ['', '\0'],
  ]
  t.equal(new Set(sets.map(set => family.series(set))).size, sets.length)
})

t.test('a new series is 0; add() adds and set() sets', async t => {
  const store = new SeriesStore()
  const slot = store.family(PAIR).series(['x', 'y'])
  t.equal(store.get(slot), 0)
  store.add(slot, 3)
  store.add(slot, 4)
  t.equal(store.get(slot), 7)
  store.set(slot, 2)
  t.equal(store.get(slot), 2)
})

t.test('a wrong number of labels throws and names the metric', async t => {
  t.throws(() => new SeriesStore().family(PAIR).series(['x']), { message: 'pair_total has 2 labels, not 1' })
})

t.test('a metric without labels has one series', async t => {
  const family = new SeriesStore().family(counter('alone_total', []))
  t.equal(family.series([]), family.series([]))
  t.equal(family.size, 1)
})

t.test('slots do not move when families grow', async t => {
  const store = new SeriesStore({ budget: 5000 })
  const families = [store.family(PAIR), store.family(SIZES)]
  const slots = Array.from({ length: 4000 }, (_, i) => families[i % 2]!.series(i % 2 === 0 ? [`${i}`, 'y'] : [`${i}`]))
  for (const [i, slot] of slots.entries()) store.add(slot, i)
  for (const [i, slot] of slots.entries()) {
    if (store.get(slot) !== i) t.equal(store.get(slot), i)
    if (families[i % 2]!.series(i % 2 === 0 ? [`${i}`, 'y'] : [`${i}`]) !== slot) t.fail(`series ${i} moved`)
  }
  t.equal(new Set(slots).size, slots.length)
})

t.test('past its budget a family returns its overflow series and counts the refusals', async t => {
  const store = new SeriesStore({ budget: 2 })
  const family = store.family(PAIR)
  const [one, two] = [family.series(['1', '']), family.series(['2', ''])]
  t.equal(family.refused, 0)
  const rest = family.series(['3', ''])
  t.equal(family.series(['4', '']), rest)
  t.equal(family.series(['1', '']), one, 'a known series is still found')
  t.not(rest, two)
  t.equal(family.refused, 2)
  t.equal(family.size, 3)
  t.not(store.family(counter('other_total', ['a', 'b'])).series(['3', '']), rest, 'each family has a budget of its own')
  store.add(rest, 5)
  t.match(render(store).toString(), '\npair_total{otel_metric_overflow="true"} 5\n')
})

t.test('a histogram counts a value in the first bucket with a bound not below it', async t => {
  const store = new SeriesStore()
  const family = store.family(SIZES)
  const slot = family.series(['x'])
  for (const value of [0, 10, 10.5, 100, 101, Infinity]) family.observe(slot, value === Infinity ? 1e9 : value)
  family.observe(slot, 50, 3)
  family.observeBucket(slot, 2, 4, 4000)
  const cells = [0, 1, 2, 3].map(at => store.get((slot + at) as typeof slot))
  t.strictSame(cells, [2, 5, 6, 0 + 10 + 10.5 + 100 + 101 + 1e9 + 150 + 4000])
})

t.test('a histogram past its budget counts in the overflow series', async t => {
  const store = new SeriesStore({ budget: 0 })
  const family = store.family(SIZES)
  family.observe(family.series(['x']), 5)
  family.observe(family.series(['y']), 50)
  const samples = parse(render(store).toString())
  t.match(
    samples.find(sample => sample.name === 'size_bytes_count'),
    { labels: { otel_metric_overflow: 'true' }, value: 2 },
  )
})

t.test('sums are exact for any label values and any budget', async t => {
  const values = fc.tuple(
    fc.string({ unit: 'binary' }),
    fc.oneof(fc.string(), fc.constantFrom('|', ',', '"', '\\', '\n', '\ud800', '\ufffd')),
  )
  const increments = fc.array(fc.record({ values, n: fc.nat({ max: 1e9 }) }), { maxLength: 60 })
  const property = fc.property(increments, fc.nat({ max: 20 }), (all, budget) => {
    const store = new SeriesStore({ budget })
    const family = store.family(PAIR)
    for (const { values, n } of all) store.add(family.series(values), n)
    const samples = parse(render(store).toString())
    const sum = samples.reduce((total, sample) => total + sample.value, 0)
    const lines = new Set(samples.map(sample => JSON.stringify(sample.labels)))
    return (
      sum === all.reduce((total, { n }) => total + n, 0) &&
      lines.size === samples.length &&
      samples.length === family.size &&
      family.size <= budget + 1
    )
  })
  t.doesNotThrow(() => fc.assert(property))
})

t.test('label values read back as written', async t => {
  const labels = fc.array(fc.string({ unit: 'grapheme' }), {
    minLength: ENDPOINT_LABELS.length,
    maxLength: ENDPOINT_LABELS.length,
  })
  const property = fc.property(labels, values => {
    const store = new SeriesStore()
    store.set(store.family(counter('pairs_total', ENDPOINT_LABELS)).series(values), 1)
    const read = parse(render(store).toString())[0]!
    return ENDPOINT_LABELS.every((label, i) => read.labels[label] === values[i])
  })
  t.doesNotThrow(() => fc.assert(property))
})

t.test('a series has its labels and creation time, the overflow series too', t => {
  let now = 1_000
  const store = new SeriesStore({ budget: 1, now: () => now })
  const family = store.family(PAIR)
  family.series(['x', 'y'])
  now = 2_000
  family.series(['past', 'the budget'])
  t.strictSame(family.labels(0), [
    ['a', 'x'],
    ['b', 'y'],
  ])
  t.strictSame(family.labels(1), [['otel_metric_overflow', 'true']])
  t.strictSame([family.created(0), family.created(1)], [1_000, 2_000])
  t.end()
})
