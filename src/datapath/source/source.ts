/**
 * source.ts - what a source of records gives, whatever it is.
 *
 * Out:   FlowSink, the one way from a source into the reduce; Source, what the exporter asks of one.
 */
import type { RecordSink } from '../record/decode.js'

/** One key of the datapath's spill table (bpf/weir.h struct spill_key). */
export interface OverflowName {
  srcEntity: number
  dstEntity: number
  proto: number
  hook: number
  direction: number
  /** Size class; one past the last: flags without packets. */
  size: number
  /** TCP: bits by TcpFlagLane; ICMP: type. */
  detail: number
}

/** Records, and what the datapath counted beside them, as differences since the last time. */
export interface FlowSink extends RecordSink {
  /** Packets that had no connection in the table. */
  overflowed(name: OverflowName, packets: number, bytes: number): void
  /** Packets for which not even a name could be kept. */
  unnamed(hook: number, direction: number, packets: number, bytes: number): void
  /** Drops for which only the reason could be kept. */
  unnamedDrops(reason: number, packets: number, bytes: number): void
}

export interface Source {
  /** `live`, `replay:FILE`. */
  readonly name: string
  /** Bring in everything that is known by now. Errors of the system have .syscall. */
  collect(): void
  /** Why it gives nothing at the moment, if so. */
  readonly trouble: string | undefined
  close(): void
}
