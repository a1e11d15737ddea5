/**
 * batches.ts - an export in requests of bounded size, and what the receiver made of them.
 *
 * In:    rows; the time of their values.
 * Out:   next(): metrics for one request, made when it is asked for, so one batch is in memory.
 *        accept(): the receiver has the batch. hold(): nobody knows, so it is sent again as it was, first, at the next export.
 *        refuse(): the receiver has nothing of it, so its values are told by later differences.
 * Never: holds more than one batch: an export ends with the first one that has no answer.
 *
 * A batch that is sent again has the same times and values, so a receiver that has it can tell: OTLP leaves it to the sender to
 * risk a duplicate rather than a loss.
 */
import type { MetricData } from '@opentelemetry/sdk-metrics'
import { Collected } from './batch-builder.js'
import type { OtlpConfig } from './config.js'
import { exponentialOf } from './exponential.js'
import type { KnownFamily, Rows } from './exported-families.js'
import type { Row } from './exported-series.js'
import { type Form, hrTimeOf, type Point, pointOf } from './point.js'

/** Unpacked JSON: a fifth of the Collector's limit, an eighth of Prometheus'. */
const BATCH_BYTES = 4_000_000

/** A row's part in a batch: its values as they were sent are `values` from `start`. */
interface Sent {
  readonly family: KnownFamily
  readonly row: Row
}

export interface Batch {
  readonly metrics: readonly MetricData[]
  readonly points: number
  readonly time: number
  readonly sent: readonly Sent[]
}

interface Held extends Batch {
  /** Cells of each row as they were sent. */
  readonly cells: readonly Float64Array[]
}

export class Batches {
  readonly #rows: Rows
  readonly #config: OtlpConfig
  readonly #delta: boolean
  #most: number
  #held: Held | undefined
  #left: Iterator<Batch> = [][Symbol.iterator]()
  #unsayable = 0

  constructor(rows: Rows, config: OtlpConfig) {
    this.#rows = rows
    this.#config = config
    this.#delta = config.temporality !== 'cumulative'
    this.#most = config.batchPoints
  }

  /** Values that were left out because they are infinite or no number. */
  get unsayable(): number {
    return this.#unsayable
  }

  /** Begin an export of what the cells hold now. */
  begin(time: number): void {
    this.#left = this.#make(time)
  }

  next(): Batch | undefined {
    return this.#held ?? this.#left.next().value
  }

  accept(batch: Batch): void {
    const held = this.#held === batch ? this.#held : undefined
    batch.sent.forEach(({ family, row }, i) => {
      const cells = held?.cells[i]
      row.accept(batch.time, cells ?? row.values, cells === undefined ? row.at : 0, family.width)
      if (family.gone.has(row) && !row.owes(family.width)) this.#rows.forget(family, row)
    })
    this.#held = undefined
  }

  /** With totals there is nothing to hold: the next ones say it all. */
  hold(batch: Batch): void {
    if (!this.#delta || this.#held === batch) return
    const cells = batch.sent.map(({ family, row }) => row.values.slice(row.at, row.at + family.width))
    this.#held = { ...batch, cells }
  }

  refuse(): void {
    this.#held = undefined
  }

  /** The receiver takes no request of this size. */
  halve(): void {
    this.#most = Math.max(1, this.#most >> 1)
  }

  *#make(time: number): Generator<Batch, undefined> {
    let batch = new Collected(time)
    for (const family of this.#rows.families()) {
      const form = this.#formOf(family, time)
      for (const row of rowsOf(family)) {
        const point = pointOf(row, form)
        if (point === undefined) {
          if (!Number.isFinite(row.values[row.at + family.width - 1]!)) this.#unsayable++
          continue
        }
        if (batch.points >= this.#most || (batch.points > 0 && batch.bytes + row.bytes > BATCH_BYTES)) {
          yield batch
          batch = new Collected(time)
        }
        batch.add(family, row, point as Point, this.#delta)
      }
    }
    if (batch.points > 0) yield batch
    return undefined
  }

  #formOf({ head, width }: KnownFamily, time: number): Form {
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

/** Those that are gone first: their last values are older. */
function* rowsOf({ gone, rows }: KnownFamily): Generator<Row> {
  yield* gone
  yield* rows.values()
}
