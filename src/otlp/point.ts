/**
 * point.ts - one series as a data point.
 *
 * In:    a row's cells; the temporality and the form of histograms.
 * Out:   the SDK's data points, or nothing where there is nothing to tell: a difference of 0, a number that JSON does not have.
 */
import type { DataPoint, ExponentialHistogram, Histogram } from '@opentelemetry/sdk-metrics'
import { type Exponential, spread } from './exponential.js'
import type { Row } from './exported-series.js'

export type Value = number | Histogram | ExponentialHistogram
export type Point = DataPoint<Value>

/** What the points of a family have in common. */
export interface Form {
  readonly delta: boolean
  /** Cells of a row. */
  readonly width: number
  readonly buckets: readonly number[]
  /** Histograms in exponential form. */
  readonly exponential?: Exponential
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** Of this export. */
  readonly time: [number, number]
}

/** Seconds and nanoseconds of milliseconds since 1970. */
export function hrTimeOf(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1000)
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)]
}

/** HOT: each series, each export. `npm run bench otlp` */
export function pointOf(row: Row, form: Form): Point | undefined {
  const since = sinceOf(row, form)
  if (since === undefined) return undefined
  const value = form.kind === 'histogram' ? histogramOf(row, form, since.reset) : numberOf(row, since.reset)
  if (value === undefined) return undefined
  return { attributes: row.attributes, startTime: hrTimeOf(since.start), endTime: form.time, value }
}

/** From when on a point counts, and from what: 0 after a reset. Nothing when the receiver has it all. */
function sinceOf(row: Row, { delta, kind, width }: Form): { start: number; reset: boolean } | undefined {
  const { values, accepted, at } = row
  const began = values[at]!
  const told = accepted[at]!
  if (!delta || kind === 'gauge' || told === 0) return { start: began, reset: true }
  if (!row.owes(width)) return undefined
  // The sum of a histogram of seconds cannot shrink either: nothing that Weir measures is negative.
  for (let i = 1; i < width; i++) if (values[at + i]! < accepted[at + i]!) return { start: told, reset: true }
  return { start: told, reset: false }
}

function numberOf({ values, accepted, at }: Row, whole: boolean): number | undefined {
  const value = values[at + 1]! - (whole ? 0 : accepted[at + 1]!)
  return Number.isFinite(value) ? value : undefined
}

function histogramOf({ values, accepted, at }: Row, form: Form, whole: boolean): Value | undefined {
  const { width, buckets, exponential } = form
  const counts: number[] = []
  let count = 0
  for (let i = 1; i < width - 1; i++) {
    const own = values[at + i]! - (whole ? 0 : accepted[at + i]!)
    counts.push(own)
    count += own
  }
  const sum = values[at + width - 1]! - (whole ? 0 : accepted[at + width - 1]!)
  if (!Number.isFinite(sum)) return undefined
  if (exponential === undefined) return { buckets: { boundaries: buckets as number[], counts }, count, sum }
  const negative = { offset: 0, bucketCounts: [] }
  return { count, sum, scale: exponential.scale, zeroCount: 0, positive: spread(exponential, counts), negative }
}
