/**
 * observer.ts - Hubble's observer over the ring: status, namespaces, and what a request for flows asks for.
 *
 * In:    the ring; its flows; the node's name; requests as the protobuf library gives them.
 * Out:   messages for it.
 * Fail:  a request that asks for the impossible throws an Error that says what is allowed.
 *        Never looks at a record before somebody asks.
 */
import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import type { Flow } from '../flow/flow.js'
import { flowTime, flowTimeOfMs } from '../flow/time.js'
import { compileFilters } from '../observe/filter/filter.js'
import type { FlowFilter } from '../observe/filter/flow-filter.js'
import { responseOf } from '../observe/response.js'
import { Cursor, type Selection, type Step } from './cursor.js'
import { compileMask } from './mask.js'
import { encodeResponse, type Message, type Timestamp, unixTime } from './message.js'
import type { Api } from './proto.js'
import type { RecordRing } from './record-ring.js'
import type { RingFlows } from './ring-flows.js'

export interface ObserverOptions {
  readonly ring: RecordRing
  readonly flows: RingFlows
  readonly nodeName: string
  /** Of Weir, as `0.1.0`. */
  readonly version: string
  /** What else there is to know of this Weir: names and values, in the order in which they are shown. */
  readonly rows?: () => readonly (readonly [string, string])[]
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
/** Records looked at between two turns of the event loop, about a millisecond. */
const RECORDS_PER_SLICE = 128

export class Observer {
  /** Records that readers were told to have lost because they were slow. */
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

  /** What `hubble status` shows. */
  status(): Message {
    const { version } = this.#options
    return { ...this.#ringCounts(), version: `weir v${version}`, flows_rate: this.#rate() }
  }

  /** What `weir status` shows besides. */
  rows(): Message {
    return { rows: (this.#options.rows?.() ?? []).map(([name, value]) => ({ name, value })) }
  }

  /** The nodes: this one. `address` is where it can be reached. */
  nodes(address: string): Message {
    const { nodeName, version } = this.#options
    const node = { name: nodeName, version: `weir v${version}`, address, state: NODE_CONNECTED, ...this.#ringCounts() }
    return { nodes: [node] }
  }

  /** Namespaces of the flows that are held, each with its cluster. */
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
    // An endpoint whose labels do not name the cluster is no namespace more.
    const all = [...found].filter(([, { cluster, namespace }]) => cluster !== '' || !known.has(namespace))
    return { namespaces: all.sort(([a], [b]) => (a < b ? -1 : 1)).map(([, namespace]) => namespace) }
  }

  /** A cursor on the wanted flows, and the message of each of its finds. */
  getFlows(request: FlowsRequest, fields: Api['fields']) {
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
      message: (step: Exclude<Step<Flow>, string>) =>
        'found' in step ? encodeResponse(responseOf(mask(step.found))) : this.#lostMessage(step.lost, step.sequence),
    }
  }

  /** A cursor on raw records, and the message of each of its finds. */
  getRecords(request: EventsRequest) {
    const { ring } = this
    return {
      cursor: new Cursor(ring, sequence => sequence, selection(request)),
      message: (step: Exclude<Step<number>, string>): Message => {
        if ('lost' in step)
          return { lost: this.#countLost(step.lost, step.sequence), time: timeOf(ring, step.sequence) }
        const { buffer } = ring.view
        // A copy: the library may write it when the ring has gone on.
        const record = Buffer.from(Buffer.from(buffer, ring.at(step.found), ring.size(step.found)))
        return { record, time: timeOf(ring, step.found) }
      },
    }
  }

  #lostMessage(lost: number, sequence: number | undefined): Message {
    const own = sequence !== undefined
    const time = own ? flowTime(this.ring.seconds(sequence), this.ring.nanoseconds(sequence)) : flowTimeOfMs(Date.now())
    const lost_events = {
      source: own ? 'PERF_EVENT_RING_BUFFER' : 'HUBBLE_RING_BUFFER',
      num_events_lost: String(this.#countLost(lost, sequence)),
    } as const
    return encodeResponse({ lost_events, node_name: this.#options.nodeName, time })
  }

  /** Only what a reader missed is counted here: the kernel's losses have their own counter. */
  #countLost(records: number, sequence: number | undefined): number {
    if (sequence === undefined) this.lost += records
    return records
  }

  #ringCounts(): Message {
    const { ring } = this
    const uptime_ns = String(Math.round((performance.now() - this.#startedMs) * NS_PER_MS))
    return { num_flows: ring.length, max_flows: ring.capacity, seen_flows: ring.seen, uptime_ns }
  }

  /** Flows a second over the last minute, or over what is held of it. */
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

function timeOf(ring: RecordRing, sequence: number | undefined): Timestamp {
  if (sequence !== undefined) return { seconds: ring.seconds(sequence), nanos: ring.nanoseconds(sequence) }
  const ms = Date.now()
  return { seconds: Math.floor(ms / 1000), nanos: (ms % 1000) * NS_PER_MS }
}
