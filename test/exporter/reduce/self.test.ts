/**
 * self.test.ts - Weir's own metrics: exposed as 0 from the start, and each record counted in exactly one series.
 */
import { arch, release } from 'node:os'
import t from 'tap'
import { Live, type LiveOptions } from '../../../src/datapath/source/live.js'
import { loadNative } from '../../../src/datapath/source/native.js'
import { render } from '../../../src/exporter/exposition/text.js'
import { SelfMetrics } from '../../../src/exporter/reduce/self.js'
import { SeriesStore } from '../../../src/exporter/series/series.js'
import { patched, TRACE_2, WEIR_DROP_RECORD, WEIR_TRACE_RECORD } from '../../support/records.js'
import { reduced } from '../../support/reduced.js'
import { Samples } from '../../support/samples.js'

const NEEDS_ROOT = { skip: process.getuid?.() !== 0 && 'needs root' }
const OPTIONS: LiveOptions = {
  interfaces: ['weir-none'],
  uplinks: [],
  netns: undefined,
  attach: 'auto',
  reportIntervalMs: 3_600_000,
  drainIntervalMs: 3_600_000,
  ringPages: 1,
  connections: 4711,
}

function selfOf() {
  const store = new SeriesStore()
  return { self: new SelfMetrics(store, '1.2.3', 'abc'), page: () => Samples.parse(render(store).toString()) }
}

t.test('weir_build_info has version, revision, Node.js version, architecture and kernel', async t => {
  const labels = { version: '1.2.3', revision: 'abc', nodeversion: process.version, arch: arch(), kernel: release() }
  t.strictSame(selfOf().page().series('weir_build_info'), [{ labels, value: 1 }])
})

t.test('metrics of every source are 0 from the start', async t => {
  const { self, page } = selfOf()
  const { decoder, reducer, entities } = reduced()
  self.records(decoder, reducer, entities)
  const got = page()
  for (const name of ['weir_records_total', 'weir_decode_faults_total', 'weir_entity_misses_total']) {
    t.ok(got.series(name).length > 0, name)
    t.equal(got.sum(name), 0, name)
  }
  const faults = got.series('weir_decode_faults_total').map(({ labels }) => labels.reason)
  t.strictSame(faults.sort(), ['extension', 'frame', 'short', 'type', 'version'])
})

t.test('each record read counts once: as counted, ignored, unread or a decode fault', async t => {
  const { self, page } = selfOf()
  const r = reduced()
  const debug = Buffer.alloc(64, 2)
  const records = [
    WEIR_TRACE_RECORD,
    WEIR_TRACE_RECORD,
    WEIR_DROP_RECORD,
    TRACE_2, // has no packet
    patched(TRACE_2, 15, 9), // an unknown extension hides the packet
    debug,
    patched(TRACE_2, 0, 99),
    patched(TRACE_2, 14, 9),
    TRACE_2.subarray(0, 20),
  ]
  r.add(...records)
  self.records(r.decoder, r.reducer, r.entities)
  const got = page()
  const of = (type: string, result: string) => got.get('weir_records_total', { type, result })
  t.equal(of('trace', 'counted'), 2)
  t.equal(of('drop', 'counted'), 1)
  t.equal(of('policy-verdict', 'counted'), 0)
  t.equal(of('debug', 'ignored'), 1)
  t.equal(of('any', 'unread'), 1)
  for (const fault of ['type', 'version', 'short', 'extension']) {
    t.equal(got.get('weir_decode_faults_total', { reason: fault }), 1, fault)
  }
  t.equal(got.sum('weir_records_total') + got.sum('weir_decode_faults_total'), records.length)
})

t.test('an address without an entity is a miss', async t => {
  const { self, page } = selfOf()
  const r = reduced()
  r.entities.resolve(Buffer.from([10, 0, 0, 1]), 0, false, 0)
  r.entities.byIdentity(4711)
  self.records(r.decoder, r.reducer, r.entities)
  t.equal(page().get('weir_entity_misses_total'), 1)
})

t.test('metrics of the live source cover its tables, stages and programs, from 0', NEEDS_ROOT, async t => {
  const { self, page } = selfOf()
  const { reducer, entities } = reduced(true)
  const errors: Error[] = []
  const live = new Live(loadNative(), entities, OPTIONS, reducer, { onError: error => errors.push(error) })
  t.teardown(() => live.close())
  live.collect()
  self.live(live)
  const got = page()
  t.strictSame(errors, [])
  t.equal(got.get('weir_connection_table_limit'), 4711)
  for (const name of [
    'weir_packets_seen_total',
    'weir_bytes_seen_total',
    'weir_packets_ignored_total',
    'weir_bytes_ignored_total',
    'weir_connection_table_entries',
    'weir_connection_table_full_packets_total',
    'weir_overflows_total',
    'weir_unnamed_packets_total',
    'weir_observations_lost_total',
    'weir_fragments_unknown_total',
    'weir_drop_table_full_packets_total',
    'weir_interfaces_watched',
  ]) {
    t.ok(got.series(name).length > 0, name)
    t.equal(got.sum(name), 0, name)
  }
  const stages = got.series('weir_stage_up').map(({ labels, value }) => [Object.values(labels)[0], value])
  t.strictSame(stages, [
    ['drain', 1],
    ['flush', 1],
    ['drops', 1],
    ['ip_cache', 1],
    ['conntrack', 1],
  ])
  t.ok(got.sum('weir_stage_seconds_total') > 0)
  const missed = got.series('weir_bpf_recursion_misses_total').map(({ labels }) => Object.values(labels)[0])
  t.ok(missed.includes('weir_from_pod'), `programs: ${missed}`)
})
