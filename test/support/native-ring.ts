/**
 * native-ring.ts - reads the events that the addon's test object writes to its ring.
 */
import type { Test } from 'tap'
import type { BpfObject } from '../../src/datapath/source/native.js'

export const PACKET = new Uint8Array(64)
/** A frame: its size, struct event, and 4 bytes of padding by perf. */
export const FRAME = 4 + 16 + 4
/** The numbers of the events in a batch; fails unless all of it is whole frames. */
export function numbers(t: Test, batch: Uint8Array): number[] {
  const view = new DataView(batch.buffer, batch.byteOffset, batch.byteLength)
  const found: number[] = []
  let at = 0
  while (at < batch.length) {
    if (view.getUint32(at, true) !== FRAME - 4) break
    found.push(Number(view.getBigUint64(at + 4, true)))
    at += FRAME
  }
  t.equal(at, batch.length, 'whole frames')
  return found
}

/** Waits for `count` turns of the event loop, each of which polls. */
export async function turns(count: number): Promise<void> {
  for (let i = 0; i < count; i++) await new Promise(resolve => setImmediate(resolve))
}

/** Drains until the ring is empty, with buffers of `room` bytes. */
export function drainAll(object: BpfObject, room: number): Uint8Array {
  const parts: Uint8Array[] = []
  for (;;) {
    const into = new Uint8Array(room)
    const size = object.drain(into)
    if (size === 0) return Buffer.concat(parts)
    parts.push(into.subarray(0, size))
  }
}
