// SPDX-License-Identifier: Apache-2.0
/**
 * recording-reader.ts - reads recordings: pcap files of link type 147 (USER0), one raw record a packet.
 *
 * In:    nanosecond or microsecond pcap of either byte order, plain or gzip; the format is in
 *        draft-ietf-opsawg-pcap. Records keep the byte order of the node that wrote them.
 * Out:   one record at a time from RecordingReader; recording-writer.ts writes recordings.
 * Fail:  throws with the file's name if the file is not a recording. A truncated or corrupt file yields the records
 *        before the damage, then `damage` gives its place. A fraction of a second that is a second or more is read as the
 *        last nanosecond, and counted. OS errors pass through.
 */
import { closeSync, openSync, readFileSync, readSync, statSync } from 'node:fs'
import { constants, gunzipSync } from 'node:zlib'

/** DLT_USER0. */
export const LINK_TYPE = 147
/** perf's record size is a u16, so a larger record is corruption. */
export const MAX_RECORD = 65_536

const FILE_HEADER = 24
const RECORD_HEADER = 16
const MAGIC_NS = 0xa1b23c4d
const MAGIC_US = 0xa1b2c3d4
const MAGIC_PCAPNG = 0x0a0d0d0a
/** Many times the largest record. A refill moves at most one record. */
const WINDOW = 1 << 20
/** Limits of the inflated file, which is held in memory as a whole: recordings become 3 to 30 times as large. */
const MAX_INFLATED = 256 << 20
const MAX_RATIO = 100
/** Allowed at any ratio. */
const MIN_INFLATED = 16 << 20
/** The highest nanosecond of a second. */
const MAX_NANOSECOND = 999_999_999

const EXPECTED = `pcap, magic 0xa1b23c4d (ns) or 0xa1b2c3d4 (us), link type ${LINK_TYPE}`

/**
 * Damage: the offset where the last complete record ends (in the inflated file, if compressed), and a one-line message.
 */
export interface Damage {
  readonly at: number
  readonly message: string
}

/**
 * Iterates over a recording. After next() the record is `size` bytes at `at` of `view`, valid until the following
 * next().
 */
export class RecordingReader {
  readonly path: string
  at = 0
  size = 0
  /** Time of the record: Unix seconds, and nanoseconds of the second. */
  seconds = 0
  nanoseconds = 0
  records = 0
  /** Records with an impossible time. */
  oddTimes = 0
  damage: Damage | undefined
  view: DataView
  readonly #input: Input
  readonly #little: boolean
  readonly #tick: number

