/**
 * relabel.test.ts - relabelling a family, against a model: labels, values, times, overflow, budget and expiry, with counts
 * and expiry in any order before and after.
 */
import fc from 'fast-check'
import t from 'tap'
import { counter, gauge, histogram, type Metric, OVERFLOW_LABEL } from '../../../src/exporter/catalog/metric.js'
import { render } from '../../../src/exporter/exposition/text.js'
import type { Family } from '../../../src/exporter/series/family.js'
import { SeriesStore } from '../../../src/exporter/series/series.js'
import { parse } from '../../support/exposition.js'

const SEED = 20_260_107
const BUDGET = 3
const NAMES = ['a', 'b', 'c', 'd']
const BUCKETS = [10, 100]
const COUNTER = counter('moved_total', 'Help.', NAMES)
const HISTOGRAM = histogram('moved_bytes', 'Help.', NAMES, BUCKETS)
const OVERFLOW = { [OVERFLOW_LABEL]: 'true' }
const PEERS = { bytes: new Uint8Array(32), sourceAt: 0, destinationAt: 16, sourcePort: 1, destinationPort: 2 }

type Labels = Readonly<Record<string, string>>

interface Series {
  labels: Labels
  cells: number[]
  created: number
  lastChange: number
  lastTotal: number
}

const total = (cells: readonly number[]) => (cells.length === 1 ? cells : cells.slice(0, -1)).reduce((a, b) => a + b, 0)

/** The family as a plain list: the last series takes the index of a removed one. */
class Model {
  series: Series[] = []
  labels: readonly string[] = NAMES
  refused = 0
  expired = { count: 0, value: 0 }
  readonly #width: number

  constructor(width: number) {
    this.#width = width
  }

  count(values: readonly string[], now: number, add: (cells: number[]) => void): void {
    const labels = Object.fromEntries(this.labels.map((label, i) => [label, values[i]!]))
    const own = this.series.filter(each => !(OVERFLOW_LABEL in each.labels)).length
    const refused = this.#find(labels) === undefined && own >= BUDGET && this.labels.length > 0
    if (refused) this.refused++
    add(this.#at(refused ? OVERFLOW : labels, now).cells)
  }

  expire(before: number, now: number): void {
    for (let i = this.series.length - 1; i >= 0; i--) {
      const series = this.series[i]!
      const value = total(series.cells)
      if (value !== series.lastTotal) Object.assign(series, { lastTotal: value, lastChange: now })
      else if (series.lastChange <= before) {
        this.expired.count++
        this.expired.value += value
        this.series[i] = this.series.at(-1)!
        this.series.pop()
      }
    }
  }

  relabel(names: readonly string[]): void {
    const before = this.series
    this.series = []
    this.labels = names
    for (const { labels, cells, created, lastChange } of before) {
      const staysOverflow = OVERFLOW_LABEL in labels && names.length > 0
      const own = Object.fromEntries(names.map(name => [name, labels[name] ?? '']))
      const into = this.#at(staysOverflow ? OVERFLOW : own, Number.NEGATIVE_INFINITY)
      into.cells = into.cells.map((value, i) => value + cells[i]!)
      into.created = into.created < 0 ? created : Math.min(into.created, created)
      into.lastChange = Math.max(into.lastChange, lastChange)
      into.lastTotal = total(into.cells)
    }
  }

  #find(labels: Labels): Series | undefined {
    return this.series.find(each => JSON.stringify(each.labels) === JSON.stringify(labels))
  }

  #at(labels: Labels, now: number): Series {
    const known = this.#find(labels)
    if (known !== undefined) return known
    const cells = Array<number>(this.#width).fill(0)
    const added = { labels, cells, created: now, lastChange: now, lastTotal: 0 }
    this.series.push(added)
    return added
  }
}

const indexesOf = ({ size }: Family): number[] => Array.from({ length: size }, (_, series) => series)

/** The observable state of a family, series by series. */
function stateOf(store: SeriesStore, family: Family, width: number) {
  const prefixes = family.freeze().lengths.reduce((sum, length) => sum + length, 0)
  if (family.prefixBytes !== prefixes) throw new Error(`${family.prefixBytes} bytes of prefixes, not ${prefixes}`)
  const series = indexesOf(family).map(at => ({
    labels: Object.fromEntries(family.labels(at)),
    cells: Array.from(store.values.subarray(family.slot(at), family.slot(at) + width)),
    created: family.created(at),
  }))
  const { refused, expired } = family
  return { series, refused, expired: { count: expired.count, value: expired.samples()[0]![1] } }
}

function modelStateOf({ series, refused, expired }: Model) {
  return { series: series.map(({ labels, cells, created }) => ({ labels, cells, created })), refused, expired }
}

/** Labels and value of each counter, and of each histogram's +Inf bucket, on the page. */
function onPage(store: SeriesStore, name: string) {
  return parse(render(store).toString())
    .filter(each => each.name === name || (each.name === `${name}_bucket` && each.labels.le === '+Inf'))
    .map(({ labels: { le, ...labels }, value }) => ({ labels, value }))
}

