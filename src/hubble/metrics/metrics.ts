/**
 * metrics.ts - hubble_* series: every record that is a flow counts once in each metric that takes it.
 *
 * In:    records; compiled metrics; a function that makes the flow of a record.
 * Out:   series in stores of their own, a store a family, up to date after flush().
 * Never: makes a flow of a record whose like was counted before, until the tallies are full and forget.
 *
 * A record's key (key.ts) stands for everything that the labels depend on but the destination port, which would make
 * every connection a key of its own: keys whose labels differ by the port alone are a group, and a second tally counts by
 * group and port for the metrics that have it. Most keys have one port ever, so most records do not go there.
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
import { Needs } from './key-fields.js'
import { MOST_GROUPS, MOST_TIMES, NEW, NO_GROUP, Tally, type Target } from './pending.js'
import { belongsTo } from './pod-series.js'
import { chunkName } from './sctp-chunk.js'

export type AnyRecord = RecordWindow | SockRecord
/** The flow that Hubble would make of a record; undefined where it makes none. */
export type FlowOf = (record: AnyRecord) => Flow | undefined

export type BudgetOf = (family: string) => number

export interface Options {
  /** Keys of each tally, for tests. */
  readonly mostKeys?: number
  /** Ends that keys tell apart, for tests. */
  readonly mostEnds?: number
  /** Stores to go on with, by signature. */
  readonly stores?: ReadonlyMap<string, SeriesStore>
  /** Series that a family may have, by its name. */
  readonly budgetOf?: BudgetOf
}

/** Keys of each tally: 37 to 75 bytes each, and 8 for each of a few series. */
const MOST_KEYS = 262_144

export class HubbleMetrics implements RecordSink {
  /** Records for which a flow had to be made. */
  made = 0
  /** Times that the tallies were full and began anew. */
  forgotten = 0
  readonly #flowOf: FlowOf
  readonly #key: Key
  readonly #metrics: readonly CompiledMetric[]
  readonly #stores: SeriesStore[]
  readonly #plain: readonly number[]
  readonly #ported: readonly number[]
  readonly #unkeyed: readonly number[]
  readonly #tally: Tally
  readonly #ports: Tally
  readonly #groups = new Map<string, number>()