  /** Throws when the file cannot be opened or is not a recording. */
  constructor(path: string) {
    this.path = path
    this.#input = new Input(path)
    this.view = this.#input.view
    try {
      const header = this.#input.take(FILE_HEADER)
      if (header < 0) throw new Error(`${path}: not a recording: ${this.#input.length} bytes; allowed: ${EXPECTED}`)
      const magic = this.view.getUint32(header, true)
      const swapped = this.view.getUint32(header, false)
      this.#little = magic === MAGIC_NS || magic === MAGIC_US
      this.#tick = magic === MAGIC_NS || swapped === MAGIC_NS ? 1 : 1000
      if (!this.#little && swapped !== MAGIC_NS && swapped !== MAGIC_US) throw notPcap(path, swapped)
      const link = this.view.getUint32(header + 20, this.#little) & 0xffff
      if (link !== LINK_TYPE) throw new Error(`${path}: link type ${link}; allowed: ${LINK_TYPE} (USER0)`)
    } catch (error) {
      this.close()
      throw error
    }
  }

  /** Moves to the next record. Returns false at the end, where `damage` is undefined if the file is complete. */
  next(): boolean {
    if (this.damage !== undefined) return false
    const start = this.#input.offset
    const header = this.#input.take(RECORD_HEADER)
    if (header < 0) return this.#end(start)
    this.seconds = this.view.getUint32(header, this.#little)
    const fraction = this.view.getUint32(header + 4, this.#little) * this.#tick
    const size = this.view.getUint32(header + 8, this.#little)
    if (size > MAX_RECORD)
      return this.#damaged(start, 'corrupt', `a record of ${size} bytes, at most ${MAX_RECORD} allowed`)
    const at = this.#input.take(size)
    if (at < 0) return this.#damaged(start, 'truncated', `a record of ${size} bytes has ${this.#input.left} bytes left`)
    this.nanoseconds = Math.min(fraction, MAX_NANOSECOND)
    if (fraction > MAX_NANOSECOND) this.oddTimes++
    this.at = at
    this.size = size
    this.records++
    return true
  }

  /** Where the next record starts, in the inflated file if compressed. */
  get offset(): number {
    return this.#input.offset
  }

  /** Continues at the start of a record. Damage found before is forgotten. */
  seek(offset: number): void {
    this.damage = undefined
    this.#input.seek(offset)
  }

  /** A second call does nothing. */
  close(): void {
    this.#input.close()
  }

  #end(start: number): boolean {
    if (this.#input.left > 0)
      return this.#damaged(start, 'truncated', `a record header has ${this.#input.left} of ${RECORD_HEADER} bytes`)
    if (this.#input.truncated) return this.#damaged(start, 'truncated', 'the gzip stream ends early')
    return false
  }

  #damaged(at: number, kind: 'truncated' | 'corrupt', reason: string): boolean {
    this.damage = { at, message: `${this.path}: ${kind} at byte ${at}: ${reason}` }
    return false
  }
}

/** A file read through a fixed window, or a whole inflated file. */
class Input {
  view: DataView
  /** Bytes taken so far. */
  offset = 0
  /** The gzip stream is truncated. */
  truncated = false
  #bytes: Uint8Array
  #fd: number | undefined
  #from = 0
  #to = 0
  /** Where the file is read next. */
  #position = 0

  constructor(path: string) {
    this.#bytes = new Uint8Array(WINDOW)
    this.#fd = openSync(path, 'r')
    this.#fill()
    if (this.#bytes[0] === 0x1f && this.#bytes[1] === 0x8b && this.#to >= 2) this.#inflate(path)
    this.view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength)
  }

  /** Unread bytes in the window; at the end of the file, all remaining bytes. */
  get left(): number {
    return this.#to - this.#from
  }

  get length(): number {
    return this.offset + this.left
  }

  /** Consumes `size` bytes and returns their offset in the window; -1 when fewer remain in the file. */
  take(size: number): number {
    if (this.left < size) this.#fill()
    if (this.left < size) return -1
    const at = this.#from
    this.#from += size
    this.offset += size
    return at
  }

  seek(offset: number): void {
    this.offset = offset
    this.#from = this.#fd === undefined ? offset : 0
    if (this.#fd === undefined) return
    this.#to = 0
    this.#position = offset
  }

  close(): void {
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
  }

  /** Moves the unread bytes to the front and reads more after them. */
  #fill(): void {
    if (this.#fd === undefined) return
    this.#bytes.copyWithin(0, this.#from, this.#to)
    this.#to -= this.#from
    this.#from = 0
    while (this.#to < this.#bytes.length) {
      const bytesRead = readSync(this.#fd, this.#bytes, this.#to, this.#bytes.length - this.#to, this.#position)
      if (bytesRead === 0) break
      this.#position += bytesRead
      this.#to += bytesRead
    }
  }

  #inflate(path: string): void {
    this.close()
    const { size } = statSync(path)
    const max = Math.min(MAX_INFLATED, Math.max(MIN_INFLATED, size * MAX_RATIO))
    if (size > MAX_INFLATED) throw new Error(`${path}: inflates to more than ${MAX_INFLATED} bytes; gunzip it first`)
    const packed = readFileSync(path)
    try {
      this.#bytes = inflate(packed, constants.Z_FINISH, max)
    } catch (error) {
      const code = (error as NodeJS.ErrnoException).code
      if (code === 'ERR_BUFFER_TOO_LARGE')
        throw new Error(`${path}: inflates to more than ${max} bytes; gunzip it first`)
      if (code !== 'Z_BUF_ERROR') throw new Error(`${path}: corrupt gzip: ${(error as Error).message}`)
      this.truncated = true
      this.#bytes = inflate(packed, constants.Z_SYNC_FLUSH, max)
    }
    this.#to = this.#bytes.length
  }
}

/** For a truncated stream Z_SYNC_FLUSH returns the data before the cut; Z_FINISH throws Z_BUF_ERROR. */
function inflate(packed: Uint8Array, finishFlush: number, maxOutputLength: number): Uint8Array {
  return gunzipSync(packed, { maxOutputLength, finishFlush })
}

function notPcap(path: string, magic: number): Error {
  const seen =
    magic === MAGIC_PCAPNG
      ? 'pcapng (convert it: editcap -F nsecpcap)'
      : `magic 0x${magic.toString(16).padStart(8, '0')}`
  return new Error(`${path}: not a recording: ${seen}; allowed: ${EXPECTED}`)
}
