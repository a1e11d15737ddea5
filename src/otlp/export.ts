/**
 * export.ts - one export: batch after batch, until all are sent or one has no answer.
 *
 * In:    rows up to date; the time of their values; how long it may take.
 * Out:   what became of it, in numbers.
 * Fail:  a batch that is refused is the receiver's word on that batch: the others still go. Anything else ends the export, for
 *        the next request would fare no better; the next export carries everything.
 */

import type { Batches } from './batches.js'
import type { Done, Outcome } from './message.js'
import type { Answer } from './response.js'
import type { Sender } from './sender.js'

/** Refusals in a row that are about the sender rather than about a batch: a wrong path, a wrong password. */
const MAX_REFUSALS = 3

type Sums = { -readonly [K in 'outcome' | 'why' | 'requests' | 'accepted' | 'rejected' | 'pauseMs']: Done[K] }

export async function exportAll(batches: Batches, sender: Sender, time: number, withinMs: number): Promise<Sums> {
  const sums: Sums = { outcome: 'success', why: '', requests: 0, accepted: 0, rejected: 0, pauseMs: 0 }
  const until = performance.now() + withinMs
  let refusals = 0
  batches.begin(time)
  for (let batch = batches.next(); batch !== undefined; batch = batches.next()) {
    const left = until - performance.now()
    if (left <= 0) {
      note(sums, 'timeout', `${withinMs} ms were over before all was sent`)
      break
    }
    const answer = await sender.send(batch.metrics, left)
    sums.requests++
    sums.pauseMs = answer.pauseMs
    if (answer.outcome !== 'success') note(sums, answer.outcome, answer.why)
    if (isAccepted(answer)) {
      batches.accept(batch)
      sums.accepted += batch.points - answer.rejected
      sums.rejected += answer.rejected
    } else if (answer.outcome === 'refused') {
      batches.refuse()
      if (answer.tooLarge) batches.halve()
      else if (++refusals >= MAX_REFUSALS) break
    } else {
      batches.hold(batch)
      break
    }
  }
  return sums
}

/** By the protocol, what a partial success rejects must not be sent again. */
function isAccepted({ outcome }: Answer): boolean {
  return outcome === 'success' || outcome === 'partial'
}

/** The first that went wrong, but a failure rather than a partial success. */
function note(sums: Sums, outcome: Outcome, why: string): void {
  if (sums.outcome !== 'success' && sums.outcome !== 'partial') return
  sums.outcome = outcome
  sums.why = why
}
