// SPDX-License-Identifier: Apache-2.0
/**
 * pair.ts - the series of one source, destination, reporter and protocol, looked up once and then cached as slots.
 *
 * In:    entity ids, reporter and protocol; increments by family.
 * Out:   additions to the series store.
 * Never: builds a label for an increment with a cached slot.
 */

import type { Entities } from '../../datapath/identity/entities.js'
import { SIZE_CLASSES } from '../../datapath/record/abi.js'
import { icmpTypeName, Protocol, protocolName } from '../../datapath/record/protocol.js'
import type { FlowName } from '../catalog/flow-catalog.js'
import type { Peers } from '../series/exemplar.js'
import type { Family, Slot } from '../series/family.js'
import type { SeriesStore, StaleSlots } from '../series/series.js'
import { Cache, DEFAULT_LIMIT, KEY, UNSET } from './cache.js'
import { type PodId, selectorOf } from './deleted-pods.js'
import { FlowFamilies } from './flow-families.js'
import { type LabelSource, PACKET_LABELS } from './flow-labels.js'
import { DEFAULT_METRICS, type MetricsConfig } from './metrics-config.js'
import { OpenConnections } from './open-connections.js'
import { PacketEndpoints, type PacketServices } from './packet-endpoints.js'
import { Column, seriesOf, WIDTH } from './pair-columns.js'
import { REPORTERS, Reporter } from './reporter.js'

/** Columns of the detail cache: packets or messages, and bytes. */
const DETAIL_COLUMNS = 2
/** Families that count drops. */
const DROP_FAMILIES = ['dropPackets', 'dropBytes', 'flowPackets', 'flowBytes'] as const

/** Policy verdicts by match type (PolicyVerdictNotify's flags) and by action. */
const MATCHES = ['none', 'l3-only', 'l3-l4', 'l4-only', 'all', 'l3-proto', 'proto-only', 'unknown'] as const
export const Action = { forwarded: 0, dropped: 1, redirected: 2, audit: 3 } as const
const ACTIONS = ['forwarded', 'dropped', 'redirected', 'audit'] as const

/** Kind of a cache key: reporter in bits 0 and 1, dropped, protocol; in `#details` the detail above them. */
const DROPPED = 1 << 2
const PROTOCOL_SHIFT = 3
const DETAIL_SHIFT = 12
/** Drop reasons with a number of their own; later ones share the last. A kernel has about 150. */
const REASONS_MAX = 4096
/** A policy verdict as a detail: above the ICMP types, with direction, match and action in its low bits. */
const VERDICT = 1 << 8
const DIRECTION_SHIFT = 5
const MATCH_SHIFT = 2
/** In place of a protocol number, where the datapath has none. */
export const UNKNOWN_PROTOCOL = 256
const NS = 1e-9

/** A cache entry. */
export type Pair = number & { readonly __pair: unique symbol }

export class Pairs {
  readonly #store: SeriesStore
  readonly #entities: Entities
  readonly #cache: Cache
  readonly #details: Cache
  readonly #reasons = new Map<string, number>()
  readonly #families: FlowFamilies
  readonly #open: OpenConnections
  readonly #packetSize: Family
  #packetEndpoints: PacketEndpoints | undefined
  #interZone = false

  /** `limit`: entries of each cache; 33 MB at the default. */
  constructor(store: SeriesStore, entities: Entities, limit = DEFAULT_LIMIT) {
    this.#store = store
    this.#cache = new Cache(WIDTH - KEY, limit)
    this.#details = new Cache(DETAIL_COLUMNS, limit)
    this.#entities = entities
    this.#families = new FlowFamilies(store, entities, DEFAULT_METRICS)
    this.#open = new OpenConnections(store)
    this.#packetSize = this.#families.family('packetSize')
  }

  /** Whether a label uses addresses or ports of packets. Without such a label the endpoints number is always 0. */
  get usesPacketFields(): boolean {
    return this.#packetEndpoints !== undefined
  }

