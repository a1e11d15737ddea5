// SPDX-License-Identifier: Apache-2.0
/**
 * source.ts - the interface between a source of records and the exporter.
 *
 * Out:   FlowSink, which receives everything a source counts; Source, which the exporter collects from.
 */
import type { RecordSink } from '../record/decode.js'

/** A key of the datapath's `overflow` table (bpf/weir.h, struct overflow_key). */
export interface OverflowKey {
  srcEntity: number
  dstEntity: number
  proto: number
  hook: number
  direction: number
  /** Size class; one past the last counts TCP flags without packets. */
  size: number
  /** TCP: a bit for each TcpFlagLane. ICMP: the type. */
  detail: number
}

/** Records, and the datapath's counters as increases since the last collect(). */
export interface FlowSink extends RecordSink {
  /** Whether a label shows the destination port of drops. Otherwise drops of all ports count together. */
  readonly showsDropPort?: boolean
  /** Packets without an entry in the connection table. */
  overflowed(key: OverflowKey, packets: number, bytes: number): void
  /** Packets without an entry in the overflow table either. */
  unnamed(hook: number, direction: number, packets: number, bytes: number): void
  /** Drops without an entry in the drop table, counted by reason only. */
  unnamedDrops(reason: number, packets: number, bytes: number): void
}

export interface Source {
  /** `live`, `replay:FILE`. */
  readonly name: string
  /** Reads all pending counts and records into the sink. A system error has .syscall. */
  collect(): void
  /** Why the source is failing; undefined while it works. */
  readonly trouble: string | undefined
  close(): void
}
