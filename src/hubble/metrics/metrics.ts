// SPDX-License-Identifier: Apache-2.0
/**
 * metrics.ts - counts records in hubble_* series: each record that is a flow counts once in each metric that selects
 * it.
 *
 * In:    records; compiled metrics; a function that makes the flow of a record.
 * Out:   series, in one store for each family; up to date after flush().
 * Never: makes a flow for a record with a known key. Keys are forgotten when the tables of pending increments are full.
 *
 * A record's key (key.ts) holds everything that labels depend on, except the destination port, which would give each
 * connection its own key. Keys with equal labels apart from the port form a group, and a second table counts by group
 * and port, for metrics with a port label. Most keys only ever have one port, so most records skip the second table.
 */

import type { Entities } from '../../datapath/identity/entities.js'
import type {
  CaptureRecord,
  DropRecord,
  RecordSink,
  RecordWindow,
  SockRecord,
  TraceRecord,
  VerdictRecord,
} from '../../datapath/record/decode.js'
import type { PodId } from '../../exporter/reduce/deleted-pods.js'
import { SeriesStore, type Slot } from '../../exporter/series/series.js'
import type { Flow } from '../flow/flow.js'
import type { CompiledMetric } from './compile.js'
import { Event } from './counter.js'
import { Key } from './key.js'
import { KeyField } from './key-fields.js'
import { MAX_COUNT, MAX_GROUPS, NO_GROUP, PendingIncrements, type Target, UNKNOWN_KEY } from './pending.js'
import { belongsTo } from './pod-series.js'
import { chunkName } from './sctp-chunk.js'

export type AnyRecord = RecordWindow | SockRecord
/** The flow that Hubble makes of a record; undefined if it makes none. */
export type MakeFlow = (record: AnyRecord) => Flow | undefined

export type BudgetOf = (family: string) => number

export interface Options {
  /** Keys of each table of pending increments; for tests. */
  readonly maxKeys?: number
  /** Limit on endpoints that keys distinguish; for tests. */
  readonly maxEndpoints?: number
  /** Stores to keep using, by signature. */
  readonly stores?: ReadonlyMap<string, SeriesStore>
  /** Series budget of a family, by its name. */
  readonly budgetOf?: BudgetOf
}

/** Keys of each table of pending increments: 37 to 75 bytes each, and 8 for each of a few series. */
const MAX_KEYS = 262_144

export class HubbleMetrics implements RecordSink {
  /** Records that a flow had to be made for. */
  flowsMade = 0
  /** Times that all keys were cleared. */
  resets = 0
  readonly #makeFlow: MakeFlow
  readonly #key: Key
  readonly #metrics: readonly CompiledMetric[]
  readonly #stores: SeriesStore[]
  readonly #withoutPort: readonly number[]
  readonly #withPort: readonly number[]
  readonly #unkeyed: readonly number[]
  readonly #pending: PendingIncrements
  readonly #pendingPorts: PendingIncrements
  readonly #groups = new Map<string, number>()

