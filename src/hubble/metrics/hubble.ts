// SPDX-License-Identifier: Apache-2.0
/**
 * hubble.ts - the hubble_* part of the exporter: the metrics of the current configuration, lost events, reloads.
 *
 * In:    records; entities and a resolver; a configuration, which may be replaced at any time; deleted pods.
 * Out:   stores to render, current after collect().
 * Fail:  a configuration that does not compile throws a ConfigError and changes nothing.
 */

import type { Entities } from '../../datapath/identity/entities.js'
import type {
  CaptureRecord,
  DropRecord,
  RecordSink,
  SockRecord,
  TraceRecord,
  VerdictRecord,
} from '../../datapath/record/decode.js'
import type { KernelReasons } from '../../datapath/record/reasons.js'
import { M } from '../../exporter/catalog/catalog.js'
import type { Metric } from '../../exporter/catalog/metric.js'
import { DeletedPods, type PodId } from '../../exporter/reduce/deleted-pods.js'
import { SeriesStore } from '../../exporter/series/series.js'
import type { Resolver } from '../flow/resolver.js'
import { type CompiledMetric, compileMetrics } from './compile.js'
import type { MetricConfig } from './config.js'
import { eachDirection } from './directions.js'
import { flowBuilder } from './flow-builder.js'
import { type BudgetOf, HubbleMetrics, type MakeFlow } from './metrics.js'
import { DELETION_DELAY_MS } from './pod-series.js'

export interface HubbleParts {
  readonly entities: Entities
  readonly resolver: Resolver
  readonly kernelReasons: KernelReasons
  /** For filters by node name. */
  readonly nodeName?: string
  /** Monotonic milliseconds; for tests. */
  readonly now?: () => number
}

/** Hubble's places of loss: the kernel's ring, the observer's queue, and the ring that API clients read. */
export const LOST_SOURCES = ['perf_event_ring_buffer', 'observer_events_queue', 'hubble_ring_buffer'] as const
export type LostSource = (typeof LOST_SOURCES)[number]

const LOST: Metric = {
  name: 'hubble_lost_events_total',
  type: 'counter',
  group: 'hubble',
  help: 'Number of lost events',
  labels: ['source'],
}

/** Hubble's dashboards list clusters by a family of Cilium's agent. */
const CILIUM_VERSION: Metric = {
  name: 'cilium_version',
  type: 'gauge',
  group: 'hubble',
  help: "Constant 1, for Hubble's dashboards: they list clusters by this family of Cilium's agent",
  labels: [],
}

export class Hubble implements RecordSink {
  readonly #own = new SeriesStore()
  readonly #entities: Entities
  readonly #makeFlow: MakeFlow
  readonly #now: () => number
  readonly #deleted = new DeletedPods(DELETION_DELAY_MS)
  readonly #countTrace = (record: TraceRecord) => this.#metrics.trace(record)
  #compiled: readonly CompiledMetric[]
  #metrics: HubbleMetrics
  #budgetOf: BudgetOf | undefined
  #flowsMade = 0
  #resets = 0

  /** Throws a ConfigError. */
  constructor(parts: HubbleParts, configs: readonly MetricConfig[]) {
    const { entities, resolver, kernelReasons, nodeName = '', now = () => performance.now() } = parts
    this.#entities = entities
    this.#makeFlow = flowBuilder(resolver, kernelReasons, nodeName)
    this.#now = now
    this.#compiled = compileMetrics(configs)
    this.#metrics = new HubbleMetrics(this.#compiled, entities, this.#makeFlow)
    for (const source of LOST_SOURCES) this.setLost(source, 0)
    this.#setValue(CILIUM_VERSION, 1)
  }

  /** To be rendered with the exporter's own store. */
  get stores(): readonly SeriesStore[] {
    return [...this.#metrics.stores, this.#own]
  }

  /** Sets the number of events lost at a source since the start. */
  setLost(source: LostSource, events: number): void {
    this.#own.set(this.#own.family(LOST).series([source]), events)
  }

  /**
   * Switches to another configuration. A metric with unchanged options keeps its series, even if its filters changed;
   * any other metric starts from zero, and series of metrics that are no longer configured are removed. Throws a
   * ConfigError.
   */
  reconfigure(configs: readonly MetricConfig[]): void {
    this.#compiled = compileMetrics(configs)
    this.namesChanged()
  }

  /** To be called when entities or resolver give other names. Series are kept. */
  namesChanged(): void {
    const before = this.#metrics
    before.flush()
    this.#flowsMade += before.flowsMade
    this.#resets += before.resets
    this.#metrics = new HubbleMetrics(this.#compiled, this.#entities, this.#makeFlow, {
      stores: before.bySignature,
      ...(this.#budgetOf && { budgetOf: this.#budgetOf }),
    })
  }

  /** Sets the series budget of each family, also for later configurations. */
  setBudgets(budgetOf: BudgetOf): void {
    this.#budgetOf = budgetOf
    this.#metrics.setBudgets(budgetOf)
  }

  /** Removes series that did not change for `ttlMs` (0: none), as observed by calls of this method. */
  expire(ttlMs: number): void {
    if (ttlMs > 0) this.#metrics.expire(ttlMs)
  }

  /** Removes the series of a deleted pod a minute from now. */
  podDeleted(pod: PodId): void {
    this.#deleted.add(pod, this.#now())
  }

  /** Brings the series up to date. */
  collect(): void {
    this.#metrics.flush()
    const due = this.#deleted.due(this.#now())
    if (due.length > 0) this.#metrics.remove(due)
    this.#setValue(M.hubbleFlowsMade, this.#flowsMade + this.#metrics.flowsMade)
    this.#setValue(M.hubbleForgotten, this.#resets + this.#metrics.resets)
    this.#setValue(M.hubbleDeletionsRefused, this.#deleted.refused)
  }

  /** HOT. Guard: benches `reduce`, `reduce-workload`. */
  trace(record: TraceRecord): void {
    if (record.hasExtension && record.packetLength === 0) eachDirection(record, this.#countTrace)
    else this.#metrics.trace(record)
  }
  drop(record: DropRecord): void {
    this.#metrics.drop(record)
  }
  /** HOT. Guard: benches `reduce`, `reduce-workload`. */
  verdict(record: VerdictRecord): void {
    this.#metrics.verdict(record)
  }
  capture(record: CaptureRecord): void {
    this.#metrics.capture(record)
  }
  sock(record: SockRecord): void {
    this.#metrics.sock(record)
  }

  #setValue(metric: Metric, value: number): void {
    this.#own.set(this.#own.family(metric).series([]), value)
  }
}
