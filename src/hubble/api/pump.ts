/**
 * pump.ts - what a cursor finds into a gRPC stream, as fast as the client takes it and no faster.
 *
 * In:    a Cursor; the message of each step; a signal that ends it.
 * Out:   resolves at the end of what was asked for, or when the signal aborts.
 * Never: queues more than the stream's own few messages: a client that is slow stands still in the ring, and what is
 *        overwritten before it goes on is told to it as lost. Nor keeps the thread longer than a turn: the source's
 *        records go first.
 */
import { once } from 'node:events'
import { setImmediate as yieldToEventLoop } from 'node:timers/promises'
import type { Cursor, Step } from './cursor.js'
import type { Message } from './message.js'
import type { RecordRing } from './record-ring.js'

/** Some hundred flows. */
const SLICE_MS = 2

export interface MessageStream {
  write(message: Message): boolean
  on(event: string, listener: () => void): unknown
}

type Told<T> = Exclude<Step<T>, string>

export async function pump<T>(
  ring: RecordRing,
  cursor: Cursor<T>,
  stream: MessageStream & NodeJS.EventEmitter,
  message: (step: Told<T>) => Message,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const step = runSlice(cursor, stream, message)
    if (step === 'end') return
    if (step === 'full') await drained(stream, signal)
    else if (step === 'wait') await ring.written(signal)
    await yieldToEventLoop()
  }
}

function runSlice<T>(cursor: Cursor<T>, stream: MessageStream, message: (step: Told<T>) => Message): string {
  for (const deadline = performance.now() + SLICE_MS; performance.now() < deadline; ) {
    const step = cursor.step()
    if (step === 'end' || step === 'wait') return step
    if (step !== 'more' && !stream.write(message(step))) return 'full'
  }
  return 'more'
}

/** A client that goes away aborts the signal. */
async function drained(stream: NodeJS.EventEmitter, signal: AbortSignal): Promise<void> {
  await once(stream, 'drain', { signal }).catch(error => {
    if (!signal.aborted) throw error
  })
}
