// SPDX-License-Identifier: Apache-2.0
/**
 * bypass-check.ts - notices packets that pass a pod without passing the programs at its interface.
 *
 * In:    the records of the live source; the interface of an index, with the time since which both programs are attached.
 * Out:   the interfaces with a direction that Weir does not see. No knowledge of the CNI is needed, and nothing is added
 *        to the packet path.
 * Never: takes asymmetric paths for a bypass: packets that appear in the other direction on another interface, under
 *        another peer address, or with both sides swapped by a pod that forwards, cancel the evidence.
 */
import { Direction, Hook } from '../record/abi.js'
import type { RecordSink } from '../record/decode.js'
import { Protocol } from '../record/protocol.js'
import type { TraceRecord } from '../record/trace-record.js'
import { connectionKey, HASH_VALUES, missingByFlags, NONE, onlyCarried, onlyDirection, ownKey } from './one-way.js'
import { OneWayStreams, STREAM_PACKETS } from './one-way-streams.js'
import { Suspect } from './suspect.js'

export interface WatchedInterface {
  readonly name: string
  /** performance.now() when both programs were attached. */
  readonly attachedMs: number
}

export interface Bypass {
  readonly ifindex: number
  readonly interface: string
  /** The direction that is not seen. */
  readonly direction: BypassDirection
  readonly bypassed: boolean
}

export type BypassDirection = 'from_pod' | 'to_pod'

const ACK = 0x10
const DIRECTIONS = { [Direction.aToB]: 'from_pod', [Direction.bToA]: 'to_pod' } as const
const SIZES = 8
/** Milliseconds after an attach whose connections prove nothing: the two programs are attached one after the other. */
const GRACE_MS = 1000
/** Milliseconds that evidence waits for packets that cancel it. */
const HOLD_MS = 1000
/** Evidence that waits; more is dropped, as few are enough. Each record of a new connection is compared with all of it. */
const MAX_PENDING = 64
/** Recent one-directional records of a direction, a power of two; 64 KiB. A newer one overwrites an older one. */
const RECENT = 8192

interface Evidence {
  readonly ifindex: number
  readonly missing: 0 | 1
  readonly ms: number
  /** Under which packets may cancel it. */
  readonly keys: readonly number[]
  /** Equal for evidence that counts once: the connection's key, or one of its own each time for a stream. */
  readonly proof: number
}

interface Suspicion {
  /** Of the interface: another attachment starts without evidence. */
  readonly attachedMs: number
  /** By the direction that is missing. */
  readonly suspects: readonly [fromPod: Suspect, toPod: Suspect]
}

export class BypassCheck implements RecordSink {
  /** Connections that proved a bypass, by the direction not seen. */
  readonly proofs: Record<BypassDirection, number> = { from_pod: 0, to_pod: 0 }
  readonly #interfaceOf: (ifindex: number) => WatchedInterface | undefined
  readonly #now: () => number
  readonly #suspicions = new Map<number, Suspicion>()
  readonly #pending = new Set<Evidence>()
  readonly #streams = new OneWayStreams()
  /** Keys by the direction with packets. */
  readonly #recent = [new Float64Array(RECENT), new Float64Array(RECENT)] as const
  /** When the last complete flush started: connections from before it have been reported. */
  #flushedMs = Number.NEGATIVE_INFINITY

  /** Evidence from before this time is void. */
  #resetMs = Number.NEGATIVE_INFINITY

  constructor(interfaceOf: (ifindex: number) => WatchedInterface | undefined, now = () => performance.now()) {
    this.#interfaceOf = interfaceOf
    this.#now = now
  }

  /** HOT: every record of the live source. */
  trace(record: TraceRecord): void {
    if (!record.hasExtension || record.hook !== Hook.pod || record.proto !== Protocol.tcp) return
    if (record.seen(0) & record.seen(1) & ACK) this.#complete(record)
    else this.#partial(record)
  }

  drop(): void {}
  verdict(): void {}

  /** A flush that started at `startedMs` has reported every connection. */
  flushed(startedMs: number): void {
    this.#flushedMs = startedMs
  }

