/**
 * reload-status.test.ts - metrics of reloads: success, time of the last success, attempts by result.
 */
import t from 'tap'
import { type ReloadMetrics, ReloadStatus } from '../../src/agent/reload/reload-status.js'
import { M } from '../../src/exporter/catalog/catalog.js'
import type { Metric } from '../../src/exporter/catalog/metric.js'
import { SeriesStore } from '../../src/exporter/series/series.js'

/** A status and a clock in seconds, which the test sets. */
function statusOf(metrics: ReloadMetrics) {
  const clock = { seconds: 100 }
  const store = new SeriesStore()
  const status = new ReloadStatus(store, metrics, () => clock.seconds * 1000)
  const value = (metric: Metric, ...labels: string[]) => store.get(store.family(metric).series(labels))
  return { status, clock, store, value }
}

t.test(
  'the content at the start is a success, later ones are counted, and a refusal keeps the time of the last',
  async t => {
    const { status, clock, value } = statusOf({
      successful: M.inventoryReloadSuccessful,
      time: M.inventoryReloadTime,
      reloads: M.inventoryReloads,
    })
    const state = () => [
      value(M.inventoryReloadSuccessful),
      value(M.inventoryReloadTime),
      value(M.inventoryReloads, 'applied'),
      value(M.inventoryReloads, 'refused'),
    ]
    t.strictSame(state(), [1, 100, 0, 0], 'start')
    clock.seconds = 200.5
    status.applied()
    t.strictSame(state(), [1, 200.5, 1, 0], 'applied')
    clock.seconds = 300
    status.refused()
    t.strictSame(state(), [0, 200.5, 1, 1], 'refused')
    status.applied()
    t.strictSame(state(), [1, 300, 2, 1], 'applied again')
  },
)

t.test('a status without a counter has only the two gauges', async t => {
  const { status, store, value } = statusOf({ successful: M.webConfigReloadSuccessful, time: M.webConfigReloadTime })
  status.refused()
  t.strictSame([value(M.webConfigReloadSuccessful), value(M.webConfigReloadTime)], [0, 100])
  const names = store.families().map(({ metric }) => metric.name)
  t.strictSame(names, [M.webConfigReloadTime.name, M.webConfigReloadSuccessful.name])
})
