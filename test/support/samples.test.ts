/**
 * samples.test.ts - the tests' own parser of the text format.
 */
import t from 'tap'
import { Samples } from './samples.js'

const PAGE = `# HELP packets_total Packets.
# TYPE packets_total counter
packets_total{source="web",destination="api"} 3
packets_total{source="web",destination="db",} 4
packets_total{source="api",destination="db"} 5 1700000000000

# TYPE latency_seconds histogram
latency_seconds_bucket{reporter="source",le="0.1"} 1
latency_seconds_bucket{reporter="source",le="+Inf"} 2
latency_seconds_sum{reporter="source"} 1.5
latency_seconds_count{reporter="source"} 2
latency_seconds_bucket{reporter="destination",le="0.1"} 10
latency_seconds_bucket{reporter="destination",le="+Inf"} 10
latency_seconds_sum{reporter="destination"} 0.25
latency_seconds_count{reporter="destination"} 10
odd{text="a \\"b\\" c\\\\d\\ne, f} {"} -1.5e3
up 1
`

t.test('series are found by name and any of their labels', async t => {
  const samples = Samples.parse(PAGE)
  t.equal(samples.series('packets_total').length, 3)
  t.equal(samples.sum('packets_total'), 12)
  t.equal(samples.sum('packets_total', { source: 'web' }), 7)
  t.equal(samples.get('packets_total', { source: 'web', destination: 'db' }), 4)
  t.equal(samples.get('up'), 1)
  t.equal(samples.type('packets_total'), 'counter')
  t.ok(samples.names.includes('latency_seconds_bucket'))
})

t.test('a name that is not on the page sums to 0 and has no value', async t => {
  const samples = Samples.parse(PAGE)
  t.equal(samples.sum('packets_total', { source: 'other' }), 0)
  t.equal(samples.get('nothing'), undefined)
  t.strictSame(samples.series('nothing'), [])
})

t.test('get() throws if several series match', async t => {
  const samples = Samples.parse(PAGE)
  t.throws(() => samples.get('packets_total', { source: 'web' }), /matches 2 series/)
})

t.test('label values are unescaped, and may contain braces and commas', async t => {
  t.strictSame(Samples.parse(PAGE).series('odd'), [{ labels: { text: 'a "b" c\\d\ne, f} {' }, value: -1500 }])
})

t.test('histograms are summed over the labels not given', async t => {
  const samples = Samples.parse(PAGE)
  const { buckets, count, sum } = samples.histogram('latency_seconds')
  t.strictSame(buckets, [
    [0.1, 11],
    [Infinity, 12],
  ])
  t.equal(count, 12)
  t.equal(sum, 1.75)
  t.equal(samples.histogram('latency_seconds', { reporter: 'source' }).count, 2)
  t.strictSame(samples.histogram('nothing'), { buckets: [], count: 0, sum: 0 })
})

t.test('infinities and NaN are parsed', async t => {
  const samples = Samples.parse('a +Inf\nb -Inf\nc NaN\n')
  t.equal(samples.get('a'), Infinity)
  t.equal(samples.get('b'), -Infinity)
  t.ok(Number.isNaN(samples.get('c')))
})

for (const [fault, line] of [
  ['a missing value', 'up'],
  ['a value that is not a number', 'up one'],
  ['an empty bracket', 'up{ 1'],
  ['an unquoted label', 'up{a=b} 1'],
  ['a duplicate label', 'up{a="1",a="2"} 1'],
  ['an unknown escape', 'up{a="\\t"} 1'],
  ['a name that starts with a digit', '9up 1'],
] as const) {
  t.test(`${fault} is rejected with the line's number`, async t => {
    t.throws(() => Samples.parse(`ok 1\n${line}\n`), /^line 2: /)
  })
}
