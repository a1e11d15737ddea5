/**
 * directions.ts - a sweep's record counted once for each way in which packets went since the last one, as Hubble counts them.
 *
 * In:    trace records of Weir's own without a packet, of which the direction is the opener's.
 * Out:   the record once a way, turned for the other; not at all when nothing went, as when a connection ends idle. Bytes
 *        are as they were afterwards.
 */
import { HDR, Hook, State, TRACE, WEIR_TRACE } from '../../datapath/record/abi.js'
import type { TraceRecord } from '../../datapath/record/decode.js'
import { Point } from '../../datapath/record/observation-point.js'

const REASON = { established: 1, reply: 2 } as const

/** HOT: two calls at most. Guard: benches `reduce`, `reduce-workload`. */
export function eachDirection(record: TraceRecord, count: (record: TraceRecord) => void): void {
  const { direction, reason } = record
  if (record.carried(direction)) count(record)
  if (!record.carried(1 - direction)) return
  reverse(record, direction === record.initiator ? REASON.reply : REASON.established)
  count(record)
  reverse(record, reason)
}

function reverse(record: TraceRecord, reason: number): void {
  const { view, at, srcLabel, dstLabel, hook, source, state } = record
  const fromPod = record.direction !== 0
  view.setUint8(record.extensionAt + WEIR_TRACE.direction, fromPod ? 0 : 1)
  view.setUint32(at + TRACE.srcLabel, dstLabel, true)
  view.setUint32(at + TRACE.dstLabel, srcLabel, true)
  if (state !== State.related) view.setUint8(at + TRACE.reason, reason)
  if (hook === Hook.uplink) {
    view.setUint8(at + HDR.subtype, fromPod ? Point.toNetwork : Point.fromNetwork)
    return
  }
  view.setUint8(at + HDR.subtype, fromPod ? Point.toStack : Point.toEndpoint)
  view.setUint16(at + TRACE.dstId, fromPod ? 0 : source, true)
}