  /** Whether a family that counts drops has a label for the destination port. */
  get showsDropPort(): boolean {
    return DROP_FAMILIES.some(name => this.#families.shows(name, PACKET_LABELS.destinationPort))
  }

  /** The endpoints number of a packet, see PacketEndpoints.number(). Valid until the next call. */
  endpoints(
    bytes: Uint8Array,
    sourceAt: number,
    destinationAt: number,
    long: boolean,
    port: number,
    services?: PacketServices,
  ): number {
    if (this.#packetEndpoints === undefined) return 0
    if (this.#packetEndpoints.full) this.invalidate()
    return this.#packetEndpoints.number(bytes, sourceAt, destinationAt, long, port, services)
  }

  /** HOT: `npm run bench reduce-weir`. Valid until the next call. */
  pair(source: number, destination: number, reporter: Reporter, protocol: number, endpoints = 0): Pair {
    return this.#cache.entry(source, destination, (protocol << PROTOCOL_SHIFT) | reporter, endpoints) as Pair
  }

  /** A pair of dropped packets: verdict DROPPED, reporter node. Valid until the next call. */
  droppedPair(source: number, destination: number, protocol: number, endpoints = 0): Pair {
    return this.#cache.entry(
      source,
      destination,
      (protocol << PROTOCOL_SHIFT) | DROPPED | Reporter.node,
      endpoints,
    ) as Pair
  }

  /** HOT: `npm run bench reduce-weir` */
  traffic(pair: Pair, packets: number, bytes: number): void {
    this.#store.add(this.#slot(pair, Column.packets), packets)
    this.#store.add(this.#slot(pair, Column.bytes), bytes)
    if (this.#interZone) this.#store.add(this.#slot(pair, Column.interZone), bytes)
  }

  /** HOT: one packet of `bytes`: traffic and size together; `npm run bench reduce-weir`. */
  packet(pair: Pair, bytes: number): void {
    const { cells } = this.#cache
    const at = pair * WIDTH
    const packets = cells[at + Column.packets]!
    const octets = cells[at + Column.bytes]!
    const size = cells[at + Column.size]!
    if (packets === UNSET || octets === UNSET || size === UNSET || this.#interZone) {
      this.traffic(pair, 1, bytes)
      this.sizes(pair, sizeClass(bytes), 1, bytes)
      return
    }
    const { values } = this.#store
    values[packets]! += 1
    values[octets]! += bytes
    values[size + sizeClass(bytes)]! += 1
    values[size + SIZE_CLASSES.length + 1]! += bytes
  }

  /** HOT: packets of one size class; `npm run bench reduce-weir`. */
  sizes(pair: Pair, sizeClass: number, packets: number, bytes: number): void {
    this.#packetSize.observeBucket(this.#slot(pair, Column.size), sizeClass, packets, bytes)
  }

  /** TCP segments with a control flag, by TcpFlagLane. */
  flag(pair: Pair, lane: number, segments: number): void {
    this.#store.add(this.#slot(pair, Column.flags + lane), segments)
  }

  icmp(pair: Pair, type: number, messages: number): void {
    const cell = this.#detail(pair, type)
    let slot = this.#details.cells[cell]! as Slot
    if (slot === UNSET) {
      const name = icmpTypeName(this.#protocol(pair) === Protocol.icmpv6, type)
      slot = this.#families.slot('icmpMessages', this.#labelSource(pair), [this.#reporter(pair), name])
      this.#details.cells[cell] = slot
    }
    this.#store.add(slot, messages)
  }

  opened(pair: Pair, connections: number): void {
    this.#store.add(this.#slot(pair, Column.opened), connections)
  }

  closed(pair: Pair, ending: number, connections: number): void {
    this.#store.add(this.#slot(pair, Column.closed + ending), connections)
  }

  /** Connections opened (positive) or closed (negative). */
  active(pair: Pair, change: number): void {
    this.#store.add(this.#slot(pair, Column.active), change)
    this.#store.add(this.#slot(pair, Column.open), change)
  }

  handshake(pair: Pair, ns: number, peers: Peers): void {
    this.#observe('tcpHandshake', this.#slot(pair, Column.handshake), ns, peers)
  }

  /** A connection closed after `ns`, having transferred `bytes` in both directions. */
  lifetime(pair: Pair, ns: number, bytes: number, peers: Peers): void {
    this.#observe('connectionDuration', this.#slot(pair, Column.duration), ns, peers)
    this.#family('connectionBytes').observe(this.#slot(pair, Column.transferred), bytes)
  }

  dropped(pair: Pair, reason: string, packets: number, bytes: number): void {
    const cell = this.#detail(pair, this.#reasonNumber(reason))
    const { cells } = this.#details
    if (cells[cell] === UNSET) {
      const own = [this.#reporter(pair), reason, this.#protocolName(pair)]
      cells[cell] = this.#families.slot('dropPackets', this.#labelSource(pair), own)
      cells[cell + 1] = this.#families.slot('dropBytes', this.#labelSource(pair), own)
    }
    this.#store.add(cells[cell]! as Slot, packets)
    this.#store.add(cells[cell + 1]! as Slot, bytes)
    this.traffic(pair, packets, bytes)
  }

  /** HOT: a policy verdict; `match` is 0 to 7, `action` one of Action. `npm run bench reduce-weir` */
  verdict(pair: Pair, ingress: boolean, match: number, action: number): void {
    const detail = VERDICT | (ingress ? 1 << DIRECTION_SHIFT : 0) | (match << MATCH_SHIFT) | action
    const cell = this.#detail(pair, detail)
    let slot = this.#details.cells[cell]! as Slot
    if (slot === UNSET) {
      const own = [ingress ? 'ingress' : 'egress', MATCHES[match]!, ACTIONS[action]!]
      slot = this.#families.slot('policyVerdicts', this.#labelSource(pair), own)
      this.#details.cells[cell] = slot
    }
    this.#store.add(slot, 1)
  }

  /** The enabled families. */
  families(): readonly Family[] {
    return this.#families.enabledFamilies()
  }

  /** Names changed: drops all cached slots and rebuilds the gauge of open connections. */
  invalidate(): void {
    this.#cache.clear()
    this.#details.clear()
    this.#packetEndpoints?.clear()
    this.#rebuildActive()
  }

  /** Switches to another configuration. Earlier counts stay. */
  apply(config: MetricsConfig): void {
    this.#families.apply(config)
    const fields = this.#families.packetFields()
    this.#packetEndpoints = fields && new PacketEndpoints(fields)
    this.#interZone = this.#families.enabled('interZoneBytes')
    this.invalidate()
  }

  /** Removes flow series unchanged for `ttlMs` (0: none). Changes are noticed by these passes alone. */
  expire(ttlMs: number): void {
    const expired = ttlMs > 0 ? this.#store.expire(this.#families.families(), ttlMs) : undefined
    for (const slots of [expired, this.#open.expire()]) if (slots !== undefined) this.#evictSlots(slots)
    if (this.#family('connectionsActive').staleOverflow !== undefined) this.#rebuildActive()
  }

  /** Removes the series that name one of these deleted pods. Connections still open are added to the gauge again. */
  removePods(pods: readonly PodId[]): void {
    const stale = this.#store.removeWhere(this.#families.families(), ({ metric }) => selectorOf(metric.labels, pods))
    if (stale === undefined) return
    this.#evictSlots(stale)
    this.#rebuildActive()
  }

  /** Sets the budgets, by family name. Label sets in an overflow series get a series of their own if there is room now. */
  setBudgets(budgetOf: (name: string) => number): void {
    this.#store.setBudgets(budgetOf)
    this.invalidate()
  }

  /** Sets the gauge from the connections open now. */
  #rebuildActive(): void {
    const gauge = this.#family('connectionsActive')
    for (let series = 0; series < gauge.size; series++) this.#store.set(gauge.slot(series), 0)
    this.#open.each((from, protocol, connections) => {
      this.#store.add(this.#families.slot('connectionsActive', from, [from.reporter, protocol]), connections)
    })
  }

  #evictSlots(stale: StaleSlots): void {
    this.#cache.evictSlots(stale)
    this.#details.evictSlots(stale)
  }

  #slot(pair: Pair, column: number): Slot {
    const cell = pair * WIDTH + column
    const slot = this.#cache.cells[cell]!
    if (slot !== UNSET) return slot as Slot
    const found = this.#lookUp(pair, column)
    this.#cache.cells[cell] = found
    return found
  }

  #lookUp(pair: Pair, column: number): Slot {
    const from = this.#labelSource(pair)
    const protocol = this.#protocolName(pair)
    if (column === Column.open) return this.#open.slot(from, protocol)
    if (column === Column.interZone) return this.#interZoneSlot(from)
    const { family, own } = seriesOf(column, from.reporter, this.#verdict(pair), protocol)
    return this.#families.slot(family, from, own)
  }

  /** Counts each packet once: at its sender. */
  #interZoneSlot(from: LabelSource): Slot {
    const source = this.#entities.zone(from.source)
    const destination = this.#entities.zone(from.destination)
    const counts = from.reporter === 'source' && source !== '' && destination !== '' && source !== destination
    return counts ? this.#families.slot('interZoneBytes', from, [source, destination]) : this.#families.sink
  }

  /** Skips the sink: nothing there is exposed, so it needs no exemplar. */
  #observe(name: 'tcpHandshake' | 'connectionDuration', slot: Slot, ns: number, peers: Peers): void {
    if (slot !== this.#families.sink) this.#family(name).observeOf(slot, ns * NS, peers)
  }

  /** First cell of a pair's ICMP type, drop reason or policy verdict. */
  #detail(pair: Pair, detail: number): number {
    const cache = this.#cache
    const kind = cache.kind(pair) | (detail << DETAIL_SHIFT)
    const entry = this.#details.entry(cache.source(pair), cache.destination(pair), kind, cache.endpoints(pair))
    return entry * (KEY + DETAIL_COLUMNS) + KEY
  }

  #reasonNumber(reason: string): number {
    const known = this.#reasons.get(reason)
    if (known !== undefined) return known
    const number = Math.min(this.#reasons.size, REASONS_MAX)
    if (number < REASONS_MAX) this.#reasons.set(reason, number)
    return number
  }

  #family(name: FlowName): Family {
    return this.#families.family(name)
  }

