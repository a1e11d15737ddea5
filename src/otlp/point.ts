// SPDX-License-Identifier: Apache-2.0
/**
 * point.ts - one series as a data point.
 *
 * In:    the cells of a series; temporality and form of histograms.
 * Out:   the SDK's data point; undefined for a delta of 0 and for a number that JSON cannot hold.
 */
import type { DataPoint, ExponentialHistogram, Histogram } from '@opentelemetry/sdk-metrics'
import { type Exponential, spread } from './exponential.js'
import type { ExportedSeries } from './exported-series.js'

export type Value = number | Histogram | ExponentialHistogram
export type Point = DataPoint<Value>

/** Properties common to the points of a family. */
export interface PointForm {
  readonly delta: boolean
  /** Cells of a series. */
  readonly width: number
  readonly buckets: readonly number[]
  /** Set for histograms in exponential form. */
  readonly exponential?: Exponential
  readonly kind: 'counter' | 'gauge' | 'histogram'
  /** Time of this export. */
  readonly time: [number, number]
}

/** Milliseconds since 1970 as seconds and nanoseconds. */
export function hrTimeOf(ms: number): [number, number] {
  const seconds = Math.floor(ms / 1000)
  return [seconds, Math.round((ms - seconds * 1000) * 1e6)]
}

/** HOT: each series, each export. `npm run bench otlp` */
export function pointOf(series: ExportedSeries, form: PointForm): Point | undefined {
  const baseline = baselineOf(series, form)
  if (baseline === undefined) return undefined
  const value = form.kind === 'histogram' ? histogramOf(series, form, baseline.reset) : numberOf(series, baseline.reset)
  if (value === undefined) return undefined
  return { attributes: series.attributes, startTime: hrTimeOf(baseline.start), endTime: form.time, value }
}

/** Start time of a point, and whether it counts from 0 (`reset`) or from the accepted values. Undefined: nothing to report. */
function baselineOf(
  series: ExportedSeries,
  { delta, kind, width }: PointForm,
): { start: number; reset: boolean } | undefined {
  const { values, accepted, at } = series
  const startTime = values[at]!
  const acceptedAt = accepted[at]!
  if (!delta || kind === 'gauge' || acceptedAt === 0) return { start: startTime, reset: true }
  if (!series.isUnreported(width)) return undefined
  // The sum of a histogram of seconds cannot decrease either: Weir measures nothing negative.
  for (let i = 1; i < width; i++) if (values[at + i]! < accepted[at + i]!) return { start: acceptedAt, reset: true }
  return { start: acceptedAt, reset: false }
}

function numberOf({ values, accepted, at }: ExportedSeries, reset: boolean): number | undefined {
  const value = values[at + 1]! - (reset ? 0 : accepted[at + 1]!)
  return Number.isFinite(value) ? value : undefined
}

function histogramOf({ values, accepted, at }: ExportedSeries, form: PointForm, reset: boolean): Value | undefined {
  const { width, buckets, exponential } = form
  const counts: number[] = []
  let count = 0
  for (let i = 1; i < width - 1; i++) {
    const own = values[at + i]! - (reset ? 0 : accepted[at + i]!)
    counts.push(own)
    count += own
  }
  const sum = values[at + width - 1]! - (reset ? 0 : accepted[at + width - 1]!)
  if (!Number.isFinite(sum)) return undefined
  if (exponential === undefined) return { buckets: { boundaries: buckets as number[], counts }, count, sum }
  const negative = { offset: 0, bucketCounts: [] }
  return { count, sum, scale: exponential.scale, zeroCount: 0, positive: spread(exponential, counts), negative }
}
