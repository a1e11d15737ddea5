// SPDX-License-Identifier: Apache-2.0
/**
 * observer.ts - Hubble's observer over the ring: status, nodes, namespaces, and queries for flows and raw records.
 *
 * In:    the ring; its flows; the node's name; requests in the protobuf library's form.
 * Out:   answers in the same form.
 * Fail:  an invalid request throws an Error that says why.
 * Never: decodes a record before a client asks for it.
 */
import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import type { Flow } from '../flow/flow.js'
import { flowTime, flowTimeOfMs } from '../flow/time.js'
import { compileFilters } from '../observe/filter/filter.js'
import type { FlowFilter } from '../observe/filter/flow-filter.js'
import { responseOf } from '../observe/response.js'
import { Cursor, type Item, type Selection } from './cursor.js'
import { compileMask } from './mask.js'
import { encodeResponse, type Message, type Timestamp, unixTime } from './message.js'
import type { Api } from './proto.js'
import type { RecordRing } from './record-ring.js'
import type { RingFlows } from './ring-flows.js'

export interface ObserverOptions {
  readonly ring: RecordRing
  readonly flows: RingFlows
  readonly nodeName: string
  /** Weir's version, like `0.1.0`. */
  readonly version: string
  /** Status lines that Hubble's status lacks: names and values in display order. */
  readonly extraStatus?: () => readonly (readonly [string, string])[]
}

/** The fields that all requests for events share. */
export interface EventsRequest {
  readonly number?: string
  readonly first?: boolean
  readonly follow?: boolean
  readonly since?: Timestamp
  readonly until?: Timestamp
}

interface FieldMask {
  readonly paths?: readonly string[]
}

export interface FlowsRequest extends EventsRequest {
  readonly whitelist?: readonly FlowFilter[]
  readonly blacklist?: readonly FlowFilter[]
  readonly field_mask?: FieldMask
  readonly experimental?: { readonly field_mask?: FieldMask }
}

const RATE_SECONDS = 60
const NS_PER_MS = 1_000_000
const NODE_CONNECTED = 1
/** Records read before yielding to the event loop, about a millisecond. */
const RECORDS_PER_SLICE = 128

/** A cursor, and the function that makes a message of each of its items. */
export interface Query<T> {
  readonly cursor: Cursor<T>
  readonly message: (item: Item<T>) => Message
}

export class Observer {
  /** Records that readers lost because they were too slow. */
  lost = 0
  readonly ring: RecordRing
  readonly #flows: RingFlows
  readonly #options: ObserverOptions
  readonly #startedMs = performance.now()

  constructor(options: ObserverOptions) {
    this.#options = options
    this.ring = options.ring
    this.#flows = options.flows
  }

