// SPDX-License-Identifier: Apache-2.0
/**
 * directions.ts - counts a flush record once for each direction with traffic, as Hubble counts flows.
 *
 * In:    flush records: trace records with Weir's extension and no packet; their direction is the initiator's.
 * Out:   one call for each direction with packets since the last flush, the record reversed for the other direction. No
 *        call if there were none, as when an idle connection expires. Afterwards the record has its old bytes.
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
