/**
 * delta.test.ts - deltas and totals add up at the receiver, whatever fails and whatever series are removed.
 */
import fc from 'fast-check'
import t from 'tap'
import { M } from '../../src/exporter/catalog/catalog.js'
import { type Family, SeriesStore } from '../../src/exporter/series/series.js'
import { type Batch, Batches } from '../../src/otlp/batches.js'
import { OTLP_DEFAULTS } from '../../src/otlp/config.js'
import { ExportedFamilies } from '../../src/otlp/exported-families.js'
import { Mirror } from '../../src/otlp/mirror.js'

/** What happens to a batch. `lost`: the receiver has it, but its response is lost; `unsent`: it never arrives. */
type Fate = 'accepted' | 'lost' | 'unsent' | 'refused'

const FLOW_LABELS = M.flowPackets.labels
const ACTIVE_LABELS = M.connectionsActive.labels

/** A push without SDK, thread and clock, and a receiver that recognises a duplicate point by its times. */
class Harness {
  now = 1_700_000_000_000
  readonly store = new SeriesStore({ now: () => this.now })
  readonly flows: Family = this.store.family(M.flowPackets)
  readonly sizes: Family = this.store.family(M.packetSize)
  readonly active: Family = this.store.family(M.connectionsActive)
  readonly received = new Map<string, number>()
  readonly ranges = new Map<string, { start: number; time: number }[]>()
  readonly #temporality: 'delta' | 'cumulative'
  readonly #mirror = new Mirror(message => this.#families.apply(message as Parameters<ExportedFamilies['apply']>[0]))
  #families = new ExportedFamilies()
  #batches!: Batches
  /** Time of the batch with the lost response; 0 for none. */
  #unknownTime = 0

  constructor(temporality: 'delta' | 'cumulative' = 'delta') {
    this.#temporality = temporality
    this.restart()
  }

  get dropped(): number {
    return this.#families.dropped
  }

  /** As after the worker died. */
  restart(): void {
    this.#families = new ExportedFamilies()
    this.#batches = new Batches(this.#families, {
      ...OTLP_DEFAULTS,
      url: '',
      temporality: this.#temporality,
      batchPoints: 3,
    })
    this.#mirror.resync()
  }

  /** Copies series and values, in slices of `limit` new series. */
  copy(limit = 2): void {
    this.now += 1000
    this.#mirror.acknowledged()
    while (!this.#mirror.sync([this.store], this.now, limit));
  }

  /** A reload that takes a label away from flows and open connections, or gives it back. */
  relabel(dropped: string): void {
    this.exclusive(() => {
      this.flows.relabel(FLOW_LABELS.filter(label => label !== dropped))
      this.active.relabel(ACTIVE_LABELS.filter(label => label !== dropped))
    })
  }

  /** As Otlp.exclusive(), in one turn. */
  exclusive(change: () => void): void {
    this.copy(Number.POSITIVE_INFINITY)
    change()
    this.#mirror.adopt([this.store], this.now)
  }

  export(fates: readonly Fate[]): void {
    this.copy()
    this.#batches.start(this.now)
    for (let i = 0; ; i++) {
      const batch = this.#batches.next()
      if (batch === undefined) return
      // A receiver does not refuse a batch that it already has.
      const fate = fates[i] === 'refused' && this.#unknownTime === batch.time ? 'accepted' : (fates[i] ?? 'accepted')
      if (fate === 'lost') this.#unknownTime = batch.time
      else if (fate !== 'unsent') this.#unknownTime = 0
      if (fate === 'accepted' || fate === 'lost') this.#receive(batch)
      if (fate === 'accepted') this.#batches.accept(batch)
      else if (fate === 'refused') this.#batches.reject()
      else {
        this.#batches.keepForRetry(batch)
        return
      }
    }
  }

  /** Sum of a metric at the receiver. */
  total(name: string): number {
    let sum = 0
    for (const [key, value] of this.received) if (key.startsWith(`["${name}"`)) sum += value
    return sum
  }

  #receive(batch: Batch): void {
    for (const { descriptor, dataPoints } of batch.metrics) {
      for (const { attributes, startTime, endTime, value } of dataPoints) {
        const series = JSON.stringify([descriptor.name, Object.entries(attributes)])
        const range = { start: startTime[0] + startTime[1] / 1e9, time: endTime[0] + endTime[1] / 1e9 }
        const ranges = this.ranges.get(series) ?? []
        if (ranges.some(({ start, time }) => start === range.start && time === range.time)) continue
        ranges.push(range)
        this.ranges.set(series, ranges)
        const n = typeof value === 'number' ? value : value.count
        // Cumulative points replace those with the same start; deltas add up.
        const end = this.#temporality === 'delta' ? range.time : ''
        this.received.set(`${series},${range.start},${end}`, n)
      }
    }
  }
}

