// SPDX-License-Identifier: Apache-2.0
/**
 * record-ring.ts - a ring of the latest raw records: the history that the flow API serves.
 *
 * In:    frames as a source delivers them (u32 size, then `size` bytes), or single records, each with its time.
 * Out:   records by sequence number, from `first` up to but not including `next`; older ones are overwritten.
 *        Records are decoded when read, not when written.
 * Never: allocates per record, or grows: `capacity` records at most, with 512 bytes for each of them on average.
 */

const FRAME_HEADER = 4
/** Weir's records have at most 416 bytes, Cilium's fewer. */
const BYTES_A_RECORD = 512
/** Space for a few of the largest records (a perf record's size is a u16) at any capacity. */
const MIN_BYTES = 1 << 18
const MAX_CAPACITY = 65_535
const LOSS_BYTES = 4

export class RecordRing {
  /** Maximum number of records. */
  readonly capacity: number
  /** The sequence number of the next record to be written. */
  next = 0
  /** The ring's memory, for readers; at() and size() locate a record. */
  readonly view: DataView
  readonly #bytes: Uint8Array
  readonly #mask: number
  /** By slot: the record's position, in bytes since the start, not modulo the ring; its size, 0 for a loss; its time. */
  readonly #positions: Float64Array
  readonly #sizes: Uint32Array
  readonly #seconds: Float64Array
  readonly #nanoseconds: Uint32Array
  #head = 0
  #first = 0
  #losses = 0
  #batch: Uint8Array = new Uint8Array(0)
  #batchView = new DataView(this.#batch.buffer)
  #waiters: (() => void)[] = []

  /** `capacity` is a power of two minus one, as Hubble's: 1 to 65,535. */
  constructor(capacity: number) {
    const whole = Number.isInteger(capacity) && capacity >= 1 && capacity <= MAX_CAPACITY
    if (!whole || (capacity & (capacity + 1)) !== 0) {
      throw new RangeError(`capacity ${capacity}: allowed: a power of two minus one, 1 to ${MAX_CAPACITY}`)
    }
    this.capacity = capacity
    this.#mask = capacity
    this.#bytes = new Uint8Array(Math.max(MIN_BYTES, (capacity + 1) * BYTES_A_RECORD))
    this.view = new DataView(this.#bytes.buffer)
    this.#positions = new Float64Array(capacity + 1)
    this.#sizes = new Uint32Array(capacity + 1)
    this.#seconds = new Float64Array(capacity + 1)
    this.#nanoseconds = new Uint32Array(capacity + 1)
  }

  /** The oldest sequence number that is not overwritten. */
  get first(): number {
    let first = Math.max(this.#first, this.next - this.capacity)
    const oldest = this.#head - this.#bytes.length
    while (first < this.next && this.#positions[first & this.#mask]! < oldest) first++
    this.#first = first
    return first
  }

  /** Records written since the start. */
  get seen(): number {
    return this.next - this.#losses
  }

  /** Entries in the ring: records and losses. */
  get length(): number {
    return this.next - this.first
  }

  /**
   * HOT: appends the whole frames in the first `length` bytes, all with one time. Copies as many at once as fit before
   * the ring's end.
   * Guard: bench `flow-buffer`.
   */
  append(frames: Uint8Array, length: number, seconds: number, nanoseconds: number): void {
    if (frames !== this.#batch) {
      this.#batch = frames
      this.#batchView = new DataView(frames.buffer, frames.byteOffset, frames.byteLength)
    }
    const view = this.#batchView
    let from = 0
    let at = 0
    let free = this.#bytesToEnd()
    while (at + FRAME_HEADER <= length) {
      const size = view.getUint32(at, true)
      const end = at + FRAME_HEADER + size
      if (end > length || size === 0) break
      if (end - from > free) {
        this.#copy(frames, from, at)
        this.#wrap()
        from = at
        free = this.#bytesToEnd()
      }
      this.#addEntry(this.#head + at + FRAME_HEADER - from, size, seconds, nanoseconds)
      at = end
    }
    this.#copy(frames, from, at)
    this.#wake()
  }

  /** Appends one record of `size` bytes at `at`; ignores an empty one. */
  appendRecord(view: DataView, at: number, size: number, seconds: number, nanoseconds: number): void {
    if (size === 0 || size > this.#bytes.length) return
    if (size > this.#bytesToEnd()) this.#wrap()
    this.#addEntry(this.#head, size, seconds, nanoseconds)
    this.#copy(new Uint8Array(view.buffer, view.byteOffset + at, size), 0, size)
    this.#wake()
  }

  /** Appends a loss: `records` were lost before they reached the ring. */
  appendLoss(records: number, seconds: number, nanoseconds: number): void {
    if (LOSS_BYTES > this.#bytesToEnd()) this.#wrap()
    this.view.setUint32(this.#head % this.#bytes.length, records, true)
    this.#addEntry(this.#head, 0, seconds, nanoseconds)
    this.#losses++
    this.#head += LOSS_BYTES
    this.#wake()
  }

  /** Offset in `view` of a record in the ring. */
  at(sequence: number): number {
    return this.#positions[sequence & this.#mask]! % this.#bytes.length
  }
  /** Bytes; 0 for a loss. */
  size(sequence: number): number {
    return this.#sizes[sequence & this.#mask]!
  }
  /** Time of receipt: Unix seconds, and nanoseconds of the second. */
  seconds(sequence: number): number {
    return this.#seconds[sequence & this.#mask]!
  }
  nanoseconds(sequence: number): number {
    return this.#nanoseconds[sequence & this.#mask]!
  }
  /** Number of lost records, for an entry of size 0. */
  loss(sequence: number): number {
    return this.view.getUint32(this.at(sequence), true)
  }

  /** Resolves at the next write, or when `signal` aborts. */
  written(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      if (signal.aborted) return resolve()
      const done = () => {
        signal.removeEventListener('abort', aborted)
        resolve()
      }
      const aborted = () => {
        this.#waiters = this.#waiters.filter(each => each !== done)
        resolve()
      }
      signal.addEventListener('abort', aborted, { once: true })
      this.#waiters.push(done)
    })
  }

  /** Bytes before the ring's end. */
  #bytesToEnd(): number {
    return this.#bytes.length - (this.#head % this.#bytes.length)
  }

  /** Continues at the ring's start. A record is never split, so the bytes before the ring's end stay unused. */
  #wrap(): void {
    this.#head += this.#bytesToEnd()
  }

  #addEntry(position: number, size: number, seconds: number, nanoseconds: number): void {
    const slot = this.next & this.#mask
    this.#positions[slot] = position
    this.#sizes[slot] = size
    this.#seconds[slot] = seconds
    this.#nanoseconds[slot] = nanoseconds
    this.next++
  }

  #copy(from: Uint8Array, start: number, end: number): void {
    if (end <= start) return
    this.#bytes.set(from.subarray(start, end), this.#head % this.#bytes.length)
    this.#head += end - start
  }

  #wake(): void {
    if (this.#waiters.length === 0) return
    const waiters = this.#waiters
    this.#waiters = []
    for (const wake of waiters) wake()
  }
}
