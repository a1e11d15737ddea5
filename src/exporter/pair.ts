/**
 * pair.ts - the slots of one source, destination, reporter and protocol: its counters, found once.
 *
 * In:    entities by row number, reporter and protocol; increments by family.
 * Out:   additions to the series store.
 * Never: builds a label for an increment that was made before, until the memo forgets.
 */
import { SIZE_CLASSES } from '../datapath/abi.js'
import type { Entities } from '../datapath/entities.js'
import { icmpTypeName, protocolName } from '../datapath/protocol.js'
import { FLOW_METRICS, M } from './catalog.js'
import type { Family, Slot } from './family.js'
import { DEFAULT_LIMIT, Memo, UNSET } from './memo.js'
import type { GoneSlots, SeriesStore } from './series.js'

/** Who saw the packet, in the order of the bits in a row's kind. */
export const Reporter = { source: 0, destination: 1, uplink: 2, node: 3 } as const
export type Reporter = (typeof Reporter)[keyof typeof Reporter]
const REPORTERS = ['source', 'destination', 'uplink', 'node'] as const

const FLAGS = ['SYN', 'SYN-ACK', 'FIN', 'RST'] as const

/** How a connection ended, in the order of its columns. */
export const Ending = { fin: 0, reset: 1, timeout: 2 } as const
const ENDINGS = ['fin', 'reset', 'timeout'] as const

