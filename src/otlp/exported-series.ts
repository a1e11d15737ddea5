/**
 * row.ts - one series as the worker knows it: its attributes, its values, and what the receiver has of them.
 *
 * In:    shared cells while the series lives; a copy of its own once it is gone.
 * Out:   accept(): the receiver has these values. owes(): it has not.
 */
import type { AttributeValue } from './names.js'

export type RowAttributes = Readonly<Record<string, AttributeValue>>

export class Row {
  readonly id: number
  readonly attributes: RowAttributes
  /** Bytes of its point in JSON, about. */
  readonly bytes: number
  /** Cells: when it began, then its values; and when what the receiver has was read, then that. Both from `at`. */
  values: Float64Array
  accepted: Float64Array
  at: number

  constructor(id: number, attributes: RowAttributes, bytes: number, values: Float64Array, accepted: Float64Array) {
    this.id = id
    this.attributes = attributes
    this.bytes = bytes
    this.values = values
    this.accepted = accepted
    this.at = id
  }

  /** The series is gone: its cells will be another's. */
  leave(width: number): void {
    this.values = this.values.slice(this.at, this.at + width)
    this.accepted = this.accepted.slice(this.at, this.at + width)
    this.at = 0
  }

  /** Whether the receiver has another last value, or none. */
  owes(width: number): boolean {
    if (this.accepted[this.at] === 0) return true
    for (let i = 1; i < width; i++) if (this.values[this.at + i] !== this.accepted[this.at + i]) return true
    return false
  }

  /** The receiver has what `from` holds from `start`, read at `time`. */
  accept(time: number, from: Float64Array, start: number, width: number): void {
    for (let i = 1; i < width; i++) this.accepted[this.at + i] = from[start + i]!
    this.accepted[this.at] = time
  }
}
