/**
 * counters.ts - what the datapath counts beside its records: totals, and differences for the reduce.
 *
 * In:    per-CPU tables that only grow: counters, overflow, drops_unnamed (bpf/counters.h, overflow.h, drop_table.h).
 * Out:   `totals` by name; calls of a FlowSink with what came since the last time.
 * Never: subtracts in the kernel; a value that was read is never read as less.
 */
import { COUNT, COUNTERS, type Counter, OVERFLOW_KEY } from '../record/abi.js'
import type { BpfObject } from './native.js'
import type { FlowSink } from './source.js'

const U32 = 4_294_967_296
const KEY = 4
/** max_entries of bpf/overflow.h `overflow` and bpf/drop_table.h `drops_unnamed`. */
const OVERFLOW_MAX = 16_384
const REASONS_UNNAMED = 512

export interface Count {
  packets: number
  bytes: number
}

/** UNNAMED_* in the order of SEEN_*: hook, then direction. */
const UNNAMED = ['unnamed_from_pod', 'unnamed_to_pod', 'unnamed_uplink_out', 'unnamed_uplink_in'] as const

export class Counters {
  readonly totals = Object.fromEntries(COUNTERS.map(name => [name, { packets: 0, bytes: 0 }])) as Record<Counter, Count>
  readonly #object: BpfObject
  readonly #cpus: number
  readonly #buffer: Uint8Array
  readonly #view: DataView
  readonly #overflows = new Map<string, Count>()
  readonly #unnamed = UNNAMED.map(() => ({ packets: 0, bytes: 0 }))
  readonly #unnamedDrops = Array.from({ length: REASONS_UNNAMED }, () => ({ packets: 0, bytes: 0 }))
  readonly #sum: Count = { packets: 0, bytes: 0 }
  #overflowMoved = false
  #dropsMoved = false

  constructor(object: BpfObject, cpus: number) {
    this.#object = object
    this.#cpus = cpus
    this.#buffer = new Uint8Array(OVERFLOW_MAX * (OVERFLOW_KEY.size + cpus * COUNT.size))
    this.#view = new DataView(this.#buffer.buffer)
  }

  /**
   * Read all; `overflow` and the rest when the counters say that something came, and once more after that: a program
   * may have counted it on another CPU and not have put it there yet.
   */
  read(sink: FlowSink): void {
    const { totals } = this
    const overflowed = totals.connections_full.packets + totals.overflows.packets
    const dropsFull = totals.drops_full.packets
    const overflowMoved = this.#overflowMoved
    const dropsMoved = this.#dropsMoved
    this.#readTotals()
    this.#overflowMoved = totals.connections_full.packets + totals.overflows.packets > overflowed
    this.#dropsMoved = totals.drops_full.packets > dropsFull
    UNNAMED.forEach((name, i) => {
      const { packets, bytes } = rise(this.#unnamed[i]!, totals[name])
      if (packets + bytes > 0) sink.unnamed(i >> 1, i & 1, packets, bytes)
    })
    if (overflowMoved || this.#overflowMoved) this.#readOverflow(sink)
    if (dropsMoved || this.#dropsMoved) this.#readUnnamedDrops(sink)
  }

  #readTotals(): void {
    const entries = this.#object.read('counters', this.#buffer)
    const size = KEY + this.#cpus * COUNT.size
    for (let i = 0; i < entries; i++) {
      const name = COUNTERS[this.#view.getUint32(i * size, true)]
      if (name !== undefined) Object.assign(this.totals[name], this.#sumAt(i * size + KEY))
    }
  }

  #readOverflow(sink: FlowSink): void {
    const entries = this.#object.read('overflow', this.#buffer)
    const view = this.#view
    for (let i = 0; i < entries; i++) {
      const at = i * (OVERFLOW_KEY.size + this.#cpus * COUNT.size)
      const { packets, bytes } = rise(this.#overflowAt(at), this.#sumAt(at + OVERFLOW_KEY.size))
      if (packets + bytes === 0) continue
      const name = {
        srcEntity: view.getUint32(at + OVERFLOW_KEY.srcEntity, true),
        dstEntity: view.getUint32(at + OVERFLOW_KEY.dstEntity, true),
        proto: view.getUint8(at + OVERFLOW_KEY.proto),
        hook: view.getUint8(at + OVERFLOW_KEY.hook),
        direction: view.getUint8(at + OVERFLOW_KEY.direction),
        size: view.getUint8(at + OVERFLOW_KEY.size_),
        detail: view.getUint8(at + OVERFLOW_KEY.detail),
      }
      sink.overflowed(name, packets, bytes)
    }
  }

  #readUnnamedDrops(sink: FlowSink): void {
    const entries = this.#object.read('drops_unnamed', this.#buffer)
    const size = KEY + this.#cpus * COUNT.size
    for (let i = 0; i < entries; i++) {
      const reason = this.#view.getUint32(i * size, true)
      const known = this.#unnamedDrops[reason]
      if (known === undefined) continue
      const { packets, bytes } = rise(known, this.#sumAt(i * size + KEY))
      if (packets + bytes > 0) sink.unnamedDrops(reason, packets, bytes)
    }
  }

  /** What was known of an overflow key: its bytes are its name; as bounded as the table in the kernel. */
  #overflowAt(at: number): Count {
    const key = Buffer.from(this.#buffer.buffer, at, OVERFLOW_KEY.size).toString('latin1')
    const known = this.#overflows.get(key) ?? { packets: 0, bytes: 0 }
    this.#overflows.set(key, known)
    return known
  }

  /** Over all CPUs; valid until the next call. */
  #sumAt(at: number): Count {
    const sum = this.#sum
    sum.packets = 0
    sum.bytes = 0
    for (let cpu = 0; cpu < this.#cpus; cpu++) {
      sum.packets += this.#u64(at + cpu * COUNT.size + COUNT.packets)
      sum.bytes += this.#u64(at + cpu * COUNT.size + COUNT.bytes)
    }
    return sum
  }

  #u64(at: number): number {
    return this.#view.getUint32(at + 4, true) * U32 + this.#view.getUint32(at, true)
  }
}

/** By how much `now` is above what was known, which becomes `now`. A read may fall between a packet and its bytes. */
function rise(known: Count, now: Count): Count {
  const difference = { packets: now.packets - known.packets, bytes: now.bytes - known.bytes }
  known.packets = now.packets
  known.bytes = now.bytes
  return difference
}
