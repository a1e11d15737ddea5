/**
 * otlp-reload.test.ts - labels and families that change during a push: deltas lose nothing.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { M } from '../../src/exporter/catalog/catalog.js'
import type { Family } from '../../src/exporter/series/family.js'
import { SeriesStore } from '../../src/exporter/series/series.js'
import { own, push } from '../support/otlp-push.js'
import { type Behaviour, type Sink, startSink } from '../support/otlp-sink.js'
import { until } from '../support/until.js'
import { startWeir } from '../support/weir-process.js'

const labels = (workload: string): string[] => ['shop', workload, 'shop', 'db', 'source', 'FORWARDED', 'TCP']

/** A response that is sent after release(). */
function blocked(): { behaviour: Behaviour; release(): void } {
  let release = (): void => undefined
  const released = new Promise<void>(resolve => {
    release = resolve
  })
  const behaviour: Behaviour = (response, { headers }) => {
    void released.then(() => response.writeHead(200, { 'Content-Type': String(headers['content-type']) }).end('{}'))
    return true
  }
  return { behaviour, release }
}

/** The sink's sums of a counter, by attribute names. */
function received(sink: Sink, name: string): Map<string, number> {
  const sums = new Map<string, number>()
  const seen = new Set<string>()
  for (const point of sink.accepted().filter(each => each.name === name)) {
    // On a busy machine the blocked request may time out and be sent again, with the same times.
    const key = JSON.stringify([point.attributes, point.start, point.time])
    if (seen.has(key)) continue
    seen.add(key)
    const names = Object.keys(point.attributes).sort().join(' ')
    sums.set(names, (sums.get(names) ?? 0) + point.value)
  }
  return sums
}

const sum = (sums: ReadonlyMap<string, number>): number => [...sums.values()].reduce((a, b) => a + b, 0)

function relabel(family: Family, without: string): void {
  family.relabel(family.metric.labels.filter(label => label !== without))
}

t.test('labels change after the export in flight, and counts until then are exported under the old labels', async t => {
  const { otlp, sink, store } = await push(t, { temporality: 'delta' }, { store: new SeriesStore() })
  const flows = store.family(M.flowPackets)
  const { behaviour, release } = blocked()
  sink.behaviours.push(behaviour)
  store.add(flows.series(labels('web')), 1)
  const exported = otlp.exportNow()
  await until('a request has arrived', () => sink.requests.length === 1, 60_000)
  store.add(flows.series(labels('web')), 10)
  store.add(flows.series(labels('api')), 100)
  let changed = false
  const change = otlp.exclusive(() => {
    changed = true
    relabel(flows, 'source_workload')
    store.add(flows.series(labels('web').filter(label => label !== 'web')), 0)
  })
  store.add(flows.series(labels('web')), 1000)
  t.equal(changed, false, 'not while an export is in flight')
  release()
  t.equal((await exported)?.result, 'success')
  await change
  t.equal(changed, true)
  store.add(flows.series(labels('').filter((_, i) => i !== 1)), 10_000)
  await otlp.exportNow()
  await otlp.exportNow()
  const sums = received(sink, 'weir.flow.packets')
  t.equal(sum(sums), 11_111)
  const [after, before] = [...sums].sort(([a], [b]) => a.length - b.length)
  t.equal(after?.[1], 10_000)
  t.match(before?.[0], /k8s\.src\.owner\.name/)
  t.equal(before?.[1], 1111)
  t.equal(own(store, M.otlpExports, ['success']), 3, 'a change does not count as an export')
})

t.test('a removed family is exported up to its last count', async t => {
  const store = new SeriesStore()
  const flows = new SeriesStore()
  let there: readonly SeriesStore[] = [store, flows]
  const { otlp, sink } = await push(t, { temporality: 'delta' }, { store, stores: () => there })
  flows.add(flows.family(M.flowPackets).series(labels('web')), 5)
  await otlp.exportNow()
  flows.add(flows.family(M.flowPackets).series(labels('web')), 6)
  await otlp.exclusive(() => {
    there = [store]
  })
  await otlp.exportNow()
  t.equal(sum(received(sink, 'weir.flow.packets')), 11)
})

t.test('a reload of a running Weir waits for the export in flight, and the receiver misses nothing', async t => {
  const sink = await startSink()
  t.teardown(() => sink.close())
  const file = join(t.testdir(), 'weir.yaml')
  const settings = (labels: string): string =>
    JSON.stringify({
      otlp: { endpoint: sink.url, temporality: 'delta', interval: '10s' },
      inventory: 'examples/inventory.json',
      web: { 'enable-lifecycle': true },
      'hubble-metrics': labels === '' ? 'drop flow' : 'flow',
      ...(labels !== '' && { families: { weir_flow_packets_total: { labels: [labels] } } }),
    })
  writeFileSync(file, settings(''))
  const { behaviour, release } = blocked()
  sink.behaviours.push(behaviour)
  const weir = await startWeir(['--config.file', file, '--source', 'replay:examples/records.pcap'])
  t.teardown(() => weir.stop('SIGKILL'))
  await until('an export is in flight', () => sink.requests.length === 1, 60_000)
  const before = await weir.metrics()
  writeFileSync(file, settings('source_namespace'))
  const reload = fetch(`${weir.url}/-/reload`, { method: 'POST' })
  const also = fetch(`${weir.url}/-/reload`, { method: 'POST' })
  t.equal(
    (await weir.metrics()).series('weir_flow_packets_total').length,
    before.series('weir_flow_packets_total').length,
  )
  release()
  for (const each of [reload, also]) t.equal((await each).status, 200)
  const after = await weir.metrics()
  t.equal(after.get('weir_config_reloads_total', { result: 'applied' }), 1, 'requests during a pending reload share it')
  t.ok(after.series('weir_flow_packets_total').length < before.series('weir_flow_packets_total').length)
  writeFileSync(file, settings('source_namespace').replace('{', '{"series":{"ttl":"15s"},'))
  const refused = await fetch(`${weir.url}/-/reload`, { method: 'POST' })
  t.match(await refused.text(), /series.ttl of 15000 ms: expected at most half of it/)
  t.same(await weir.stop(), { code: 0, signal: null })
  t.equal(sum(received(sink, 'weir.flow.packets')), before.sum('weir_flow_packets_total'))
  t.equal(after.sum('hubble_drop_total'), 0)
  t.equal(sum(received(sink, 'hubble.drop')), before.sum('hubble_drop_total'), 'removed families too')
  t.ok(before.sum('hubble_drop_total') > 0)
})
