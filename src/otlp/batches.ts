// SPDX-License-Identifier: Apache-2.0
/**
 * batches.ts - splits an export into requests of bounded size and tracks which of them the receiver has.
 *
 * In:    series; the time of their values.
 * Out:   next(): metrics for one request, built on demand, so only one batch is in memory.
 *        accept(): the receiver has the batch. keepForRetry(): unknown, so the next export first sends the same batch again.
 *        reject(): the receiver does not have it; later deltas include its values.
 * Never: keeps more than one batch: an export stops at the first batch without a response.
 *
 * A batch sent again has the same times and values, so a receiver that already has it can recognise the duplicate. OTLP lets the
 * sender choose between a possible duplicate and a possible loss.
 */
import type { MetricData } from '@opentelemetry/sdk-metrics'
import { BatchBuilder } from './batch-builder.js'
import type { OtlpConfig } from './config.js'
import { exponentialOf } from './exponential.js'
import type { ExportedFamilies, ExportedFamily } from './exported-families.js'
import type { ExportedSeries } from './exported-series.js'
import { hrTimeOf, type Point, type PointForm, pointOf } from './point.js'

/** JSON before compression: a fifth of the Collector's limit, an eighth of Prometheus'. */
const BATCH_BYTES = 4_000_000

/** The series of a point in a batch. */
interface Sent {
  readonly family: ExportedFamily
  readonly series: ExportedSeries
}

export interface Batch {
  readonly metrics: readonly MetricData[]
  readonly points: number
  readonly time: number
  readonly sent: readonly Sent[]
}

interface UnconfirmedBatch extends Batch {
  /** The cells of each series as they were sent. */
  readonly cells: readonly Float64Array[]
}

export class Batches {
  readonly #families: ExportedFamilies
  readonly #config: OtlpConfig
  readonly #delta: boolean
  #maxPoints: number
  #unconfirmed: UnconfirmedBatch | undefined
  #remaining: Iterator<Batch> = [][Symbol.iterator]()
  #nonFinite = 0

  constructor(families: ExportedFamilies, config: OtlpConfig) {
    this.#families = families
    this.#config = config
    this.#delta = config.temporality !== 'cumulative'
    this.#maxPoints = config.batchPoints
  }

  /** Values left out because they are infinite or NaN. */
  get nonFinite(): number {
    return this.#nonFinite
  }

  /** Starts an export of the cells' current values. */
  start(time: number): void {
    this.#remaining = this.#make(time)
  }

  next(): Batch | undefined {
    return this.#unconfirmed ?? this.#remaining.next().value
  }

  accept(batch: Batch): void {
    const unconfirmed = this.#unconfirmed === batch ? this.#unconfirmed : undefined
    batch.sent.forEach(({ family, series }, i) => {
      const cells = unconfirmed?.cells[i]
      series.accept(batch.time, cells ?? series.values, cells === undefined ? series.at : 0, family.width)
      if (family.removed.has(series) && !series.isUnreported(family.width)) this.#families.forget(family, series)
    })
    this.#unconfirmed = undefined
  }

  /** Cumulative points need no retry: the next ones include everything. */
  keepForRetry(batch: Batch): void {
    if (!this.#delta || this.#unconfirmed === batch) return
    const cells = batch.sent.map(({ family, series }) => series.values.slice(series.at, series.at + family.width))
    // Not a spread: `points` is a getter of the builder's class.
    const { metrics, points, time, sent } = batch
    this.#unconfirmed = { metrics, points, time, sent, cells }
  }

  reject(): void {
    this.#unconfirmed = undefined
  }

  /** The receiver accepts no request of this size. */
  halve(): void {
    this.#maxPoints = Math.max(1, this.#maxPoints >> 1)
  }

  *#make(time: number): Generator<Batch, undefined> {
    let batch = new BatchBuilder(time)
    for (const family of this.#families.families()) {
      const form = this.#formOf(family, time)
      for (const series of seriesOf(family)) {
        const point = pointOf(series, form)
        if (point === undefined) {
          if (!Number.isFinite(series.values[series.at + family.width - 1]!)) this.#nonFinite++
          continue
        }
        if (batch.points >= this.#maxPoints || (batch.points > 0 && batch.bytes + series.bytes > BATCH_BYTES)) {
          yield batch
          batch = new BatchBuilder(time)
        }
        batch.add(family, series, point as Point, this.#delta)
      }
    }
    if (batch.points > 0) yield batch
    return undefined
  }

  #formOf({ head, width }: ExportedFamily, time: number): PointForm {
    const exponential = head.type === 'histogram' && this.#config.histograms === 'exponential'
    return {
      delta: this.#delta,
      width,
      buckets: head.buckets,
      kind: head.type,
      time: hrTimeOf(time),
      ...(exponential && { exponential: exponentialOf(head.buckets) }),
    }
  }
}

/** Removed series first: their last values are older. */
function* seriesOf({ removed, series }: ExportedFamily): Generator<ExportedSeries> {
  yield* removed
  yield* series.values()
}
