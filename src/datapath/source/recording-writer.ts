// SPDX-License-Identifier: Apache-2.0
/**
 * recording-writer.ts - writes a recording: nanosecond pcap, little endian, link type 147.
 *
 * In:    raw records, each with the time at which it was read.
 * Out:   a file that recording-reader.ts, tcpdump and Wireshark read; no partial record, except after a failed write.
 * Fail:  OS errors pass through, with .code and .syscall.
 */
import { closeSync, fchmodSync, fstatSync, openSync, writeSync } from 'node:fs'
import { LINK_TYPE, MAX_RECORD } from './recording-reader.js'

const RECORD_HEADER = 16
/** Batches a few hundred records into one write(2). The largest record must fit. */
const BUFFER = 256 * 1024
const MODE = 0o600

export class RecordingWriter {
  records = 0
  readonly #bytes = new Uint8Array(BUFFER)
  readonly #view = new DataView(this.#bytes.buffer)
  #fd: number | undefined
  #used = 0

  /** Creates or empties the file. Only its owner may read it, as it contains packets. */
  constructor(path: string) {
    this.#fd = openSync(path, 'w', MODE)
    // The mode applies only to a new file. A pipe or device keeps its own.
    if (fstatSync(this.#fd).isFile()) fchmodSync(this.#fd, MODE)
    this.#view.setUint32(0, 0xa1b23c4d, true)
    this.#view.setUint16(4, 2, true)
    this.#view.setUint16(6, 4, true)
    this.#view.setUint32(16, MAX_RECORD, true)
    this.#view.setUint32(20, LINK_TYPE, true)
    this.#used = 24
  }

  /** Appends `size` bytes of `bytes` from `at`; the time is in Unix seconds and nanoseconds of the second. */
  append(bytes: Uint8Array, at: number, size: number, seconds: number, nanoseconds: number): void {
    if (size > MAX_RECORD) throw new RangeError(`record of ${size} bytes; allowed: at most ${MAX_RECORD}`)
    if (this.#used + RECORD_HEADER + size > BUFFER) this.flush()
    this.#view.setUint32(this.#used, seconds, true)
    this.#view.setUint32(this.#used + 4, nanoseconds, true)
    this.#view.setUint32(this.#used + 8, size, true)
    this.#view.setUint32(this.#used + 12, size, true)
    this.#bytes.set(bytes.subarray(at, at + size), this.#used + RECORD_HEADER)
    this.#used += RECORD_HEADER + size
    this.records++
  }

  /** Writes all buffered bytes to the file. */
  flush(): void {
    while (this.#fd !== undefined && this.#used > 0) {
      const written = writeSync(this.#fd, this.#bytes, 0, this.#used)
      // Keeps only unwritten bytes, so that a flush after an error writes no byte twice.
      this.#bytes.copyWithin(0, written, this.#used)
      this.#used -= written
    }
  }

  /** Flushes and closes the file, also when the flush fails. A second call does nothing. */
  close(): void {
    try {
      this.flush()
    } finally {
      if (this.#fd !== undefined) closeSync(this.#fd)
      this.#fd = undefined
    }
  }
}
