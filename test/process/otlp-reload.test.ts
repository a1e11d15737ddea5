/**
 * otlp-reload.test.ts - labels and families that change while a push is under way: differences lose nothing.
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

/** An answer that waits for a word. */
function held(): { behaviour: Behaviour; free(): void } {
  let free = (): void => undefined
  const freed = new Promise<void>(resolve => {
    free = resolve
  })
  const behaviour: Behaviour = (response, { headers }) => {
    void freed.then(() => response.writeHead(200, { 'Content-Type': String(headers['content-type']) }).end('{}'))
    return true
  }
  return { behaviour, free }
}

/** What the sink was told of a counter, by the names of its attributes. */
function told(sink: Sink, name: string): Map<string, number> {
  const sums = new Map<string, number>()
  for (const point of sink.accepted().filter(each => each.name === name)) {
    const names = Object.keys(point.attributes).sort().join(' ')
    sums.set(names, (sums.get(names) ?? 0) + point.value)
  }
  return sums
}

const sum = (sums: ReadonlyMap<string, number>): number => [...sums.values()].reduce((a, b) => a + b, 0)

function relabel(family: Family, without: string): void {
  family.relabel(family.metric.labels.filter(label => label !== without))
}

t.test(
  'labels change when the export in flight is over, with what was counted meanwhile told under the old ones',
  async t => {
    const { otlp, sink, store } = await push(t, { temporality: 'delta' }, { store: new SeriesStore() })
    const flows = store.family(M.flowPackets)
    const { behaviour, free } = held()
    sink.behaviours.push(behaviour)
    store.add(flows.series(labels('web')), 1)
    const exported = otlp.exportNow()
    await until('a request is there', () => sink.requests.length === 1, 60_000)
    store.add(flows.series(labels('web')), 10)
    store.add(flows.series(labels('api')), 100)
    let changed = false
    const change = otlp.exclusive(() => {
      changed = true
      relabel(flows, 'source_workload')
      store.add(flows.series(labels('web').filter(label => label !== 'web')), 0)
    })
    store.add(flows.series(labels('web')), 1000)
    t.equal(changed, false, 'not while points are under way')
    free()
    t.equal((await exported)?.outcome, 'success')
    await change
    t.equal(changed, true)
    store.add(flows.series(labels('').filter((_, i) => i !== 1)), 10_000)
    await otlp.exportNow()
    await otlp.exportNow()
    const sums = told(sink, 'weir.flow.packets')
    t.equal(sum(sums), 11_111)
    const [after, before] = [...sums].sort(([a], [b]) => a.length - b.length)
    t.equal(after?.[1], 10_000)
    t.match(before?.[0], /k8s\.src\.owner\.name/)
    t.equal(before?.[1], 1111)
    t.equal(own(store, M.otlpExports, ['success']), 3, 'a change is no export')
  },
)

t.test('a family that goes is told to its last count', async t => {
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
  t.equal(sum(told(sink, 'weir.flow.packets')), 11)
})

t.test('a reload of a running Weir waits for the export in flight, and the receiver misses nothing', async t => {
  const sink = await startSink()
  t.teardown(() => sink.close())
  const file = join(t.testdir(), 'weir.yaml')
  const settings = (labels: string): string =>
    JSON.stringify({
      otlp: { endpoint: sink.url, temporality: 'delta', interval: '4s' },
      inventory: 'examples/inventory.json',
      web: { 'enable-lifecycle': true },
      'hubble-metrics': labels === '' ? 'drop flow' : 'flow',
      ...(labels !== '' && { families: { weir_flow_packets_total: { labels: [labels] } } }),
    })
  writeFileSync(file, settings(''))
  const { behaviour, free } = held()
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
  free()
  for (const each of [reload, also]) t.equal((await each).status, 200)
  const after = await weir.metrics()
  t.equal(after.get('weir_config_reloads_total', { result: 'applied' }), 1, 'those who ask while one waits share it')
  t.ok(after.series('weir_flow_packets_total').length < before.series('weir_flow_packets_total').length)
  writeFileSync(file, settings('source_namespace').replace('{', '{"series":{"ttl":"5s"},'))
  const refused = await fetch(`${weir.url}/-/reload`, { method: 'POST' })
  t.match(await refused.text(), /series.ttl of 5000 ms: expected at most half of it/)
  t.same(await weir.stop(), { code: 0, signal: null })
  t.equal(sum(told(sink, 'weir.flow.packets')), before.sum('weir_flow_packets_total'))
  t.equal(after.sum('hubble_drop_total'), 0)
  t.equal(sum(told(sink, 'hubble.drop')), before.sum('hubble_drop_total'), 'families that went, too')
  t.ok(before.sum('hubble_drop_total') > 0)
})
