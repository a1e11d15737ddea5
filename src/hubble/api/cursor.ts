// SPDX-License-Identifier: Apache-2.0
/**
 * cursor.ts - one reader's position in the ring: returns the records of a request one by one, at the reader's pace.
 *
 * In:    a RecordRing; a function that reads a record, if the request wants it; a Selection.
 * Out:   step() reads one record at most, so the caller decides when to yield to others.
 *        The rules are those of Hubble's observer (cilium/cilium pkg/hubble/observer/local_observer.go): `since` overrides
 *        `first` and `number`; `number` does not limit a follower; `until` ends a follower too.
 * Fail:  records overwritten before they were read are reported as one loss with their number.
 */
import type { RecordRing } from './record-ring.js'

/** Unix seconds, and nanoseconds of the second. */
export interface UnixTime {
  readonly seconds: number
  readonly nanoseconds: number
}

export interface Selection {
  /** 0: no limit; a follower then starts at the end of the ring. */
  readonly number: number
  /** The oldest `number` instead of the newest. */
  readonly first: boolean
  readonly follow: boolean
  readonly since: UnixTime | undefined
  readonly until: UnixTime | undefined
}

/** A wanted record, or a number of lost ones. */
export type Item<T> =
  | { readonly found: T; readonly sequence: number }
  /** `sequence` is the loss's own when it happened before the ring, undefined when this reader was too slow. */
  | { readonly lost: number; readonly sequence: number | undefined }

/** more: call again; wait: call again after the next write to the ring; end: there are no more items. */
export type Step<T> = 'more' | 'wait' | 'end' | Item<T>

export class Cursor<T> {
  readonly #ring: RecordRing
  /** Reads a record in the ring; undefined when the request does not want it. */
  readonly #read: (sequence: number) => T | undefined
  readonly #selection: Selection
  /** One past the last record to return. */
  readonly #end: number
  #sequence: number
  /** Wanted records still to be found, going back from #sequence, before the first one is returned. */
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

  /** Records overwritten during the rewind are not a loss: none of them was due yet. */
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
