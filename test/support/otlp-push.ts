/**
 * otlp-push.ts - a push from a test's store to a sink.
 *
 * In:    settings that differ from the defaults.
 * Out:   the push, which exports only when the test calls exportNow().
 */
import type { Test } from 'tap'
import type { Metric } from '../../src/exporter/catalog/metric.js'
import { SeriesStore } from '../../src/exporter/series/series.js'
import { OTLP_DEFAULTS, type OtlpConfig } from '../../src/otlp/config.js'
import { type Otlp, type OtlpParts, startOtlp } from '../../src/otlp/otlp.js'
import { type Sink, type SunkPoint, startSink } from './otlp-sink.js'

export interface Pushed {
  readonly store: SeriesStore
  readonly otlp: Otlp
  readonly sink: Sink
  /** Logged lines. */
  readonly lines: string[]
}

const HOUR_MS = 3_600_000

/** The timer never fires: the first export is due in an hour. */
export async function push(t: Test, config: Partial<OtlpConfig> = {}, parts: Partial<OtlpParts> = {}): Promise<Pushed> {
  const sink = await startSink()
  const lines: string[] = []
  const log = (fields: object, message: string): void => {
    lines.push(`${message} ${JSON.stringify(fields)}`)
  }
  const store = parts.store ?? new SeriesStore()
  const whole = { ...OTLP_DEFAULTS, url: sink.url, intervalMs: HOUR_MS, ...config }
  const otlp = await startOtlp(whole, {
    store,
    stores: () => [store],
    collect: () => undefined,
    version: '1.2.3',
    env: {},
    log: { info: log, warn: log, error: log },
    random: () => 0.999,
    ...parts,
  })
  t.teardown(async () => {
    await otlp.close(0)
    await sink.close()
    if (sink.faults.length > 0) throw new Error(`invalid requests to the sink: ${sink.faults.join(', ')}`)
  })
  return { store, otlp, sink, lines }
}

/** The value of one of the push's own metrics. */
export function own(store: SeriesStore, metric: Metric, labels: readonly string[] = []): number {
  return store.get(store.family(metric).series(labels))
}

export function named(points: readonly SunkPoint[], name: string): SunkPoint[] {
  return points.filter(point => point.name === name)
}