const value = fc.constantFrom<string>('', 'x', 'a"\\\n😀')
const labels = fc.oneof(fc.shuffledSubarray([...NAMES, 'e']), fc.constantFrom([], ['e'], ['a'], ['e', 'a']))
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ values: fc.tuple(value, value, value, value), n: fc.nat(150) }) },
  { weight: 2, arbitrary: fc.record({ ms: fc.constantFrom(100, 200) }) },
  { weight: 3, arbitrary: fc.record({ ttl: fc.constantFrom(100, 300, 500) }) },
  { weight: 2, arbitrary: fc.record({ labels }) },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

/** Runs the steps on a family and on the model. Throws where they differ. */
function follow(metric: Metric, steps: readonly Step[]): void {
  const clock = { now: 1_000_000 }
  const store = new SeriesStore({ budget: BUDGET, now: () => clock.now })
  const family = store.family(metric)
  // Uses the same label values, so that an id released too early or mixed up with another shows.
  const other = store.family(counter('other_total', 'Help.', ['a']))
  const width = metric.type === 'histogram' ? BUCKETS.length + 2 : 1
  const model = new Model(width)
  if (width > 1) family.keepExemplars(true)
  for (const each of steps) {
    if ('values' in each) {
      const values = [...each.values, 'z'].slice(0, model.labels.length)
      const slot = family.series(values)
      other.series([each.values[0]])
      if (width > 1) family.observeOf(slot, each.n, PEERS)
      else store.add(slot, each.n)
      model.count(values, clock.now, cells => {
        const bucket = BUCKETS.filter(bound => each.n > bound).length
        if (width === 1) cells[0]! += each.n
        else {
          cells[bucket]!++
          cells[width - 1]! += each.n
        }
      })
    } else if ('ms' in each) clock.now += each.ms
    else if ('ttl' in each) {
      store.expire([family], each.ttl)
      model.expire(clock.now - each.ttl, clock.now)
    } else {
      family.relabel(each.labels)
      store.tidy()
      model.relabel(each.labels)
      if (indexesOf(family).some(series => hasExemplar(family, series)))
        throw new Error('an exemplar outlived relabel()')
    }
    equal(stateOf(store, family, width), modelStateOf(model))
    const expected = model.series.map(({ labels, cells }) => ({ labels, value: total(cells) }))
    equal(onPage(store, metric.name), expected)
  }
}

function hasExemplar(family: Family, series: number): boolean {
  return [...BUCKETS, Number.POSITIVE_INFINITY].some((_, bucket) => family.exemplar(series, bucket) !== undefined)
}

function equal(a: unknown, b: unknown): void {
  if (JSON.stringify(a) !== JSON.stringify(b)) throw new Error(`${JSON.stringify(a)}\nnot ${JSON.stringify(b)}`)
}

for (const metric of [COUNTER, HISTOGRAM]) {
  t.test(`counts, expiry and relabelling in any order match the model: ${metric.type}`, async t => {
    const tries = fc.property(fc.array(step, { minLength: 30, maxLength: 60 }), steps => follow(metric, steps))
    t.doesNotThrow(() => fc.assert(tries, { seed: SEED, numRuns: 300 }), `seed ${SEED}`)
  })
}

t.test('merging series and splitting them again keeps one overflow series and reuses cells', async t => {
  const store = new SeriesStore({ budget: 5_000 })
  const family = store.family(COUNTER)
  for (let i = 0; i < 6_000; i++) store.add(family.series([`${i}`, `${i % 7}`, 'c', 'd']), 1)
  const cells = store.values.length
  family.relabel(['b', 'd'])
  t.equal(family.size, 8)
  t.equal(onPage(store, COUNTER.name).find(({ labels }) => OVERFLOW_LABEL in labels)?.value, 1_000)
  family.relabel(NAMES)
  for (let i = 0; i < 6_000; i++) store.add(family.series([`${i}`, `${i % 7}`, 'c', 'd']), 1)
  t.equal(family.size, 5_001, 'the seven merged series count against the budget')
  t.equal(store.values.length, cells, 'cells of merged series are reused')
  const page = onPage(store, COUNTER.name)
  t.equal(
    page.reduce((sum, { value }) => sum + value, 0),
    12_000,
  )
  t.equal(new Set(page.map(({ labels }) => JSON.stringify(labels))).size, page.length)
})

t.test('relabelling a gauge removes its series without counting them as expired', async t => {
  const store = new SeriesStore({ budget: 1 })
  const family = store.family(gauge('open', 'Help.', ['a', 'b']))
  for (const a of ['x', 'y']) store.set(family.series([a, 'z']), 5)
  family.relabel(['a'])
  t.equal(family.size, 0)
  t.equal(family.expired.count, 0)
  t.equal(family.staleOverflow, undefined, 'the overflow series is removed as well')
  t.equal(store.get(family.series(['x'])), 0)
  t.match(render(store).toString(), '\nopen{a="x"} 0\n')
})
