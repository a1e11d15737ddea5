// SPDX-License-Identifier: Apache-2.0
/**
 * directions.ts - counts a flush record once for each direction with traffic, as Hubble counts flows, and the TCP flags of
 *                 any record of Weir's own by the record's counters.
 *
 * In:    trace records with Weir's extension. A flush record has no packet; its direction is the initiator's.
 * Out:   one call for each direction with packets since the last flush, the record reversed for the other direction. No
 *        call if there were none, as when an idle connection expires. One call for each flag of each direction. Afterwards
 *        the record has its old bytes.
 */
import { HDR, Hook, State, TRACE, WEIR_TRACE } from '../../datapath/record/abi.js'
import type { TraceRecord } from '../../datapath/record/decode.js'
import { Point } from '../../datapath/record/observation-point.js'

const REASON = { established: 1, reply: 2, unknown: 5 } as const

/** HOT: two calls at most. Guard: benches `reduce`, `reduce-workload`. */
export function eachDirection(record: TraceRecord, count: (record: TraceRecord) => void): void {
  const { direction, reason } = record
  if (record.carried(direction)) count(record)
  if (!record.carried(1 - direction)) return
  reverse(record, reasonOf(record, 1 - direction))
  count(record)
  reverse(record, reason)
}

/**
 * HOT: calls back for each TCP flag of each direction, with the number of packets that had it; the record is then one
 * without a packet, in that direction, with this flag only. The flags of the captured packet are among them, and those of
 * packets whose records were lost. Guard: bench `reduce-weir`.
 */
export function eachFlag(record: TraceRecord, count: (record: TraceRecord, times: number) => void): void {
  const { direction, reason, packetLength } = record
  const other = 1 - direction
  record.packetLength = 0
  if (record.hasTcpFlags(direction)) eachLane(record, direction, count)
  if (record.hasTcpFlags(other)) {
    const { view, at } = record
    const subtype = view.getUint8(at + HDR.subtype)
    const dstId = view.getUint16(at + TRACE.dstId, true)
    reverse(record, reasonOf(record, other))
    eachLane(record, other, count)
    reverse(record, reason)
    view.setUint8(at + HDR.subtype, subtype)
    view.setUint16(at + TRACE.dstId, dstId, true)
  }
  record.packetLength = packetLength
}

/** Of a packet in a direction of an open connection. */
function reasonOf(record: TraceRecord, direction: number): number {
  if (!record.initiatorKnown) return REASON.unknown
  return direction === record.initiator ? REASON.established : REASON.reply
}

function eachLane(record: TraceRecord, direction: number, count: (record: TraceRecord, times: number) => void): void {
  const { view } = record
  const at = record.extensionAt + WEIR_TRACE.tcpFlags + direction * 8
  const low = view.getUint32(at, true)
  const high = view.getUint32(at + 4, true)
  for (let lane = 0; lane < 4; lane++) {
    const times = ((lane < 2 ? low : high) >>> (16 * (lane & 1))) & 0xffff
    if (times === 0) continue
    view.setUint32(at, 0, true)
    view.setUint32(at + 4, 0, true)
    view.setUint16(at + 2 * lane, times, true)
    count(record, times)
  }
  view.setUint32(at, low, true)
  view.setUint32(at + 4, high, true)
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
