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
import { Event } from './counter.js'
import { eachDirection, eachFlag } from './directions.js'
import { flowBuilder } from './flow-builder.js'
import { KeyField } from './key-fields.js'
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
  readonly #countFlag = (record: TraceRecord, times: number) => this.#flags?.trace(record, times)
  #compiled: readonly CompiledMetric[]
  #metrics: HubbleMetrics
  /** Metrics that count TCP flags, once there was a record of Weir's own; until then they are in #metrics. */
  #flags: HubbleMetrics | undefined
  #hasOwnRecords = false
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
    return [...this.#metrics.stores, ...(this.#flags?.stores ?? []), this.#own]
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
    this.#rebuild()
  }

  /** To be called when entities or resolver give other names. Series are kept. */
  namesChanged(): void {
    this.#rebuild()
  }

  /** Sets the series budget of each family, also for later configurations. */
  setBudgets(budgetOf: BudgetOf): void {
    this.#budgetOf = budgetOf
    for (const metrics of this.#all()) metrics.setBudgets(budgetOf)
  }

  /** Removes series that did not change for `ttlMs` (0: none), as observed by calls of this method. */
  expire(ttlMs: number): void {
    if (ttlMs > 0) for (const metrics of this.#all()) metrics.expire(ttlMs)
  }

  /** Removes the series of a deleted pod a minute from now. */
  podDeleted(pod: PodId): void {
    this.#deleted.add(pod, this.#now())
  }

  /** Whether a metric of drops has the port. */
  get showsDropPort(): boolean {
    return this.#compiled.some(
      ({ keyFields, events }) => (keyFields & KeyField.port) !== 0 && events.includes(Event.drop),
    )
  }

  /** Brings the series up to date. */
  collect(): void {
    const due = this.#deleted.due(this.#now())
    let [made, resets] = [this.#flowsMade, this.#resets]
    for (const metrics of this.#all()) {
      metrics.flush()
      if (due.length > 0) metrics.remove(due)
      made += metrics.flowsMade
      resets += metrics.resets
    }
    this.#setValue(M.hubbleFlowsMade, made)
    this.#setValue(M.hubbleForgotten, resets)
    this.#setValue(M.hubbleDeletionsRefused, this.#deleted.refused)
  }

  /** HOT. Guard: benches `reduce`, `reduce-workload`. */
  trace(record: TraceRecord): void {
    if (record.hasExtension) this.#ownTrace(record)
    else {
      this.#metrics.trace(record)
      this.#flags?.trace(record)
    }
  }
  drop(record: DropRecord): void {
    this.#metrics.drop(record)
    this.#flags?.drop(record)
  }
  /** HOT. Guard: benches `reduce`, `reduce-workload`. */
  verdict(record: VerdictRecord): void {
    this.#metrics.verdict(record)
    this.#flags?.verdict(record)
  }
  capture(record: CaptureRecord): void {
    this.#metrics.capture(record)
    this.#flags?.capture(record)
  }
  sock(record: SockRecord): void {
    this.#metrics.sock(record)
    this.#flags?.sock(record)
  }

  /** HOT: a record of Weir's own, whose counters include what earlier, lost records would have reported. */
  #ownTrace(record: TraceRecord): void {
    if (!this.#hasOwnRecords) {
      this.#hasOwnRecords = true
      this.#rebuild()
    }
    if (record.packetLength === 0) eachDirection(record, this.#countTrace)
    else this.#metrics.trace(record)
    if (this.#flags !== undefined) eachFlag(record, this.#countFlag)
  }

  #all(): readonly HubbleMetrics[] {
    return this.#flags === undefined ? [this.#metrics] : [this.#metrics, this.#flags]
  }

  /** Starts again with the current configuration and names. Metrics with unchanged options keep their series. */
  #rebuild(): void {
    const stores = new Map<string, SeriesStore>()
    for (const before of this.#all()) {
      before.flush()
      this.#flowsMade += before.flowsMade
      this.#resets += before.resets
      for (const [signature, store] of before.bySignature) stores.set(signature, store)
    }
    const options = { stores, ...(this.#budgetOf && { budgetOf: this.#budgetOf }) }
    const build = (compiled: readonly CompiledMetric[]) =>
      new HubbleMetrics(compiled, this.#entities, this.#makeFlow, options)
    const flags = this.#hasOwnRecords ? this.#compiled.filter(({ perFlag }) => perFlag) : []
    this.#metrics = build(this.#compiled.filter(metric => !flags.includes(metric)))
    this.#flags = flags.length === 0 ? undefined : build(flags)
  }

  #setValue(metric: Metric, value: number): void {
    this.#own.set(this.#own.family(metric).series([]), value)
  }
}