  constructor(metrics: readonly CompiledMetric[], entities: Entities, makeFlow: MakeFlow, options: Options = {}) {
    const { maxKeys = MAX_KEYS, maxEndpoints, stores, budgetOf } = options
    this.#metrics = metrics
    this.#makeFlow = makeFlow
    this.#stores = metrics.map(({ signature }) => stores?.get(signature) ?? new SeriesStore())
    if (budgetOf !== undefined) for (const store of this.#stores) store.setBudgets(budgetOf)
    const keyFieldsOf = (event: number) =>
      metrics.reduce((sum, { events, keyFields }) => (events.includes(event) ? sum | keyFields : sum), 0)
    const keyFields = {
      trace: keyFieldsOf(Event.trace),
      drop: keyFieldsOf(Event.drop),
      verdict: keyFieldsOf(Event.policyVerdict),
    }
    this.#key = new Key(entities, keyFields, maxEndpoints)
    const which = (bits: number, wanted: number) =>
      [...metrics.keys()].filter(i => (metrics[i]!.keyFields & bits) === wanted)
    this.#unkeyed = which(KeyField.unkeyed, KeyField.unkeyed)
    this.#withPort = which(KeyField.unkeyed | KeyField.port, KeyField.port)
    this.#withoutPort = which(KeyField.unkeyed | KeyField.port, 0)
    const add = (metric: number, slot: number, n: number) => this.#stores[metric]!.add(slot as Slot, n)
    const addPort = (group: number, port: number, n: number) => void this.#pendingPorts.count(group, port, 0, n)
    this.#pending = new PendingIncrements(maxKeys, { add, addPort })
    this.#pendingPorts = new PendingIncrements(maxKeys, { add, addPort })
  }

  /** One store for each family; the series are current after flush(). */
  get stores(): readonly SeriesStore[] {
    return this.#stores
  }

  /** Stores by signature, for the next configuration: a metric that stays keeps its series. */
  get bySignature(): ReadonlyMap<string, SeriesStore> {
    return new Map(this.#metrics.map(({ signature }, i) => [signature, this.#stores[i]!]))
  }

  /** Changes the series budgets; a smaller one only refuses new series. */
  setBudgets(budgetOf: BudgetOf): void {
    for (const store of this.#stores) store.setBudgets(budgetOf)
    // Keys that count in an overflow series may get a series of their own now.
    this.#clearKeys()
  }

  /** Removes the series of these pods. */
  remove(pods: readonly PodId[]): void {
    this.flush()
    const gone = this.#metrics.map(({ metric, context }, i) => {
      const store = this.#stores[i]!
      return store.removeWhere([store.family(metric)], () => belongsTo(context, pods))
    })
    if (gone.some(slots => slots !== undefined)) this.#clearKeys()
  }

  /** Removes series that did not change for `ttlMs`, as observed by calls of this method. */
  expire(ttlMs: number): void {
    this.flush()
    const gone = this.#stores.map(store => store.expire(store.families(), ttlMs))
    // Keys may point to slots of removed series, or to an overflow series although there is room again.
    if (gone.some(slots => slots !== undefined)) this.#clearKeys()
  }

  /** HOT. Guard: benches `reduce`, `reduce-workload`. */
  trace(record: TraceRecord, times = 1): void {
    if (this.#key.trace(record)) this.#countKeyed(record, times)
    else this.#countUnkeyed(record, times)
  }

  /** One of Weir's drop records counts many equal packets; Hubble would have a flow for each. */
  drop(record: DropRecord): void {
    const times = record.hasExtension ? record.packets : 1
    if (times === 0) return
    if (times <= MAX_COUNT && this.#key.drop(record)) this.#countKeyed(record, times)
    else this.#countUnkeyed(record, times)
  }

  /** HOT. Guard: benches `reduce`, `reduce-workload`. */
  verdict(record: VerdictRecord): void {
    if (this.#key.verdict(record)) this.#countKeyed(record, 1)
    else this.#countUnkeyed(record, 1)
  }

  capture(record: CaptureRecord): void {
    this.#countUnkeyed(record, 1)
  }

  sock(record: SockRecord): void {
    this.#countUnkeyed(record, 1)
  }

  /** Brings the series up to date. */
  flush(): void {
    this.#pending.flush()
    this.#pendingPorts.flush()
  }

  /** HOT: counts the record by its key. Guard: benches `reduce`, `reduce-workload`. */
  #countKeyed(record: RecordWindow, times: number): void {
    const { first, second, port } = this.#key
    const group = this.#pending.count(first, second, port, times)
    let flow: Flow | undefined
    if (group >= 0) flow = this.#countPort(group, port, record, times)
    else if (group === UNKNOWN_KEY) flow = this.#insert(record, times)
    if (this.#unkeyed.length > 0) this.#countIn(this.#unkeyed, flow ?? this.#flowFor(record), times)
  }

  /** Counts a port that is not the key's usual one. Returns the flow if it had to be made. */
  #countPort(group: number, port: number, record: RecordWindow, times: number): Flow | undefined {
    if (this.#pendingPorts.count(group, port, 0, times) !== UNKNOWN_KEY) return undefined
    const flow = this.#flowFor(record)
    this.#insertPort(group, port, flow)
    this.#pendingPorts.count(group, port, 0, times)
    if (this.#pendingPorts.full) this.#clearKeys()
    return flow
  }

  /** Counts the first record of a key. Returns its flow. */
  #insert(record: RecordWindow, times: number): Flow | undefined {
    const { first, second, port } = this.#key
    const flow = this.#flowFor(record)
    const group = this.#group(flow)
    this.#pending.insert(first, second, this.#targets(this.#withoutPort, flow), group, port)
    if (group !== NO_GROUP && !this.#pendingPorts.has(group, port)) this.#insertPort(group, port, flow)
    this.#pending.count(first, second, port, times)
    const full = this.#pending.full || this.#pendingPorts.full || this.#key.full
    if (full || this.#groups.size === MAX_GROUPS) this.#clearKeys()
    return flow
  }

  #insertPort(group: number, port: number, flow: Flow | undefined): void {
    this.#pendingPorts.insert(group, port, this.#targets(this.#withPort, flow))
  }

  /** Clears all tables together: their keys contain each other's numbers. */
  #clearKeys(): void {
    this.#pending.clear()
    this.#pendingPorts.clear()
    this.#key.clear()
    this.#groups.clear()
    this.resets++
  }

  /** The group of a flow: the number of its label values without the port. */
  #group(flow: Flow | undefined): number {
    if (flow === undefined) return NO_GROUP
    const chunk = chunkName(this.#key.chunk)
    const otherLabels = this.#withPort.flatMap(i => {
      const { metric, count } = this.#metrics[i]!
      const port = metric.labels.indexOf('port')
      return count(flow, chunk).map(values => [i, values.toSpliced(port, 1)])
    })
    if (otherLabels.length === 0) return NO_GROUP
    const name = JSON.stringify(otherLabels)
    const known = this.#groups.get(name) ?? this.#groups.size
    this.#groups.set(name, known)
    return known
  }

  /** Counts a record without a key. */
  #countUnkeyed(record: AnyRecord, times: number): void {
    this.#countIn([...this.#metrics.keys()], this.#flowFor(record), times)
  }

  #countIn(metrics: readonly number[], flow: Flow | undefined, times: number): void {
    for (const { metric, slot } of this.#targets(metrics, flow)) this.#stores[metric]!.add(slot as Slot, times)
  }

  #flowFor(record: AnyRecord): Flow | undefined {
    this.flowsMade++
    return this.#makeFlow(record)
  }

  /** The series of these metrics that count the flow. */
  #targets(metrics: readonly number[], flow: Flow | undefined): Target[] {
    if (flow === undefined) return []
    const chunk = chunkName(this.#key.chunk)
    return metrics.flatMap(i => {
      const { metric, count } = this.#metrics[i]!
      const family = this.#stores[i]!.family(metric)
      return count(flow, chunk).map(values => ({ metric: i, slot: family.series(values) }))
    })
  }
}