  /** What `hubble status` prints. */
  status(): Message {
    const { version } = this.#options
    return { ...this.#ringCounts(), version: `weir v${version}`, flows_rate: this.#rate() }
  }

  /** What `weir status` prints in addition. */
  extraStatus(): Message {
    return { lines: (this.#options.extraStatus?.() ?? []).map(([name, value]) => ({ name, value })) }
  }

  /** The list of nodes: only this one, reachable at `address`. */
  nodes(address: string): Message {
    const { nodeName, version } = this.#options
    const node = { name: nodeName, version: `weir v${version}`, address, state: NODE_CONNECTED, ...this.#ringCounts() }
    return { nodes: [node] }
  }

  /** Namespaces of the flows in the ring, each with its cluster. */
  async namespaces(signal: AbortSignal): Promise<Message> {
    const found = new Map<string, { cluster: string; namespace: string }>()
    const end = this.ring.next
    for (let sequence = this.ring.first; sequence < end && !signal.aborted; sequence++) {
      sequence = Math.max(sequence, this.ring.first)
      const flow = this.#flows.read(sequence)
      for (const { cluster_name: cluster = '', namespace = '' } of [flow?.source ?? {}, flow?.destination ?? {}]) {
        if (namespace !== '') found.set(`${cluster}/${namespace}`, { cluster, namespace })
      }
      if (sequence % RECORDS_PER_SLICE === 0) await yieldToEventLoop()
    }
    const known = new Set([...found.values()].map(({ cluster, namespace }) => (cluster === '' ? '' : namespace)))
    // An endpoint without a cluster label does not list its namespace a second time.
    const all = [...found].filter(([, { cluster, namespace }]) => cluster !== '' || !known.has(namespace))
    return { namespaces: all.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, namespace]) => namespace) }
  }

  getFlows(request: FlowsRequest, fields: Api['fields']): Query<Flow> {
    const { whitelist = [], blacklist = [] } = request
    const admits = compileFilters(whitelist, blacklist)
    const paths = request.field_mask?.paths ?? request.experimental?.field_mask?.paths ?? []
    const mask = compileMask(paths, fields) ?? (flow => flow)
    const read = (sequence: number): Flow | undefined => {
      const flow = this.#flows.read(sequence)
      return flow !== undefined && admits(flow) ? flow : undefined
    }
    return {
      cursor: new Cursor(this.ring, read, selection(request)),
      message: item =>
        'found' in item ? encodeResponse(responseOf(mask(item.found))) : this.#lostMessage(item.lost, item.sequence),
    }
  }

  /** Raw records; a record's item is its sequence number. */
  getRecords(request: EventsRequest): Query<number> {
    const { ring } = this
    return {
      cursor: new Cursor(ring, sequence => sequence, selection(request)),
      message: item => {
        if ('lost' in item)
          return { lost: this.#countLost(item.lost, item.sequence), time: timeOf(ring, item.sequence) }
        const { buffer } = ring.view
        // A copy: the library may send it after the ring has overwritten the record.
        const record = Buffer.from(Buffer.from(buffer, ring.at(item.found), ring.size(item.found)))
        return { record, time: timeOf(ring, item.found) }
      },
    }
  }

  #lostMessage(lost: number, sequence: number | undefined): Message {
    const inKernel = sequence !== undefined
    const time = inKernel
      ? flowTime(this.ring.seconds(sequence), this.ring.nanoseconds(sequence))
      : flowTimeOfMs(Date.now())
    const lost_events = {
      source: inKernel ? 'PERF_EVENT_RING_BUFFER' : 'HUBBLE_RING_BUFFER',
      num_events_lost: String(this.#countLost(lost, sequence)),
    } as const
    return encodeResponse({ lost_events, node_name: this.#options.nodeName, time })
  }

  /** Counts only what a reader missed: losses in the kernel have their own counter. */
  #countLost(records: number, sequence: number | undefined): number {
    if (sequence === undefined) this.lost += records
    return records
  }

  #ringCounts(): Message {
    const { ring } = this
    const uptime_ns = String(Math.round((performance.now() - this.#startedMs) * NS_PER_MS))
    return { num_flows: ring.length, max_flows: ring.capacity, seen_flows: ring.seen, uptime_ns }
  }

  /** Flows per second over the last minute, or over the part of it that the ring covers. */
  #rate(): number {
    const { ring } = this
    const now = Date.now() / 1000
    const time = (sequence: number) => ring.seconds(sequence) + ring.nanoseconds(sequence) / 1e9
    let sequence = ring.next
    while (sequence > ring.first && now - time(sequence - 1) <= RATE_SECONDS) sequence--
    const span = sequence > ring.first || sequence === ring.next ? RATE_SECONDS : now - time(sequence)
    return span > 0 ? (ring.next - sequence) / span : 0
  }
}

function selection({ number = '0', first = false, follow = false, since, until }: EventsRequest): Selection {
  if (first && follow) throw new Error('first cannot be together with follow')
  return {
    number: Number(number),
    first,
    follow,
    since: since === undefined ? undefined : unixTime(since),
    until: until === undefined ? undefined : unixTime(until),
  }
}

/** The time of an entry, or now. */
function timeOf(ring: RecordRing, sequence: number | undefined): Timestamp {
  if (sequence !== undefined) return { seconds: ring.seconds(sequence), nanos: ring.nanoseconds(sequence) }
  const ms = Date.now()
  return { seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * NS_PER_MS }
}