  constructor(metrics: readonly CompiledMetric[], entities: Entities, flowOf: FlowOf, options: Options = {}) {
    const { mostKeys = MOST_KEYS, mostEnds, stores, budgetOf } = options
    this.#metrics = metrics
    this.#flowOf = flowOf
    this.#stores = metrics.map(({ signature }) => stores?.get(signature) ?? new SeriesStore())
    if (budgetOf !== undefined) for (const store of this.#stores) store.setBudgets(budgetOf)
    const needsOf = (event: number) =>
      metrics.reduce((sum, { events, needs }) => (events.includes(event) ? sum | needs : sum), 0)
    const needs = {
      trace: needsOf(Event.trace),
      drop: needsOf(Event.drop),
      verdict: needsOf(Event.policyVerdict),
    }
    this.#key = new Key(entities, needs, mostEnds)
    const which = (bits: number, wanted: number) =>
      [...metrics.keys()].filter(i => (metrics[i]!.needs & bits) === wanted)
    this.#unkeyed = which(Needs.all, Needs.all)
    this.#ported = which(Needs.all | Needs.port, Needs.port)
    this.#plain = which(Needs.all | Needs.port, 0)
    const add = (metric: number, slot: number, n: number) => this.#stores[metric]!.add(slot as Slot, n)
    const addPort = (group: number, port: number, n: number) => void this.#ports.count(group, port, 0, n)
    this.#tally = new Tally(mostKeys, { add, addPort })
    this.#ports = new Tally(mostKeys, { add, addPort })
  }

  /** One store a family; their series are current after flush(). */
  get stores(): readonly SeriesStore[] {
    return this.#stores
  }

  /** The same by signature, for the next configuration: a metric that stays keeps its series. */
  get bySignature(): ReadonlyMap<string, SeriesStore> {
    return new Map(this.#metrics.map(({ signature }, i) => [signature, this.#stores[i]!]))
  }

  /** Other budgets from now on; a smaller one refuses new series only. */
  setBudgets(budgetOf: BudgetOf): void {
    for (const store of this.#stores) store.setBudgets(budgetOf)
    // What went to an overflow series may have room of its own now.
    this.#forget()
  }

  /** Remove the series of these pods. */
  remove(pods: readonly PodId[]): void {
    this.flush()
    const gone = this.#metrics.map(({ metric, context }, i) => {
      const store = this.#stores[i]!
      return store.removeWhere([store.family(metric)], () => belongsTo(context, pods))
    })
    if (gone.some(slots => slots !== undefined)) this.#forget()
  }

  /** Remove series that did not change for `ttlMs`, as far as these sweeps saw. */
  sweep(ttlMs: number): void {
    this.flush()
    const gone = this.#stores.map(store => store.expire(store.families(), ttlMs))
    // Tallies lead to slots that are nobody's now, or to an overflow series beside which there is room again.
    if (gone.some(slots => slots !== undefined)) this.#forget()
  }

  /** HOT. Guard: benches `reduce`, `reduce-workload`. */
  trace(record: TraceRecord): void {
    if (this.#key.trace(record)) this.#counted(record, 1)
    else this.#unkeyedRecord(record, 1)
  }

  /** A drop of Weir's own tells of many packets alike; Hubble would have a flow of each. */
  drop(record: DropRecord): void {
    const times = record.hasExtension ? record.packets : 1
    if (times === 0) return
    if (times <= MOST_TIMES && this.#key.drop(record)) this.#counted(record, times)
    else this.#unkeyedRecord(record, times)
  }

  /** HOT. Guard: benches `reduce`, `reduce-workload`. */
  verdict(record: VerdictRecord): void {
    if (this.#key.verdict(record)) this.#counted(record, 1)
    else this.#unkeyedRecord(record, 1)
  }

  capture(record: CaptureRecord): void {
    this.#unkeyedRecord(record, 1)
  }

  sock(record: SockRecord): void {
    this.#unkeyedRecord(record, 1)
  }

  /** Bring the series up to date. */
  flush(): void {
    this.#tally.flush()
    this.#ports.flush()
  }

  /** HOT: the key holds all that counts. Guard: benches `reduce`, `reduce-workload`. */
  #counted(record: RecordWindow, times: number): void {
    const { first, second, port } = this.#key
    const group = this.#tally.count(first, second, port, times)
    let flow: Flow | undefined
    if (group >= 0) flow = this.#countPort(group, port, record, times)
    else if (group === NEW) flow = this.#learn(record, times)
    if (this.#unkeyed.length > 0) this.#countIn(this.#unkeyed, flow ?? this.#flow(record), times)
  }

  /** Of a port that is not the key's usual one; the flow, if it had to be made. */
  #countPort(group: number, port: number, record: RecordWindow, times: number): Flow | undefined {
    if (this.#ports.count(group, port, 0, times) !== NEW) return undefined
    const flow = this.#flow(record)
    this.#learnPort(group, port, flow)
    this.#ports.count(group, port, 0, times)
    if (this.#ports.full) this.#forget()
    return flow
  }

  /** The first of its key; its flow. */
  #learn(record: RecordWindow, times: number): Flow | undefined {
    const { first, second, port } = this.#key
    const flow = this.#flow(record)
    const group = this.#group(flow)
    this.#tally.learn(first, second, this.#targets(this.#plain, flow), group, port)
    if (group !== NO_GROUP && !this.#ports.knows(group, port)) this.#learnPort(group, port, flow)
    this.#tally.count(first, second, port, times)
    const full = this.#tally.full || this.#ports.full || this.#key.full
    if (full || this.#groups.size === MOST_GROUPS) this.#forget()
    return flow
  }

  #learnPort(group: number, port: number, flow: Flow | undefined): void {
    this.#ports.learn(group, port, this.#targets(this.#ported, flow))
  }

  /** All at once: their keys hold each other's numbers. */
  #forget(): void {
    this.#tally.forget()
    this.#ports.forget()
    this.#key.forget()
    this.#groups.clear()
    this.forgotten++
  }

  /** Records that differ by nothing but the port are a group: what their labels are without it. */
  #group(flow: Flow | undefined): number {
    if (flow === undefined) return NO_GROUP
    const chunk = chunkName(this.#key.chunk)
    const without = this.#ported.flatMap(i => {
      const { metric, count } = this.#metrics[i]!
      const port = metric.labels.indexOf('port')
      return count(flow, chunk).map(values => [i, values.toSpliced(port, 1)])
    })
    if (without.length === 0) return NO_GROUP
    const name = JSON.stringify(without)
    const known = this.#groups.get(name) ?? this.#groups.size
    this.#groups.set(name, known)
    return known
  }

  /** A record without a key. */
  #unkeyedRecord(record: AnyRecord, times: number): void {
    this.#countIn([...this.#metrics.keys()], this.#flow(record), times)
  }

  #countIn(metrics: readonly number[], flow: Flow | undefined, times: number): void {
    for (const { metric, slot } of this.#targets(metrics, flow)) this.#stores[metric]!.add(slot as Slot, times)
  }

  #flow(record: AnyRecord): Flow | undefined {
    this.made++
    return this.#flowOf(record)
  }

  /** Series of these metrics that the flow counts in. */
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
