/**
 * pair.ts - the slots of one source, destination, reporter and protocol: its counters, found once.
 *
 * In:    entities by row number, reporter and protocol; increments by family.
 * Out:   additions to the series store.
 * Never: builds a label for an increment that was made before, until the memo forgets.
 */

import type { Entities } from '../../datapath/identity/entities.js'
import { SIZE_CLASSES } from '../../datapath/record/abi.js'
import { icmpTypeName, protocolName } from '../../datapath/record/protocol.js'
import type { FlowName } from '../catalog/flow-catalog.js'
import type { Peers } from '../series/exemplar.js'
import type { Family, Slot } from '../series/family.js'
import type { SeriesStore, StaleSlots } from '../series/series.js'
import { Cache, DEFAULT_LIMIT, KEY, UNSET } from './cache.js'
import { type PodId, selectorOf } from './deleted-pods.js'
import { FlowFamilies } from './flow-families.js'
import type { LabelSource } from './flow-labels.js'
import { DEFAULT_METRICS, type MetricsConfig } from './metrics-config.js'
import { OpenConnections } from './open-connections.js'
import { PacketEndpoints } from './packet-endpoints.js'

/** Who saw the packet, in the order of the bits in a row's kind. */
export const Reporter = { source: 0, destination: 1, uplink: 2, node: 3 } as const
export type Reporter = (typeof Reporter)[keyof typeof Reporter]
const REPORTERS = ['source', 'destination', 'uplink', 'node'] as const

const FLAGS = ['SYN', 'SYN-ACK', 'FIN', 'RST'] as const

/** How a connection ended, in the order of its columns. */
export const CloseReason = { fin: 0, reset: 1, timeout: 2 } as const
const CLOSE_REASONS = ['fin', 'reset', 'timeout'] as const

/** Cells of a memo row: one slot each behind its key, looked up by name when first needed. */
const Column = {
  packets: KEY,
  bytes: KEY + 1,
  size: KEY + 2,
  flags: KEY + 3,
  opened: KEY + 7,
  closed: KEY + 8,
  active: KEY + 11,
  handshake: KEY + 12,
  duration: KEY + 13,
  carried: KEY + 14,
  open: KEY + 15,
  interZone: KEY + 16,
} as const
const WIDTH = KEY + 17
/** Of the memo of details: packets or messages, and bytes. */
const DETAIL_COLUMNS = 2

/** Verdicts by what was matched (PolicyVerdictNotify's flags), and by what was done. */
const MATCHES = ['none', 'l3-only', 'l3-l4', 'l4-only', 'all', 'l3-proto', 'proto-only', 'unknown'] as const
export const Action = { forwarded: 0, dropped: 1, redirected: 2, audit: 3 } as const
const ACTIONS = ['forwarded', 'dropped', 'redirected', 'audit'] as const

/** A row's kind: protocol, whether dropped, reporter; in `#details` a detail above them. */
const DROPPED = 1 << 2
const PROTOCOL_SHIFT = 3
const DETAIL_SHIFT = 12
/** Reasons with a number of their own; later ones share the last. A kernel has about 150. */
const REASONS_MAX = 4096
/** A verdict as a detail: above the ICMP types, with direction, match and action in its low bits. */
const VERDICT = 1 << 8
const DIRECTION_SHIFT = 5
const MATCH_SHIFT = 2
/** In place of a protocol number, where the datapath kept none. */
export const UNKNOWN_PROTOCOL = 256
const ICMPV6 = 58
const NS = 1e-9

