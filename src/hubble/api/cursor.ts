/**
 * cursor.ts - one reader of the ring: from where its request says, record by record, at its own pace.
 *
 * In:    a RecordRing; how to read a record, and what of it is wanted.
 * Out:   step() looks at one record at most, so the caller decides when others have their turn.
 *        The rules are those of Hubble's observer (cilium/cilium pkg/hubble/observer/local_observer.go): `since` goes
 *        before `first` and `number`; a follower is not limited by `number`; `until` ends also a follower.
 * Fail:  what was overwritten before it was read is told as a loss, once, with the number of records.
 */
import type { RecordRing } from './record-ring.js'

/** Unix seconds, and nanoseconds of the second. */
export interface UnixTime {
  readonly seconds: number
  readonly nanoseconds: number
}

export interface Selection {
  /** 0: no limit; a follower starts at the end then. */
  readonly number: number
  /** The oldest `number` instead of the newest. */
  readonly first: boolean
  readonly follow: boolean
  readonly since: UnixTime | undefined
  readonly until: UnixTime | undefined
}

/** more: call again; wait: call again when the ring was written; end: there will be nothing more. */
export type Step<T> =
  | 'more'
  | 'wait'
  | 'end'
  | { readonly found: T; readonly sequence: number }
  /** `sequence` is that of the loss when it happened before the ring, undefined when this reader was too slow. */
  | { readonly lost: number; readonly sequence: number | undefined }

export class Cursor<T> {
  readonly #ring: RecordRing
  /** What is wanted of a record that is held; undefined: nothing. */
  readonly #read: (sequence: number) => T | undefined
  readonly #selection: Selection
  /** One past the last record to be told. */
  readonly #end: number
  #sequence: number
  /** Records that still have to be found backwards from #sequence before the first is told. */
  #toRewind = 0
  #returned = 0

  constructor(ring: RecordRing, read: (sequence: number) => T | undefined, selection: Selection) {
    this.#ring = ring
    this.#read = read
    this.#selection = selection
    this.#end = selection.follow ? Number.POSITIVE_INFINITY : ring.next
    this.#sequence = this.#start(selection)
  }

  step(): Step<T> {
    if (this.#toRewind > 0) return this.#rewindStep()
    const { number, follow, since, until } = this.#selection
    if (!follow && number > 0 && this.#returned >= number) return 'end'
    const first = Math.min(this.#ring.first, this.#end)
    if (this.#sequence < first) return this.#overwritten(first)
    if (this.#sequence >= this.#end) return 'end'
    if (this.#sequence >= this.#ring.next) return 'wait'
    const sequence = this.#sequence++
    if (this.#ring.size(sequence) === 0) return { lost: this.#ring.loss(sequence), sequence }
    if (until !== undefined && this.#compare(sequence, until) > 0) return 'end'
    if (since !== undefined && this.#compare(sequence, since) < 0) return 'more'
    const found = this.#read(sequence)
    if (found === undefined) return 'more'
    this.#returned++
    return { found, sequence }
  }

  #start({ number, first, follow, since }: Selection): number {
    const ring = this.#ring
    if (since !== undefined) {
      let sequence = ring.next
      while (sequence > ring.first && this.#compare(sequence - 1, since) >= 0) sequence--
      return sequence
    }
    if (first || (number === 0 && !follow)) return ring.first
    this.#toRewind = number
    return ring.next
  }

  /** What is overwritten meanwhile was not promised, so it is no loss. */
  #rewindStep(): 'more' {
    const first = this.#ring.first
    if (this.#sequence <= first) {
      this.#sequence = first
      this.#toRewind = 0
      return 'more'
    }
    this.#sequence--
    const isWanted = this.#ring.size(this.#sequence) > 0 && this.#read(this.#sequence) !== undefined
    if (isWanted) this.#toRewind--
    return 'more'
  }

  #overwritten(first: number): Step<T> {
    const lost = first - this.#sequence
    this.#sequence = first
    return { lost, sequence: undefined }
  }

  #compare(sequence: number, instant: UnixTime): number {
    const seconds = this.#ring.seconds(sequence) - instant.seconds
    return seconds === 0 ? this.#ring.nanoseconds(sequence) - instant.nanoseconds : seconds
  }
}
