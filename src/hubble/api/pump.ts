// SPDX-License-Identifier: Apache-2.0
/**
 * pump.ts - writes the items of a query to a gRPC stream, no faster than the client reads.
 *
 * In:    a Query; a signal that ends the stream.
 * Out:   resolves at the end of the query, or when the signal aborts.
 * Fail:  rejects with a SlowQuery.
 * Never: queues more than the stream's own few messages: a slow client's cursor stays where it is in the ring, and
 *        records overwritten meanwhile are reported to the client as lost. Never blocks the event loop longer than a
 *        slice: draining the kernel's ring has priority.
 */
import { once } from 'node:events'
import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import type { Message } from './message.js'
import type { Query } from './observer.js'
import type { RecordRing } from './record-ring.js'

/** Enough for a few hundred flows. */
const SLICE_MS = 2
/** A record takes 10 us, and a thousand filters a few milliseconds more. */
const MAX_STEP_MS = 200

/** The query takes so long for a single record that it would delay the draining of the kernel's ring. */
export class SlowQuery extends Error {}

export interface MessageStream {
  write(message: Message): boolean
  on(event: string, listener: () => void): unknown
}

export async function pump<T>(
  ring: RecordRing,
  query: Query<T>,
  stream: MessageStream & NodeJS.EventEmitter,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const step = runSlice(query, stream)
    if (step === 'end') return
    if (step === 'full') await drained(stream, signal)
    else if (step === 'wait') await ring.written(signal)
    await yieldToEventLoop()
  }
}

function runSlice<T>({ cursor, message }: Query<T>, stream: MessageStream): string {
  let now = performance.now()
  for (const deadline = now + SLICE_MS; now < deadline; ) {
    const step = cursor.step()
    const before = now
    now = performance.now()
    if (now - before > MAX_STEP_MS)
      throw new SlowQuery(`the filters take ${Math.round(now - before)} ms for a flow; allowed: ${MAX_STEP_MS} ms`)
    if (step === 'end' || step === 'wait') return step
    if (step !== 'more' && !stream.write(message(step))) return 'full'
  }
  return 'more'
}

/** Waits until the stream takes more. A client that disconnects aborts the signal. */
async function drained(stream: NodeJS.EventEmitter, signal: AbortSignal): Promise<void> {
  await once(stream, 'drain', { signal }).catch(error => {
    if (!signal.aborted) throw error
  })
}