/** A row of the memo. */
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

  /** `limit`: rows that the memos keep; 33 MB at the default. */
  constructor(store: SeriesStore, entities: Entities, limit = DEFAULT_LIMIT) {
    this.#store = store
    this.#cache = new Cache(WIDTH - KEY, limit)
    this.#details = new Cache(DETAIL_COLUMNS, limit)
    this.#entities = entities
    this.#families = new FlowFamilies(store, entities, DEFAULT_METRICS)
    this.#open = new OpenConnections(store)
    this.#packetSize = this.#families.family('packetSize')
  }

  /** Whether a label asks for addresses or ports of packets: without, every packet's ends are 0. */
  get usesPacketFields(): boolean {
    return this.#packetEndpoints !== undefined
  }

  /** A number for what labels ask of a packet, see PacketEnds.number. Valid until the next call. */
  endpoints(bytes: Uint8Array, sourceAt: number, destinationAt: number, long: boolean, port: number): number {
    if (this.#packetEndpoints === undefined) return 0
    if (this.#packetEndpoints.full) this.invalidate()
    return this.#packetEndpoints.number(bytes, sourceAt, destinationAt, long, port)
  }

  /** HOT: `npm run bench reduce-weir`. Valid until the next call. */
  pair(source: number, destination: number, reporter: Reporter, protocol: number, endpoints = 0): Pair {
    return this.#cache.entry(source, destination, (protocol << PROTOCOL_SHIFT) | reporter, endpoints) as Pair
  }

  /** Packets that did not arrive: verdict DROPPED. */
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

  /** HOT: one packet of `bytes`: traffic and size at once; `npm run bench reduce-weir`. */
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

  /** Segments with a control flag, by TcpFlagLane. */
  flag(pair: Pair, lane: number, segments: number): void {
    this.#store.add(this.#slot(pair, Column.flags + lane), segments)
  }

  icmp(pair: Pair, type: number, messages: number): void {
    const cell = this.#detail(pair, type)
    let slot = this.#details.cells[cell]! as Slot
    if (slot === UNSET) {
      const name = icmpTypeName(this.#protocol(pair) === ICMPV6, type)
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

  /** Connections that came (positive) or went (negative). */
  active(pair: Pair, change: number): void {
    this.#store.add(this.#slot(pair, Column.active), change)
    this.#store.add(this.#slot(pair, Column.open), change)
  }

  handshake(pair: Pair, ns: number, peers: Peers): void {
    this.#observe('tcpHandshake', this.#slot(pair, Column.handshake), ns, peers)
  }

  /** A connection ended after `ns`, having carried `bytes` in both directions. */
  lifetime(pair: Pair, ns: number, bytes: number, peers: Peers): void {
    this.#observe('connectionDuration', this.#slot(pair, Column.duration), ns, peers)
    this.#family('connectionBytes').observe(this.#slot(pair, Column.carried), bytes)
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

  /** Those that are on. */
  families(): readonly Family[] {
    return this.#families.enabledFamilies()
  }

  /** Names changed: find every slot anew. */
  invalidate(): void {
    this.#cache.clear()
    this.#details.clear()
    this.#packetEndpoints?.clear()
    this.#rebuildActive()
  }

  /** Another configuration from now on; what was counted under the last one stays counted. */
  apply(config: MetricsConfig): void {
    this.#families.apply(config)
    const asked = this.#families.packetFields()
    this.#packetEndpoints = asked && new PacketEndpoints(asked)
    this.#interZone = this.#families.enabled('interZoneBytes')
    this.invalidate()
  }

  /** Remove flow series that did not change for `ttlMs` (0: none), as far as these sweeps saw. */
  expire(ttlMs: number): void {
    const gone = ttlMs > 0 ? this.#store.expire(this.#families.all(), ttlMs) : undefined
    const closed = this.#open.expire()
    for (const slots of [gone, closed]) if (slots !== undefined) this.#evictSlots(slots)
    if (this.#family('connectionsActive').staleOverflow !== undefined) this.#rebuildActive()
  }

  /** Remove the series that name one of these pods, which are gone; connections that one still has are told again. */
  removePods(pods: readonly PodId[]): void {
    const gone = this.#store.removeWhere(this.#families.all(), family => selectorOf(family.metric.labels, pods))
    if (gone === undefined) return
    this.#evictSlots(gone)
    this.#rebuildActive()
  }

  /** Other budgets, by family name. What is in an overflow series finds a series of its own where there is room now. */
  setBudgets(budgetOf: (name: string) => number): void {
    this.#store.setBudgets(budgetOf)
    this.invalidate()
  }

  /** The gauge anew, from the connections that are open. */
  #rebuildActive(): void {
    const gauge = this.#family('connectionsActive')
    for (let row = 0; row < gauge.size; row++) this.#store.set(gauge.slot(row), 0)
    this.#open.each((endpoints, protocol, connections) => {
      this.#store.add(this.#families.slot('connectionsActive', endpoints, [endpoints.reporter, protocol]), connections)
    })
  }

  #evictSlots(gone: StaleSlots): void {
    this.#cache.evictSlots(gone)
    this.#details.evictSlots(gone)
  }

  #slot(pair: Pair, column: number): Slot {
    const cell = pair * WIDTH + column
    const slot = this.#cache.cells[cell]!
    if (slot !== UNSET) return slot as Slot
    const made = this.#make(pair, column)
    this.#cache.cells[cell] = made
    return made
  }

  #make(pair: Pair, column: number): Slot {
    const endpoints = this.#labelSource(pair)
    const { reporter } = endpoints
    const protocol = this.#protocolName(pair)
    const slot = (name: FlowName, ...own: readonly string[]) => this.#families.slot(name, endpoints, own)
    if (column === Column.packets) return slot('flowPackets', reporter, this.#verdict(pair), protocol)
    if (column === Column.bytes) return slot('flowBytes', reporter, this.#verdict(pair), protocol)
    if (column === Column.size) return slot('packetSize', reporter)
    if (column < Column.opened) return slot('tcpFlags', reporter, FLAGS[column - Column.flags]!)
    if (column === Column.opened) return slot('connectionsOpened', reporter, protocol)
    if (column < Column.active)
      return slot('connectionsClosed', reporter, protocol, CLOSE_REASONS[column - Column.closed]!)
    if (column === Column.active) return slot('connectionsActive', reporter, protocol)
    if (column === Column.handshake) return slot('tcpHandshake', reporter)
    if (column === Column.duration) return slot('connectionDuration', reporter)
    if (column === Column.carried) return slot('connectionBytes', reporter)
    return column === Column.open ? this.#open.slot(endpoints, protocol) : this.#zones(endpoints)
  }

  /** Each packet once: where it leaves its sender. */
  #zones(endpoints: LabelSource): Slot {
    const from = this.#entities.zone(endpoints.source)
    const to = this.#entities.zone(endpoints.destination)
    const counts = endpoints.reporter === 'source' && from !== '' && to !== '' && from !== to
    return counts ? this.#families.slot('interZoneBytes', endpoints, [from, to]) : this.#families.sink
  }

  /** Families that are off have no examples to keep, and the sink none to give. */
  #observe(name: 'tcpHandshake' | 'connectionDuration', slot: Slot, ns: number, peers: Peers): void {
    if (slot !== this.#families.sink) this.#family(name).observeOf(slot, ns * NS, peers)
  }

  /** First cell of a pair's ICMP type or drop reason. */
  #detail(pair: Pair, detail: number): number {
    const cache = this.#cache
    const kind = cache.kind(pair) | (detail << DETAIL_SHIFT)
    const row = this.#details.entry(cache.source(pair), cache.destination(pair), kind, cache.endpoints(pair))
    return row * (KEY + DETAIL_COLUMNS) + KEY
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

  /** What a pair's labels are made from. */
  #labelSource(pair: Pair): LabelSource {
    const endpoints = this.#cache.endpoints(pair)
    return {
      source: this.#cache.source(pair),
      destination: this.#cache.destination(pair),
      reporter: this.#reporter(pair),
      sourceIp: this.#packetEndpoints?.sourceIp(endpoints) ?? '',
      destinationIp: this.#packetEndpoints?.destinationIp(endpoints) ?? '',
      destinationPort: this.#packetEndpoints?.destinationPort(endpoints) ?? '',
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
