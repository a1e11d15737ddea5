// SPDX-License-Identifier: Apache-2.0
/**
 * replay.ts - a recording as a source of records.
 *
 * In:    the path of a recording, gzip or not.
 * Out:   each record to the decoder, in file order and without delay.
 * Fail:  the constructor throws the errors of recording-reader.ts; a damaged file yields the records before the damage.
 */
import type { Decoder, RecordSink } from '../record/decode.js'
import { RecordingReader } from './recording-reader.js'

export interface ReplayResult {
  /** Records read so far, by all calls. */
  readonly records: number
  /** The recording is at its end. */
  readonly done: boolean
  /** The offset where the last complete record of a truncated or corrupt file ends. */
  readonly truncatedAt?: number
  /** One line with the file, the offset and the kind of damage. */
  readonly damage?: string
}

export interface RecordIndex {
  /** Where every n-th record starts, from the first. */
  readonly starts: readonly number[]
  readonly records: number
  readonly damage: string | undefined
}

export class Replay {
  readonly #reader: RecordingReader

  constructor(path: string) {
    this.#reader = new RecordingReader(path)
  }

  /** Time of the record that the sink receives: Unix seconds, and nanoseconds of the second. */
  get seconds(): number {
    return this.#reader.seconds
  }
  get nanoseconds(): number {
    return this.#reader.nanoseconds
  }

  /** Records with an impossible time so far. */
  get oddTimes(): number {
    return this.#reader.oddTimes
  }

  /** Reads the whole file without decoding it. */
  index(step: number): RecordIndex {
    const reader = this.#reader
    const starts: number[] = []
    let records = 0
    for (let { offset } = reader; reader.next(); { offset } = reader) {
      if (records++ % step === 0) starts.push(offset)
    }
    return { starts, records, damage: reader.damage?.message }
  }

  /** Continues at the start of a record, as index() returns it. */
  seek(offset: number): void {
    this.#reader.seek(offset)
  }

  /** Decodes up to `limit` records after those of the last call. Closes the file at its end. */
  run(decoder: Decoder, sink: RecordSink, limit = Number.POSITIVE_INFINITY): ReplayResult {
    const reader = this.#reader
    for (let left = limit; left > 0; left--) {
      if (!reader.next()) return this.#end()
      decoder.record(reader.view, reader.at, reader.size, sink)
    }
    return { records: reader.records, done: false }
  }

  /** A second call does nothing. */
  close(): void {
    this.#reader.close()
  }

  #end(): ReplayResult {
    this.close()
    const { records, damage } = this.#reader
    if (damage === undefined) return { records, done: true }
    return { records, done: true, truncatedAt: damage.at, damage: damage.message }
  }
}
