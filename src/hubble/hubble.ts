/**
 * hubble.ts - the hubble_* side of the exporter: one configuration of metrics at a time, and what was lost.
 *
 * In:    records; who is who; a configuration, which may be replaced while records come.
 * Out:   stores to be rendered, current after collect().
 * Fail:  a configuration that does not compile throws a ConfigError and changes nothing.
 */
import type {
  CaptureRecord,
  DropRecord,
  RecordSink,
  SockRecord,
  TraceRecord,
  VerdictRecord,
} from '../datapath/decode.js'
import type { Directory } from '../datapath/directory.js'
import type { Entities } from '../datapath/entities.js'
import type { KernelReasons } from '../datapath/reasons.js'
import type { Metric } from '../exporter/catalog.js'
import { SeriesStore } from '../exporter/series.js'
import { compileMetrics } from './compile.js'
import type { MetricConfig } from './config.js'
import { flowOf } from './flow-of.js'
import { HubbleMetrics } from './metrics.js'

export interface HubbleParts {
  readonly entities: Entities
  readonly directory: Directory
  readonly kernelReasons: KernelReasons
}

/** Where Hubble loses events: in the kernel's ring, before the observer, and in the ring that readers of flows read. */
export const LOST_SOURCES = ['perf_event_ring_buffer', 'observer_events_queue', 'hubble_ring_buffer'] as const
export type LostSource = (typeof LOST_SOURCES)[number]

const LOST: Metric = {
  name: 'hubble_lost_events_total',
  type: 'counter',
  help: 'Number of lost events',
  labels: ['source'],
}

export class Hubble implements RecordSink {
  readonly #own = new SeriesStore()
  #metrics: HubbleMetrics

  /** Throws a ConfigError. */
  constructor(parts: HubbleParts, configs: readonly MetricConfig[]) {
    const { entities, directory, kernelReasons } = parts
    this.#metrics = new HubbleMetrics(compileMetrics(configs), entities, flowOf(directory, kernelReasons))
    for (const source of LOST_SOURCES) this.setLost(source, 0)
  }

  /** To be rendered beside the exporter's own store. */
  get stores(): readonly SeriesStore[] {
    return [...this.#metrics.stores, this.#own]
  }

  /** Events lost at a source since the start. */
  setLost(source: LostSource, events: number): void {
    this.#own.set(this.#own.family(LOST).series([source]), events)
  }

  /** Bring the series up to date. */
  collect(): void {
    this.#metrics.flush()
  }

  /** HOT. Guard: bench `hubble`. */
  trace(record: TraceRecord): void {
    this.#metrics.trace(record)
  }
  drop(record: DropRecord): void {
    this.#metrics.drop(record)
  }
  /** HOT. Guard: bench `hubble`. */
  verdict(record: VerdictRecord): void {
    this.#metrics.verdict(record)
  }
  capture(record: CaptureRecord): void {
    this.#metrics.capture(record)
  }
  sock(record: SockRecord): void {
    this.#metrics.sock(record)
  }
}
