/**
 * bounds.test.ts - series budgets and the series TTL apply to hubble_* families too, and no count is lost.
 */
import t from 'tap'
import { M } from '../../../src/exporter/catalog/catalog.js'
import { render } from '../../../src/exporter/exposition/text.js'
import { updateStoreMetrics } from '../../../src/exporter/reduce/store-metrics.js'
import { SeriesStore } from '../../../src/exporter/series/series.js'
import { parseStatic } from '../../../src/hubble/metrics/grammar.js'
import { Hubble } from '../../../src/hubble/metrics/hubble.js'
import { decodeAll, PARTS, recordedRecords } from '../../support/hubble-metrics.js'
import { Samples } from '../../support/samples.js'
import { until } from '../../support/until.js'

const records = recordedRecords()
const FAMILY = 'hubble_flows_processed_total'
const CONFIG = 'flow:sourceContext=pod|ip;destinationContext=pod|ip port-distribution'
const PORTS = 'hubble_port_distribution_total'
const EXPIRED = { sample: FAMILY }

const TTL_MS = 1

/** Waits until all series are older than the TTL. */
const tick = () => {
  const now = Date.now()
  return until('the clock advances', () => Date.now() > now + TTL_MS)
}

/** The metrics, and a function that reads their page. */
const start = () => {
  const hubble = new Hubble(PARTS, parseStatic(CONFIG))
  const own = new SeriesStore()
  const page = () => {
    hubble.collect()
    updateStoreMetrics(own, hubble.stores)
    return Samples.parse(render(own, ...hubble.stores).toString())
  }
  return { hubble, page }
}

/** Totals of the same records without any bound. */
const truth = (() => {
  const { hubble, page } = start()
  decodeAll(records, hubble)
  const samples = page()
  return { flows: samples.sum(FAMILY), ports: samples.sum(PORTS), series: samples.series(FAMILY).length }
})()

t.test('beyond its budget a family counts in its overflow series, and its sum is exact', async t => {
  const { hubble, page } = start()
  hubble.setBudgets(name => (name === FAMILY ? 5 : 10_000))
  decodeAll(records, hubble)
  const samples = page()
  t.ok(truth.series > 6, `${truth.series} series without a budget`)
  t.equal(samples.series(FAMILY).length, 6)
  t.ok(samples.get(FAMILY, { otel_metric_overflow: 'true' })! > 0)
  t.equal(samples.sum(FAMILY), truth.flows)
  t.equal(samples.sum(PORTS), truth.ports)
  t.ok(samples.get(M.seriesRefused.name, { family: FAMILY })! > 0)
  t.equal(samples.get(M.seriesBudget.name, { family: FAMILY }), 5)
  t.equal(samples.get(M.seriesRefused.name, { family: PORTS }), 0, 'no other family is affected')
})

t.test('after its budget grows a family adds new series, and the overflow series stops growing', async t => {
  const { hubble, page } = start()
  hubble.setBudgets(() => 5)
  decodeAll(records, hubble)
  const overflow = page().get(FAMILY, { otel_metric_overflow: 'true' })!
  hubble.setBudgets(() => 10_000)
  decodeAll(records, hubble)
  const samples = page()
  t.equal(samples.get(FAMILY, { otel_metric_overflow: 'true' }), overflow, 'unchanged')
  t.equal(samples.series(FAMILY).length, truth.series + 1)
  t.equal(samples.sum(FAMILY), truth.flows * 2)
})

t.test('a budget holds across a reload and a change of names', async t => {
  const { hubble, page } = start()
  hubble.setBudgets(() => 5)
  hubble.reconfigure(parseStatic('flow:sourceContext=ip;destinationContext=ip'))
  decodeAll(records, hubble)
  hubble.namesChanged()
  decodeAll(records, hubble)
  const samples = page()
  t.equal(samples.series(FAMILY).length, 6)
  t.equal(samples.sum(FAMILY), truth.flows * 2)
})

t.test('idle series expire, their counts stay in the expired total, and they restart at 0', async t => {
  const { hubble, page } = start()
  decodeAll(records, hubble)
  t.equal(page().get(M.seriesExpiredValue.name, EXPIRED), 0, 'published from the start')
  hubble.expire(0)
  t.equal(page().series(FAMILY).length, truth.series, 'a TTL of 0 expires nothing')
  await tick()
  hubble.expire(TTL_MS)
  t.equal(page().series(FAMILY).length, truth.series, 'the first pass sees them change')
  await tick()
  hubble.expire(TTL_MS)
  const gone = page()
  t.strictSame(gone.series(FAMILY), [])
  t.equal(gone.get(M.seriesExpiredValue.name, EXPIRED), truth.flows)
  t.equal(gone.get(M.seriesExpired.name, { family: FAMILY }), truth.series)
  decodeAll(records, hubble)
  const back = page()
  t.equal(back.sum(FAMILY), truth.flows, 'counted in existing series')
  t.equal(back.sum(PORTS), truth.ports)
  t.equal(back.get(M.seriesExpiredValue.name, EXPIRED), truth.flows)
})

t.test('an active series stays while idle ones expire', async t => {
  const { hubble, page } = start()
  decodeAll(records, hubble)
  page()
  hubble.expire(TTL_MS)
  decodeAll(records.slice(0, 1), hubble)
  await tick()
  hubble.expire(TTL_MS)
  const samples = page()
  t.ok(samples.series(FAMILY).length > 0 && samples.series(FAMILY).length < truth.series)
  const sum = samples.sum(FAMILY) + samples.get(M.seriesExpiredValue.name, EXPIRED)!
  t.equal(sum, truth.flows + 1)
})
