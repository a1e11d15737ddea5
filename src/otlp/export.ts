// SPDX-License-Identifier: Apache-2.0
/**
 * export.ts - one export: sends batch after batch until all are sent or one gets no response.
 *
 * In:    up-to-date series; the time of their values; a time limit.
 * Out:   the result and its counts.
 * Fail:  a refused batch concerns that batch only, so the others are still sent. Any other failure ends the export because the
 *        next request would fail too; the next export carries everything.
 */

import type { Batches } from './batches.js'
import type { Done, PushResult } from './message.js'
import type { ReceiverResponse } from './response.js'
import type { Sender } from './sender.js'

/** So many refusals in one export have a cause common to all batches: a wrong path, a wrong password. */
const MAX_REFUSALS = 3

type Totals = { -readonly [K in 'result' | 'detail' | 'requests' | 'accepted' | 'rejected' | 'pauseMs']: Done[K] }

export async function exportAll(batches: Batches, sender: Sender, time: number, withinMs: number): Promise<Totals> {
  const totals: Totals = { result: 'success', detail: '', requests: 0, accepted: 0, rejected: 0, pauseMs: 0 }
  const until = performance.now() + withinMs
  let refusals = 0
  batches.start(time)
  for (let batch = batches.next(); batch !== undefined; batch = batches.next()) {
    const left = until - performance.now()
    if (left <= 0) {
      noteFailure(totals, 'timeout', `not all batches were sent within ${withinMs} ms`)
      break
    }
    const response = await sender.send(batch.metrics, left)
    totals.requests++
    totals.pauseMs = response.pauseMs
    if (response.result !== 'success') noteFailure(totals, response.result, response.detail)
    if (isAccepted(response)) {
      batches.accept(batch)
      const rejected = Math.min(response.rejected, batch.points)
      totals.accepted += batch.points - rejected
      totals.rejected += rejected
    } else if (response.result === 'refused') {
      batches.reject()
      if (response.tooLarge) batches.halve()
      else if (++refusals >= MAX_REFUSALS) break
    } else {
      batches.keepForRetry(batch)
      break
    }
  }
  return totals
}

/** The protocol forbids sending points again that a partial success rejected. */
function isAccepted({ result }: ReceiverResponse): boolean {
  return result === 'success' || result === 'partial'
}

/** Keeps the first failure; a failure replaces a partial success. */
function noteFailure(totals: Totals, result: PushResult, detail: string): void {
  if (totals.result !== 'success' && totals.result !== 'partial') return
  totals.result = result
  totals.detail = detail
}
