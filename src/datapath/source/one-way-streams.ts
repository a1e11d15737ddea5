// SPDX-License-Identifier: Apache-2.0
/**
 * one-way-streams.ts - connections that carry data in one direction and no acknowledgement in the other.
 *
 * In:    records of connections whose handshake was not seen, or was seen completely.
 * Out:   evidence after several reports in a row, repeated as long as it goes on. A sender whose peer is gone repeats
 *        itself ever more slowly, and so never fills several reports.
 */

/** Packets that a report must have to count. */
export const STREAM_PACKETS = 16
const REPORTS = 3
/** Milliseconds between the first and the last of them: longer than any round trip. */
const SPAN_MS = 3000
/** Streams without a report for this long are removed. */
const IDLE_MS = 120_000
/** About 100 B each. Further streams are not followed: evidence comes from those that are. */
const MAX_STREAMS = 1024

interface Stream {
  firstMs: number
  lastMs: number
  reports: number
  /** Direction with packets. */
  readonly direction: number
  /** Times that this stream was evidence. */
  proofs: number
}

export class OneWayStreams {
  readonly #streams = new Map<number, Stream>()

  get size(): number {
    return this.#streams.size
  }

  /** A report with at least STREAM_PACKETS in one direction only. Returns how often the stream has been evidence, or 0 if it is none now. */
  report(key: number, direction: number, ms: number): number {
    const stream = this.#streams.get(key)
    if (stream === undefined || stream.direction !== direction) {
      this.#streams.delete(key)
      if (this.#streams.size < MAX_STREAMS)
        this.#streams.set(key, { firstMs: ms, lastMs: ms, reports: 1, direction, proofs: 0 })
      return 0
    }
    stream.lastMs = ms
    stream.reports++
    if (stream.reports < REPORTS || ms - stream.firstMs < SPAN_MS) return 0
    stream.firstMs = ms
    stream.reports = 1
    return ++stream.proofs
  }

  /** A packet of the connection's other direction was seen. */
  delete(key: number): void {
    this.#streams.delete(key)
  }

  removeIdle(ms: number): void {
    for (const [key, { lastMs }] of this.#streams) if (ms - lastMs > IDLE_MS) this.#streams.delete(key)
  }
}