  /** Decides about the evidence so far; call it several times a second. Returns what changed. */
  settle(): Bypass[] {
    const ms = this.#now()
    this.#streams.removeIdle(ms)
    if (this.#pending.size === 0 && this.#suspicions.size === 0) return []
    const before = this.list()
    for (const evidence of this.#pending) {
      if (ms - evidence.ms < HOLD_MS) continue
      this.#pending.delete(evidence)
      this.#prove(evidence, ms)
    }
    for (const [ifindex, { attachedMs, suspects }] of this.#suspicions) {
      if (this.#interfaceOf(ifindex)?.attachedMs !== attachedMs) this.#forget(ifindex)
      else for (const suspect of suspects) suspect.review(ms)
    }
    return this.list().filter(now => now.bypassed !== (before.find(each => isSame(each, now))?.bypassed ?? false))
  }

  /** Interfaces and directions that had evidence. */
  list(): Bypass[] {
    return [...this.#suspicions].flatMap(([ifindex, { suspects }]) => {
      const name = this.#interfaceOf(ifindex)?.name
      if (name === undefined) return []
      return suspects.flatMap(({ proofs, bypassed }, missing) =>
        proofs === 0 ? [] : [{ ifindex, interface: name, direction: DIRECTIONS[missing as 0 | 1], bypassed }],
      )
    })
  }

  /** Drops all evidence: the packets in question will be seen from now on. */
  reset(): void {
    this.#resetMs = this.#now()
    this.#suspicions.clear()
    this.#pending.clear()
  }

  /** Both directions have acknowledged something. */
  #complete(record: TraceRecord): void {
    if (this.#pending.size > 0) this.#complement(connectionKey(record), record.ifindex)
    if (this.#suspicions.size > 0 && record.handshakeNs > 0) {
      for (const suspect of this.#suspicions.get(record.ifindex)?.suspects ?? []) suspect.handshake()
    }
    this.#stream(record)
  }

  #partial(record: TraceRecord): void {
    // The entry is deleted: nothing has happened since its last report.
    if (record.timedOut || record.namesEnded) return
    const missing = missingByFlags(record)
    const present = onlyDirection(record)
    if (present !== NONE) this.#note(keysOf(record), present)
    if (missing === NONE) this.#stream(record)
    else this.#suspect(record, missing, connectionKey(record))
  }

  /** Packets of an established connection in one direction only. */
  #stream(record: TraceRecord): void {
    const direction = onlyCarried(record)
    if (direction === NONE) {
      if (this.#streams.size > 0) this.#streams.delete(connectionKey(record))
      return
    }
    let packets = 0
    for (let size = 0; size < SIZES; size++) packets += record.packetCount(direction, size)
    if (packets < STREAM_PACKETS) return
    const key = connectionKey(record)
    this.#note(keysOf(record), direction)
    const times = this.#streams.report(key, direction, this.#now())
    if (times > 0) this.#suspect(record, direction === Direction.aToB ? Direction.bToA : Direction.aToB, key + times)
  }

  /** Remembers a direction with packets, and cancels evidence that it is missing. */
  #note(keys: readonly number[], present: 0 | 1): void {
    for (const key of keys) {
      for (const evidence of this.#pending)
        if (evidence.missing === present && evidence.keys.includes(key)) this.#pending.delete(evidence)
      this.#recent[present][slotOf(key)] = key
    }
  }

  /** The connection is complete after all. */
  #complement(key: number, ifindex: number): void {
    for (const evidence of this.#pending)
      if (evidence.ifindex === ifindex && evidence.keys[0] === key) this.#pending.delete(evidence)
  }

  #suspect(record: TraceRecord, missing: 0 | 1, proof: number): void {
    const watched = this.#interfaceOf(record.ifindex)
    if (watched === undefined || Math.max(watched.attachedMs, this.#resetMs) + GRACE_MS > this.#flushedMs) return
    const keys = keysOf(record)
    // Its own SYN is no sign of another path.
    if (record.seen(missing) === 0 && keys.some(key => this.#recent[missing][slotOf(key)] === key)) return
    if (this.#pending.size >= MAX_PENDING) return
    this.#pending.add({ ifindex: record.ifindex, missing, ms: this.#now(), keys, proof })
  }

  #prove({ ifindex, missing, proof }: Evidence, ms: number): void {
    const attachedMs = this.#interfaceOf(ifindex)?.attachedMs
    if (attachedMs === undefined) return
    let suspicion = this.#suspicions.get(ifindex)
    if (suspicion?.attachedMs !== attachedMs) {
      suspicion = { attachedMs, suspects: [new Suspect(), new Suspect()] }
      this.#suspicions.set(ifindex, suspicion)
    }
    if (suspicion.suspects[missing].prove(proof, ms)) this.proofs[DIRECTIONS[missing]]++
  }

  /** The interface is gone, or was attached again. */
  #forget(ifindex: number): void {
    this.#suspicions.delete(ifindex)
    for (const evidence of this.#pending) if (evidence.ifindex === ifindex) this.#pending.delete(evidence)
  }
}

/** Keys under which the other direction of a connection may appear. */
function keysOf(record: TraceRecord): readonly number[] {
  const connection = connectionKey(record)
  return record.initiator === Direction.aToB ? [connection, ownKey(record)] : [connection]
}

/** Both halves of a connection's key, as all connections of a server have one in common. */
function slotOf(key: number): number {
  return (key ^ (key / HASH_VALUES)) & (RECENT - 1)
}

function isSame(a: Bypass, b: Bypass): boolean {
  return a.ifindex === b.ifindex && a.direction === b.direction
}