const labels = (pod: number): string[] => ['shop', `w${pod}`, 'shop', 'db', 'source', 'FORWARDED', 'TCP']
const fate = fc.constantFrom<Fate>('accepted', 'accepted', 'lost', 'unsent', 'refused')
const add = fc.record({ kind: fc.constant('add' as const), pod: fc.nat(8), n: fc.integer({ min: 1, max: 1e9 }) })
const send = fc.record({ kind: fc.constant('export' as const), fates: fc.array(fate, { maxLength: 6 }) })
const expire = fc.record({ kind: fc.constant('remove' as const) })
const relabel = fc.record({
  kind: fc.constant('relabel' as const),
  dropped: fc.constantFrom('source_workload', 'reporter', ''),
})
const step = fc.oneof(
  { weight: 6, arbitrary: add },
  { weight: 4, arbitrary: send },
  { weight: 2, arbitrary: expire },
  { weight: 1, arbitrary: relabel },
)

/** The labels of a pod, for a family with fewer labels as well. */
function labelsOf({ metric }: Family, pod: number): string[] {
  return metric.labels.map(label => (label === 'source_workload' ? `w${pod}` : 'x'))
}

/** Expires idle series as a TTL of at least two intervals does: after a copy of their last values. */
function remove(harness: Harness): void {
  harness.copy()
  harness.store.expire([harness.flows, harness.sizes], 0)
  harness.copy()
  harness.now += 1000
  harness.store.expire([harness.flows, harness.sizes], 500)
}

for (const temporality of ['delta', 'cumulative'] as const) {
  t.test(`${temporality}: the receiver's sums are exact, whatever requests fail and series are removed`, async t => {
    let removed = 0
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), steps => {
        const harness = new Harness(temporality)
        const { flows, sizes, active, store } = harness
        let truth = 0
        let observed = 0
        for (const each of steps) {
          harness.now += 10
          if (each.kind === 'add') {
            store.add(flows.series(labelsOf(flows, each.pod)), each.n)
            store.set(active.series(labelsOf(active, each.pod)), each.n % 100)
            sizes.observe(sizes.series(labels(each.pod).slice(0, 5)), each.n % 9000, 2)
            truth += each.n
            observed += 2
          } else if (each.kind === 'export') harness.export(each.fates)
          else if (each.kind === 'relabel') {
            // The totals of a relabelled series continue those under its former labels, which a receiver keeps.
            if (temporality === 'delta') harness.relabel(each.dropped)
          } else {
            const before = flows.size
            remove(harness)
            removed += before - flows.size
          }
        }
        // Sends the batch kept for retry first, then everything else.
        harness.export([])
        return harness.total('weir.flow.packets') === truth && harness.total('weir.packet.size.bytes') === observed
      }),
      { numRuns: 2000 },
    )
    t.ok(removed > 1000, `${removed} series were removed`)
  })
}

t.test('the time ranges of a series are contiguous', async t => {
  const harness = new Harness()
  const slot = harness.flows.series(labels(1))
  for (const fates of [[], ['unsent'], ['lost'], [], ['refused'], []] as Fate[][]) {
    harness.store.add(slot, 3)
    harness.export(fates)
  }
  for (const ranges of harness.ranges.values()) {
    for (const [i, { start }] of ranges.slice(1).entries()) t.equal(start, ranges[i]!.time)
  }
  t.equal(harness.total('weir.flow.packets'), 18)
})

t.test('a worker that dies between exports causes neither loss nor duplicates', async t => {
  const harness = new Harness()
  const slots = [1, 2, 3, 4, 5].map(pod => harness.flows.series(labels(pod)))
  const count = (n: number): void => {
    for (const slot of slots) harness.store.add(slot, n)
  }
  count(1)
  harness.export([])
  count(10)
  harness.restart()
  harness.export(['accepted', 'unsent'])
  harness.restart()
  count(100)
  harness.export([])
  t.equal(harness.total('weir.flow.packets'), 555)
})

t.test('after existing series get other labels, no count is exported again', async t => {
  const harness = new Harness()
  const { flows, store } = harness
  store.add(flows.series(labels(1)), 5)
  store.add(flows.series(labels(2)), 6)
  harness.export([])
  store.add(flows.series(labels(1)), 100)
  harness.exclusive(() => flows.relabel(flows.metric.labels.filter(label => label !== 'source_workload')))
  store.add(flows.series(labels(9).filter((_, i) => i !== 1)), 1000)
  harness.export([])
  t.equal(flows.size, 1)
  t.equal(harness.total('weir.flow.packets'), 1111)
})

t.test('past a limit of removed series with unreported values, the oldest are dropped and counted', async t => {
  const harness = new Harness()
  const { flows, store } = harness
  store.setBudgets(() => 100_000)
  for (let i = 0; i < 10_005; i++) store.add(flows.series(labels(i)), 1)
  harness.copy(Number.POSITIVE_INFINITY)
  store.expire([flows], 0)
  harness.now += 1000
  store.expire([flows], 500)
  harness.copy()
  t.equal(flows.size, 0)
  t.equal(harness.dropped, 5)
})
