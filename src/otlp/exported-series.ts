// SPDX-License-Identifier: Apache-2.0
/**
 * exported-series.ts - one series in the worker: its attributes, its values, and the values that the receiver has.
 *
 * In:    shared cells while the series exists; a private copy after it is removed.
 * Out:   accept(): the receiver has these values. isUnreported(): it lacks some.
 */
import type { AttributeValue } from './names.js'

export type SeriesAttributes = Readonly<Record<string, AttributeValue>>

export class ExportedSeries {
  readonly id: number
  readonly attributes: SeriesAttributes
  /** Approximate bytes of its point in JSON. */
  readonly bytes: number
  /** Cells from `at`: start time and current values; time and values of the last accepted point. See SharedCells. */
  values: Float64Array
  accepted: Float64Array
  at: number

  constructor(id: number, attributes: SeriesAttributes, bytes: number, values: Float64Array, accepted: Float64Array) {
    this.id = id
    this.attributes = attributes
    this.bytes = bytes
    this.values = values
    this.accepted = accepted
    this.at = id
  }

  /** Copies the cells: the series is removed, and its shared cells will be reused. */
  detach(width: number): void {
    this.values = this.values.slice(this.at, this.at + width)
    this.accepted = this.accepted.slice(this.at, this.at + width)
    this.at = 0
  }

  /** Whether the receiver has no value of it, or another than the current one. */
  isUnreported(width: number): boolean {
    if (this.accepted[this.at] === 0) return true
    for (let i = 1; i < width; i++) if (this.values[this.at + i] !== this.accepted[this.at + i]) return true
    return false
  }

  /** The receiver has the values of `from`, read at `time`; their cells begin at `start`. */
  accept(time: number, from: Float64Array, start: number, width: number): void {
    for (let i = 1; i < width; i++) this.accepted[this.at + i] = from[start + i]!
    this.accepted[this.at] = time
  }
}