/** Columns of a memo row: one slot each, looked up by name when first needed. */
const Column = {
  packets: 0,
  bytes: 1,
  size: 2,
  flags: 3,
  opened: 7,
  closed: 8,
  active: 11,
  handshake: 12,
  duration: 13,
  carried: 14,
} as const
const COLUMNS = 15

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
  readonly #memo: Memo
  readonly #details: Memo
  readonly #reasons = new Map<string, number>()
  readonly #packetSize: Family

  /** `limit`: rows that the memos keep; 25 MB at the default. */
  constructor(store: SeriesStore, entities: Entities, limit = DEFAULT_LIMIT) {
    this.#store = store
    this.#memo = new Memo(COLUMNS, limit)
    this.#details = new Memo(2, limit)
    this.#entities = entities
    this.#packetSize = store.family(M.packetSize)
  }

  /** HOT: `npm run bench reduce-weir`. Valid until the next call. */
  pair(source: number, destination: number, reporter: Reporter, protocol: number): Pair {
    return this.#memo.row(source, destination, (protocol << PROTOCOL_SHIFT) | reporter) as Pair
  }

  /** Packets that did not arrive: verdict DROPPED. */
  droppedPair(source: number, destination: number, protocol: number): Pair {
    return this.#memo.row(source, destination, (protocol << PROTOCOL_SHIFT) | DROPPED | Reporter.node) as Pair
  }

  /** HOT: `npm run bench reduce-weir` */
  traffic(pair: Pair, packets: number, bytes: number): void {
    this.#store.add(this.#slot(pair, Column.packets), packets)
    this.#store.add(this.#slot(pair, Column.bytes), bytes)
  }

  /** HOT: one packet of `bytes`: traffic and size at once; `npm run bench reduce-weir`. */
  packet(pair: Pair, bytes: number): void {
    const { cells } = this.#memo
    const at = pair * COLUMNS
    const packets = cells[at + Column.packets]!
    const octets = cells[at + Column.bytes]!
    const size = cells[at + Column.size]!
    if (packets === UNSET || octets === UNSET || size === UNSET) {
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
      slot = this.#family('icmpMessages').series([...this.#ends(pair), this.#reporter(pair), name])
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
  }

  handshake(pair: Pair, ns: number): void {
    this.#family('tcpHandshake').observe(this.#slot(pair, Column.handshake), ns * NS)
  }

  /** A connection ended after `ns`, having carried `bytes` in both directions. */
  lifetime(pair: Pair, ns: number, bytes: number): void {
    this.#family('connectionDuration').observe(this.#slot(pair, Column.duration), ns * NS)
    this.#family('connectionBytes').observe(this.#slot(pair, Column.carried), bytes)
  }

  dropped(pair: Pair, reason: string, packets: number, bytes: number): void {
    const cell = this.#detail(pair, this.#reasonNumber(reason))
    const { cells } = this.#details
    if (cells[cell] === UNSET) {
      const labels = [...this.#ends(pair), this.#reporter(pair), reason, this.#protocolName(pair)]
      cells[cell] = this.#family('dropPackets').series(labels)
      cells[cell + 1] = this.#family('dropBytes').series(labels)
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
      const labels = [...this.#ends(pair), ingress ? 'ingress' : 'egress', MATCHES[match]!, ACTIONS[action]!]
      slot = this.#family('policyVerdicts').series(labels)
      this.#details.cells[cell] = slot
    }
    this.#store.add(slot, 1)
  }

  /** Names changed: find every slot anew. */
  forget(): void {
    this.#memo.clear()
    this.#details.clear()
  }

  /** Remove flow series that did not change for `ttlMs`, as far as these sweeps saw. */
  sweep(ttlMs: number): void {
    const gone = this.#store.sweep(
      FLOW_METRICS.map(metric => this.#store.family(metric)),
      ttlMs,
    )
    if (gone !== undefined) this.#forgetSlots(gone)
  }

  /** Other budgets, by family name. What is in an overflow series finds a series of its own where there is room now. */
  setBudgets(budgetOf: (name: string) => number): void {
    this.#store.setBudgets(budgetOf)
    this.forget()
  }

  #forgetSlots(gone: GoneSlots): void {
    this.#memo.forgetSlots(gone)
    this.#details.forgetSlots(gone)
  }

  #slot(pair: Pair, column: number): Slot {
    const cell = pair * COLUMNS + column
    const slot = this.#memo.cells[cell]!
    if (slot !== UNSET) return slot as Slot
    const made = this.#make(pair, column)
    this.#memo.cells[cell] = made
    return made
  }

  #make(pair: Pair, column: number): Slot {
    const ends = [...this.#ends(pair), this.#reporter(pair)]
    const protocol = this.#protocolName(pair)
    if (column === Column.packets) return this.#family('flowPackets').series([...ends, this.#verdict(pair), protocol])
    if (column === Column.bytes) return this.#family('flowBytes').series([...ends, this.#verdict(pair), protocol])
    if (column === Column.size) return this.#packetSize.series(ends)
    if (column < Column.opened) return this.#family('tcpFlags').series([...ends, FLAGS[column - Column.flags]!])
    if (column === Column.opened) return this.#family('connectionsOpened').series([...ends, protocol])
    if (column < Column.active) {
      return this.#family('connectionsClosed').series([...ends, protocol, ENDINGS[column - Column.closed]!])
    }
    if (column === Column.active) return this.#family('connectionsActive').series([...ends, protocol])
    if (column === Column.handshake) return this.#family('tcpHandshake').series(ends)
    if (column === Column.duration) return this.#family('connectionDuration').series(ends)
    return this.#family('connectionBytes').series(ends)
  }

  /** First cell of a pair's ICMP type or drop reason. */
  #detail(pair: Pair, detail: number): number {
    const memo = this.#memo
    return 2 * this.#details.row(memo.source(pair), memo.destination(pair), memo.kind(pair) | (detail << DETAIL_SHIFT))
  }

  #reasonNumber(reason: string): number {
    const known = this.#reasons.get(reason)
    if (known !== undefined) return known
    const number = Math.min(this.#reasons.size, REASONS_MAX)
    if (number < REASONS_MAX) this.#reasons.set(reason, number)
    return number
  }

  #family(name: keyof typeof M): Family {
    return this.#store.family(M[name])
  }

  #ends(pair: Pair): string[] {
    const source = this.#memo.source(pair)
    const destination = this.#memo.destination(pair)
    const entities = this.#entities
    return [
      entities.namespace(source),
      entities.workload(source),
      entities.namespace(destination),
      entities.workload(destination),
    ]
  }

  #protocol(pair: Pair): number {
    return this.#memo.kind(pair) >> PROTOCOL_SHIFT
  }

  #protocolName(pair: Pair): string {
    const protocol = this.#protocol(pair)
    return protocol === UNKNOWN_PROTOCOL ? 'unknown' : protocolName(protocol)
  }

  #reporter(pair: Pair): string {
    return REPORTERS[this.#memo.kind(pair) & 3]!
  }

  #verdict(pair: Pair): string {
    return this.#memo.kind(pair) & DROPPED ? 'DROPPED' : 'FORWARDED'
  }
}

/** As bpf/connection.h size_class. */
export function sizeClass(bytes: number): number {
  if (bytes <= SIZE_CLASSES[2]) return bytes <= SIZE_CLASSES[0] ? 0 : bytes <= SIZE_CLASSES[1] ? 1 : 2
  if (bytes <= SIZE_CLASSES[4]) return bytes <= SIZE_CLASSES[3] ? 3 : 4
  return bytes <= SIZE_CLASSES[5] ? 5 : bytes <= SIZE_CLASSES[6] ? 6 : 7
}
