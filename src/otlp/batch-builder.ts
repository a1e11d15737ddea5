// SPDX-License-Identifier: Apache-2.0
/**
 * batch-builder.ts - groups the data points of one request by metric.
 *
 * In:    points, all of one family in succession.
 * Out:   MetricData as the SDK's exporters take it.
 */
import { ValueType } from '@opentelemetry/api'
import {
  AggregationTemporality,
  type DataPoint,
  DataPointType,
  type ExponentialHistogram,
  type Histogram,
  type MetricData,
} from '@opentelemetry/sdk-metrics'
import type { ExportedFamily } from './exported-families.js'
import type { ExportedSeries } from './exported-series.js'
import { otlpName } from './names.js'
import type { Point } from './point.js'

export class BatchBuilder {
  readonly time: number
  readonly metrics: MetricData[] = []
  readonly sent: { family: ExportedFamily; series: ExportedSeries }[] = []
  /** Approximate bytes of the request body. */
  bytes = 0
  #family: ExportedFamily | undefined
  #points: Point[] = []

  constructor(time: number) {
    this.time = time
  }

  get points(): number {
    return this.sent.length
  }

  add(family: ExportedFamily, series: ExportedSeries, point: Point, delta: boolean): void {
    if (this.#family !== family) this.#open(family, point, delta)
    this.#points.push(point)
    this.sent.push({ family, series })
    this.bytes += series.bytes
  }

  #open(family: ExportedFamily, point: Point, delta: boolean): void {
    this.#family = family
    this.#points = []
    this.metrics.push(metricOf(family, this.#points, point, delta))
  }
}

function metricOf({ head }: ExportedFamily, points: Point[], first: Point, delta: boolean): MetricData {
  const { name, unit } = otlpName(head)
  const descriptor = {
    name,
    unit,
    description: head.help,
    valueType: isWhole(head.type, unit) ? ValueType.INT : ValueType.DOUBLE,
  }
  const aggregationTemporality = delta ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE
  if (head.type === 'counter') {
    const dataPoints = points as DataPoint<number>[]
    return { descriptor, aggregationTemporality, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints }
  }
  if (head.type === 'gauge') {
    const dataPoints = points as DataPoint<number>[]
    const cumulative = AggregationTemporality.CUMULATIVE
    return { descriptor, aggregationTemporality: cumulative, dataPointType: DataPointType.GAUGE, dataPoints }
  }
  if (typeof first.value === 'object' && 'scale' in first.value) {
    const dataPoints = points as DataPoint<ExponentialHistogram>[]
    return { descriptor, aggregationTemporality, dataPointType: DataPointType.EXPONENTIAL_HISTOGRAM, dataPoints }
  }
  const dataPoints = points as DataPoint<Histogram>[]
  return { descriptor, aggregationTemporality, dataPointType: DataPointType.HISTOGRAM, dataPoints }
}

/** Bytes and packets are integers. Other counters may count seconds. */
function isWhole(type: string, unit: string): boolean {
  return type === 'counter' && (unit === 'By' || unit === '{packet}')
}