  /** Where a pair's label values come from. */
  #labelSource(pair: Pair): LabelSource {
    const endpoints = this.#cache.endpoints(pair)
    return {
      source: this.#cache.source(pair),
      destination: this.#cache.destination(pair),
      reporter: this.#reporter(pair),
      sourceIp: this.#packetEndpoints?.sourceIp(endpoints) ?? '',
      destinationIp: this.#packetEndpoints?.destinationIp(endpoints) ?? '',
      destinationPort: this.#packetEndpoints?.destinationPort(endpoints) ?? '',
      sourceService: this.#packetEndpoints?.sourceService(endpoints) ?? 0,
      destinationService: this.#packetEndpoints?.destinationService(endpoints) ?? 0,
    }
  }

  #protocol(pair: Pair): number {
    return this.#cache.kind(pair) >> PROTOCOL_SHIFT
  }

  #protocolName(pair: Pair): string {
    const protocol = this.#protocol(pair)
    return protocol === UNKNOWN_PROTOCOL ? 'unknown' : protocolName(protocol)
  }

  #reporter(pair: Pair): LabelSource['reporter'] {
    return REPORTERS[this.#cache.kind(pair) & 3]!
  }

  #verdict(pair: Pair): string {
    return this.#cache.kind(pair) & DROPPED ? 'DROPPED' : 'FORWARDED'
  }
}

/** As bpf/connection.h size_class. */
export function sizeClass(bytes: number): number {
  if (bytes <= SIZE_CLASSES[2]) return bytes <= SIZE_CLASSES[0] ? 0 : bytes <= SIZE_CLASSES[1] ? 1 : 2
  if (bytes <= SIZE_CLASSES[4]) return bytes <= SIZE_CLASSES[3] ? 3 : 4
  return bytes <= SIZE_CLASSES[5] ? 5 : bytes <= SIZE_CLASSES[6] ? 6 : 7
}
