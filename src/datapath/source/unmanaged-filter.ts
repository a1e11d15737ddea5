// SPDX-License-Identifier: Apache-2.0
/**
 * unmanaged-filter.ts - leaves out what containers that are no pods send and receive at their own interfaces.
 *
 * The programs stay attached and the interfaces stay watched, because a pod may be known late. From then on it counts.
 *
 * In:    records and increases of counters, with the name that the interface's own side has.
 * Out:   those of pods to the sink; packets and bytes of the others as numbers.
 * Never: leaves out what a pod exchanges with such a container: it counts at the pod's interface.
 */
import { Direction, Hook, SIZE_CLASSES } from '../record/abi.js'
import type { DropRecord } from '../record/drop-record.js'
import type { TraceRecord } from '../record/trace-record.js'
import type { VerdictRecord } from '../record/verdict-record.js'
import { UNMANAGED } from './pod-interfaces.js'
import type { FlowSink, OverflowKey } from './source.js'

/** What to do with packets behind a pod's interface that no pod is known for. */
export type UnmanagedMode = 'count' | 'ignore'

export class UnmanagedFilter implements FlowSink {
  packets = 0
  bytes = 0
  readonly #sink: FlowSink

  constructor(sink: FlowSink) {
    this.#sink = sink
  }

  trace(record: TraceRecord): void {
    if (!record.hasExtension || record.hook !== Hook.pod || record.aEntity !== UNMANAGED) {
      this.#sink.trace(record)
      return
    }
    for (const direction of [Direction.aToB, Direction.bToA]) {
      for (let size = 0; size <= SIZE_CLASSES.length; size++) {
        this.packets += record.packetCount(direction, size)
        this.bytes += record.byteCount(direction, size)
      }
    }
  }

  overflowed(key: OverflowKey, packets: number, bytes: number): void {
    const own = key.direction === Direction.aToB ? key.srcEntity : key.dstEntity
    if (key.hook !== Hook.pod || own !== UNMANAGED) {
      this.#sink.overflowed(key, packets, bytes)
      return
    }
    if (key.size > SIZE_CLASSES.length) return // TCP flags without packets
    this.packets += packets
    this.bytes += bytes
  }

  drop(record: DropRecord): void {
    this.#sink.drop(record)
  }

  verdict(record: VerdictRecord): void {
    this.#sink.verdict(record)
  }

  unnamed(hook: number, direction: number, packets: number, bytes: number): void {
    this.#sink.unnamed(hook, direction, packets, bytes)
  }

  unnamedDrops(reason: number, packets: number, bytes: number): void {
    this.#sink.unnamedDrops(reason, packets, bytes)
  }
}
