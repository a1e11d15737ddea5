// SPDX-License-Identifier: Apache-2.0
/**
 * lines.ts - splits the bytes of a watch into lines.
 *
 * In:    chunks split anywhere, even within a character.
 * Out:   the text of each complete line.
 * Fail:  a line longer than MAX_LINE_BYTES is an error: etcd holds no object above 1.5 MiB.
 * Never: buffers more than one line.
 */
import { ApiError } from './api-error.js'

const MAX_LINE_BYTES = 8 << 20
const NEWLINE = 0x0a

export class Lines {
  readonly #max: number
  #parts: Buffer[] = []
  #pending = 0

  /** `max`: bytes of a line, for tests. */
  constructor(max = MAX_LINE_BYTES) {
    this.#max = max
  }

  /** Bytes of an incomplete line. */
  get pending(): number {
    return this.#pending
  }

  push(chunk: Buffer, sink: (line: string) => void): void {
    let from = 0
    for (let end = chunk.indexOf(NEWLINE); end >= 0; end = chunk.indexOf(NEWLINE, from)) {
      const line = this.#whole(chunk.subarray(from, end))
      from = end + 1
      if (line !== '') sink(line)
    }
    if (from < chunk.length) this.#keep(chunk.subarray(from))
  }

  #keep(part: Buffer): void {
    this.#pending += part.length
    if (this.#pending > this.#max)
      throw new ApiError('malformed', `a line of the watch is longer than ${this.#max} bytes`)
    this.#parts.push(part)
  }

  #whole(last: Buffer): string {
    if (this.#parts.length === 0) return last.toString()
    this.#keep(last)
    const line = Buffer.concat(this.#parts, this.#pending).toString()
    this.#parts = []
    this.#pending = 0
    return line
  }
}
