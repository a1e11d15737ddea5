/**
 * replay.ts - a recording as a source of records.
 *
 * In:    the path of a recording, gzip or not.
 * Out:   each record given to the decoder, in the file's order and as fast as it takes them.
 * Fail:  the constructor throws what pcap.ts throws; a damaged file gives what precedes the damage.
 */
import type { Decoder, RecordSink } from '../record/decode.js'
import { RecordingReader } from './recording-reader.js'

export interface ReplayResult {
  /** Records read so far, by all calls. */
  readonly records: number
  /** Nothing more will come. */
  readonly done: boolean
  /** The byte where the last whole record of a truncated or corrupt file ends. */
  readonly truncatedAt?: number
  /** One line about the damage: file, byte, what is wrong. */
  readonly damage?: string
}

export class Replay {
  readonly #reader: RecordingReader

  constructor(path: string) {
    this.#reader = new RecordingReader(path)
  }

  /** When the record in the sink's hands was written: Unix seconds, and nanoseconds of the second. */
  get seconds(): number {
    return this.#reader.seconds
  }
  get nanoseconds(): number {
    return this.#reader.nanoseconds
  }

  /** Decode up to `limit` records from where the last call stopped; closes the file at its end. */
  run(decoder: Decoder, sink: RecordSink, limit = Number.POSITIVE_INFINITY): ReplayResult {
    const reader = this.#reader
    for (let left = limit; left > 0; left--) {
      if (!reader.next()) return this.#end()
      decoder.record(reader.view, reader.at, reader.size, sink)
    }
    return { records: reader.records, done: false }
  }

  /** Twice is fine. */
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
