/**
 * relabel.test.ts - a family that is given other labels is what a plain list of series would be: labels, values, times,
 * overflow, budget, what expires; before and after, in any order of all that can happen to it.
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
  changed: number
  seen: number
}

const total = (cells: readonly number[]) => (cells.length === 1 ? cells : cells.slice(0, -1)).reduce((a, b) => a + b, 0)

/** The family as a list: the last series takes the place of one that goes. */
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

  sweep(before: number, now: number): void {
    for (let row = this.series.length - 1; row >= 0; row--) {
      const series = this.series[row]!
      const value = total(series.cells)
      if (value !== series.seen) Object.assign(series, { seen: value, changed: now })
      else if (series.changed <= before) {
        this.expired.count++
        this.expired.value += value
        this.series[row] = this.series.at(-1)!
        this.series.pop()
      }
    }
  }

  relabel(names: readonly string[]): void {
    const before = this.series
    this.series = []
    this.labels = names
    for (const { labels, cells, created, changed } of before) {
      const stays = OVERFLOW_LABEL in labels && names.length > 0
      const own = Object.fromEntries(names.map(name => [name, labels[name] ?? '']))
      const into = this.#at(stays ? OVERFLOW : own, Number.NEGATIVE_INFINITY)
      into.cells = into.cells.map((value, i) => value + cells[i]!)
      into.created = into.created < 0 ? created : Math.min(into.created, created)
      into.changed = Math.max(into.changed, changed)
      into.seen = total(into.cells)
    }
  }

  #find(labels: Labels): Series | undefined {
    return this.series.find(each => JSON.stringify(each.labels) === JSON.stringify(labels))
  }

  #at(labels: Labels, now: number): Series {
    const known = this.#find(labels)
    if (known !== undefined) return known
    const made = { labels, cells: Array<number>(this.#width).fill(0), created: now, changed: now, seen: 0 }
    this.series.push(made)
    return made
  }
}

const rowsOf = ({ size }: Family): number[] => Array.from({ length: size }, (_, row) => row)

/** What anyone can see of a family, row by row. */
function shown(store: SeriesStore, family: Family, width: number) {
  const prefixes = rowsOf(family).reduce((sum, row) => sum + family.prefixLength(row), 0)
  if (family.prefixBytes !== prefixes) throw new Error(`${family.prefixBytes} bytes of prefixes, not ${prefixes}`)
  const rows = rowsOf(family).map(row => ({
    labels: Object.fromEntries(family.labels(row)),
    cells: Array.from(store.values.subarray(family.slot(row), family.slot(row) + width)),
    created: family.created(row),
  }))
  const { refused, expired } = family
  return { rows, refused, expired: { count: expired.count, value: expired.samples()[0]![1] } }
}

function modelled({ series, refused, expired }: Model) {
  return { rows: series.map(({ labels, cells, created }) => ({ labels, cells, created })), refused, expired }
}

/** Labels and value of each counter, and of each histogram's last bucket, as a page has them. */
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

/** Throws where the family is not as the model has it. */
function follow(metric: Metric, steps: readonly Step[]): void {
  const clock = { now: 1_000_000 }
  const store = new SeriesStore({ budget: BUDGET, now: () => clock.now })
  const family = store.family(metric)
  // Has the same values, so that a name which is let go too early, or taken for another, shows.
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
      model.sweep(clock.now - each.ttl, clock.now)
    } else {
      family.relabel(each.labels)
      store.tidy()
      model.relabel(each.labels)
      if (rowsOf(family).some(row => hasExemplar(family, row))) throw new Error('an exemplar of a series that was')
    }
    equal(shown(store, family, width), modelled(model))
    const whole = model.series.map(({ labels, cells }) => ({ labels, value: total(cells) }))
    equal(onPage(store, metric.name), whole)
  }
}

function hasExemplar(family: Family, row: number): boolean {
  return [...BUCKETS, Number.POSITIVE_INFINITY].some((_, bucket) => family.exemplar(row, bucket) !== undefined)
}

function equal(a: unknown, b: unknown): void {
  if (JSON.stringify(a) !== JSON.stringify(b)) throw new Error(`${JSON.stringify(a)}\nnot ${JSON.stringify(b)}`)
}

for (const metric of [COUNTER, HISTOGRAM]) {
  t.test(`any order of counts, sweeps and other labels, by a model: ${metric.type}`, async t => {
    const tries = fc.property(fc.array(step, { minLength: 30, maxLength: 60 }), steps => follow(metric, steps))
    t.doesNotThrow(() => fc.assert(tries, { seed: SEED, numRuns: 300 }), `seed ${SEED}`)
  })
}

t.test('many series become few and many again, with one overflow series throughout', async t => {
  const store = new SeriesStore({ budget: 5_000 })
  const family = store.family(COUNTER)
  for (let i = 0; i < 6_000; i++) store.add(family.series([`${i}`, `${i % 7}`, 'c', 'd']), 1)
  const cells = store.values.length
  family.relabel(['b', 'd'])
  t.equal(family.size, 8)
  t.equal(onPage(store, COUNTER.name).find(({ labels }) => OVERFLOW_LABEL in labels)?.value, 1_000)
  family.relabel(NAMES)
  for (let i = 0; i < 6_000; i++) store.add(family.series([`${i}`, `${i % 7}`, 'c', 'd']), 1)
  t.equal(family.size, 5_001, 'the seven sums are in the budget')
  t.equal(store.values.length, cells, 'cells of what became one are used again')
  const page = onPage(store, COUNTER.name)
  t.equal(
    page.reduce((sum, { value }) => sum + value, 0),
    12_000,
  )
  t.equal(new Set(page.map(({ labels }) => JSON.stringify(labels))).size, page.length)
})

t.test('a gauge has no series after: they are told anew, and have not expired', async t => {
  const store = new SeriesStore({ budget: 1 })
  const family = store.family(gauge('open', 'Help.', ['a', 'b']))
  for (const a of ['x', 'y']) store.set(family.series([a, 'z']), 5)
  family.relabel(['a'])
  t.equal(family.size, 0)
  t.equal(family.expired.count, 0)
  t.equal(family.staleOverflow, undefined, 'the overflow series is gone, too')
  t.equal(store.get(family.series(['x'])), 0)
  t.match(render(store).toString(), '\nopen{a="x"} 0\n')
})
