// SPDX-License-Identifier: Apache-2.0
/**
 * counters.ts - reads the datapath's per-CPU counters: totals, and increases for the sink.
 *
 * In:    per-CPU tables of monotonic counters: counters, overflow, drops_unnamed (bpf/counters.h, overflow.h,
 *        drop_table.h).
 * Out:   `totals` by name; to a FlowSink, the increases since the last read.
 * Never: resets a counter in the kernel; a value never decreases between reads.
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
  #overflowChanged = false
  #dropsChanged = false

  constructor(object: BpfObject, cpus: number) {
    this.#object = object
    this.#cpus = cpus
    this.#buffer = new Uint8Array(OVERFLOW_MAX * (OVERFLOW_KEY.size + cpus * COUNT.size))
    this.#view = new DataView(this.#buffer.buffer)
  }

  /**
   * Reads the counters. Reads `overflow` and `drops_unnamed` only when a counter shows new entries, and once more at
   * the next read: a program on another CPU may have incremented the counter and not yet written the entry.
   */
  read(sink: FlowSink): void {
    const { totals } = this
    const overflowsBefore = totals.connections_full.packets + totals.overflows.packets
    const dropsBefore = totals.drops_full.packets
    const overflowChanged = this.#overflowChanged
    const dropsChanged = this.#dropsChanged
    this.#readTotals()
    this.#overflowChanged = totals.connections_full.packets + totals.overflows.packets > overflowsBefore
    this.#dropsChanged = totals.drops_full.packets > dropsBefore
    UNNAMED.forEach((name, i) => {
      const { packets, bytes } = increase(this.#unnamed[i]!, totals[name])
      if (packets + bytes > 0) sink.unnamed(i >> 1, i & 1, packets, bytes)
    })
    if (overflowChanged || this.#overflowChanged) this.#readOverflow(sink)
    if (dropsChanged || this.#dropsChanged) this.#readUnnamedDrops(sink)
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
      const { packets, bytes } = increase(this.#overflowAt(at), this.#sumAt(at + OVERFLOW_KEY.size))
      if (packets + bytes === 0) continue
      const key = {
        srcEntity: view.getUint32(at + OVERFLOW_KEY.srcEntity, true),
        dstEntity: view.getUint32(at + OVERFLOW_KEY.dstEntity, true),
        proto: view.getUint8(at + OVERFLOW_KEY.proto),
        hook: view.getUint8(at + OVERFLOW_KEY.hook),
        direction: view.getUint8(at + OVERFLOW_KEY.direction),
        size: view.getUint8(at + OVERFLOW_KEY.size_),
        detail: view.getUint8(at + OVERFLOW_KEY.detail),
      }
      sink.overflowed(key, packets, bytes)
    }
  }

  #readUnnamedDrops(sink: FlowSink): void {
    const entries = this.#object.read('drops_unnamed', this.#buffer)
    const size = KEY + this.#cpus * COUNT.size
    for (let i = 0; i < entries; i++) {
      const reason = this.#view.getUint32(i * size, true)
      const previous = this.#unnamedDrops[reason]
      if (previous === undefined) continue
      const { packets, bytes } = increase(previous, this.#sumAt(i * size + KEY))
      if (packets + bytes > 0) sink.unnamedDrops(reason, packets, bytes)
    }
  }

  /** The previous value of an overflow key, cached by the key's bytes. The kernel's table bounds the cache. */
  #overflowAt(at: number): Count {
    const key = Buffer.from(this.#buffer.buffer, at, OVERFLOW_KEY.size).toString('latin1')
    const previous = this.#overflows.get(key) ?? { packets: 0, bytes: 0 }
    this.#overflows.set(key, previous)
    return previous
  }

  /** The sum over all CPUs; valid until the next call. */
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

/**
 * The increase from `previous` to `now`; updates `previous`. Packets and bytes may differ: a read may fall between the
 * two increments.
 */
function increase(previous: Count, now: Count): Count {
  const difference = { packets: now.packets - previous.packets, bytes: now.bytes - previous.bytes }
  previous.packets = now.packets
  previous.bytes = now.bytes
  return difference
}
