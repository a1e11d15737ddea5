// SPDX-License-Identifier: Apache-2.0
/**
 * text.ts - writes frozen families in the Prometheus text format or OpenMetrics.
 *
 * In:    families frozen at one instant, so writing can pause between pieces.
 * Out:   pieces of about a megabyte (1 ms each), never changed afterwards.
 * Never: writes a family without series; builds a string for a line.
 */

import type { SeriesStore } from '../series/series.js'
import { type Format, familyName, headOf, TRAILERS } from './format.js'
import { type FrozenFamily, freeze } from './frozen.js'
import { NUMBER_BYTES, numberText, writeNumber, writeSeconds } from './number.js'

export interface TextOptions {
  readonly format: Format
  /** OpenMetrics only: a _created line for each counter and histogram series. */
  readonly created: boolean
}

const LINE_FEED = 10
const PIECE_BYTES = 1 << 20
const CLOSE = Buffer.from('} ')
const TEXT: TextOptions = { format: 'text', created: false }

/** The whole page of these stores in text format 0.0.4. */
export function render(...stores: SeriesStore[]): Buffer {
  return renderAs(TEXT, ...stores)
}

/** The whole page of these stores, for commands and tests. The server writes it in pieces. */
export function renderAs(options: TextOptions, ...stores: SeriesStore[]): Buffer {
  return Buffer.concat([...pieces(freeze(stores), options), Buffer.from(TRAILERS[options.format])])
}

/** The text of all families, without the page's trailer. */
export function* pieces(families: readonly FrozenFamily[], options: TextOptions): Generator<Buffer> {
  for (const family of families) {
    yield Buffer.from(headOf(family.metric, options.format))
    const lines = linesOf(family, options)
    for (let series = 0; series < family.columns.size; ) {
      const { end, bytes } = pieceFrom(lines, series)
      // Not pooled and not zeroed: pages of the slack that are never written are never mapped.
      const out = Buffer.allocUnsafeSlow(bytes)
      yield out.subarray(0, writeSeries(lines, series, end, out))
      series = end
    }
  }
}

/** What the lines of a family have in common. */
interface Lines {
  readonly family: FrozenFamily
  readonly histogram: boolean
  /** Lines of one series. */
  readonly count: number
  /** Upper bound of the bytes of a line without its prefix. */
  readonly overhead: number
  /** What follows the prefix `name_bucket{labels`, for each bucket, +Inf last. */
  readonly tails: readonly Buffer[]
  /** Bytes of the metric name at the start of the prefix, which _sum, _count and _created lines replace. */
  readonly skip: number
  readonly sumName: Buffer
  readonly countName: Buffer
  /** Undefined without _created lines. */
  readonly createdName: Buffer | undefined
}

function linesOf(family: FrozenFamily, { format, created }: TextOptions): Lines {
  const { name, labels, type } = family.metric
  const histogram = type === 'histogram'
  const hasCreated =
    created && format === 'openmetrics' && (histogram || (type === 'counter' && name.endsWith('_total')))
  const comma = labels.length === 0 ? '' : ','
  return {
    family,
    histogram,
    count: (histogram ? family.buckets.length + 3 : 1) + (hasCreated ? 1 : 0),
    overhead: 2 * NUMBER_BYTES + '_created,le=""} \n'.length,
    tails: [...family.buckets, Infinity].map(bound => Buffer.from(`${comma}le="${numberText(bound)}"} `)),
    skip: histogram ? `${name}_bucket`.length : name.length,
    sumName: Buffer.from(`${name}_sum`),
    countName: Buffer.from(`${name}_count`),
    createdName: hasCreated ? Buffer.from(`${familyName(family.metric, format)}_created`) : undefined,
  }
}

/** The series from `start` that fill a piece, at least one, and an upper bound of their bytes. */
function pieceFrom({ family, count, overhead }: Lines, start: number): { end: number; bytes: number } {
  const { size, lengths, slots } = family.columns
  let bytes = 0
  let end = start
  while (end < size && bytes < PIECE_BYTES) {
    bytes += count * (lengths[end]! + overhead)
    if (family.exemplars !== undefined) bytes += exemplarBytes(family, slots[end]!)
    end++
  }
  return { end, bytes }
}

function exemplarBytes({ exemplars, buckets }: FrozenFamily, slot: number): number {
  let bytes = 0
  for (let bucket = 0; bucket <= buckets.length; bucket++) bytes += exemplars?.get(slot + bucket)?.length ?? 0
  return bytes
}

/** HOT: `npm run bench scrape` */
function writeSeries(lines: Lines, from: number, to: number, out: Buffer): number {
  let at = 0
  for (let series = from; series < to; series++) {
    at = lines.histogram ? writeHistogram(lines, series, out, at) : writeSample(lines, series, out, at)
    if (lines.createdName !== undefined) at = writeCreated(lines, lines.createdName, series, out, at)
  }
  return at
}

function writeSample({ family }: Lines, series: number, out: Buffer, from: number): number {
  const { columns, values } = family
  const at = writeNumber(out, copyPrefix(family, series, 0, out, from), values[columns.slots[series]!]!)
  out[at] = LINE_FEED
  return at + 1
}

/** HOT: cells have each bucket's own count; the lines have cumulative counts. */
function writeHistogram(lines: Lines, series: number, out: Buffer, from: number): number {
  const { family, tails } = lines
  const { columns, values, exemplars } = family
  const first = columns.slots[series]!
  let at = from
  let cumulative = 0
  for (let bucket = 0; bucket < tails.length; bucket++) {
    cumulative += values[first + bucket]!
    at = copyPrefix(family, series, 0, out, at)
    at = writeValue(tails[bucket]!, cumulative, exemplars?.get(first + bucket), out, at)
  }
  at = writeTotal(lines, lines.sumName, series, values[first + tails.length]!, out, at)
  return writeTotal(lines, lines.countName, series, cumulative, out, at)
}

function writeTotal(lines: Lines, name: Buffer, series: number, value: number, out: Buffer, at: number): number {
  out.set(name, at)
  const end = copyPrefix(lines.family, series, lines.skip, out, at + name.length)
  return writeValue(CLOSE, value, undefined, out, end)
}

function writeValue(before: Buffer, value: number, exemplar: Buffer | undefined, out: Buffer, at: number): number {
  out.set(before, at)
  let end = writeNumber(out, at + before.length, value)
  if (exemplar !== undefined) {
    out.set(exemplar, end)
    end += exemplar.length
  }
  out[end] = LINE_FEED
  return end + 1
}

function writeCreated(lines: Lines, name: Buffer, series: number, out: Buffer, from: number): number {
  const { family, histogram, skip } = lines
  out.set(name, from)
  let at = copyPrefix(family, series, skip, out, from + name.length)
  if (histogram) {
    out.set(CLOSE, at)
    at += CLOSE.length
  }
  at = writeSeconds(out, at, family.columns.created[series]!)
  out[at] = LINE_FEED
  return at + 1
}

/** Copies a series' prefix without its first `skip` bytes and returns the offset after it. */
function copyPrefix({ columns }: FrozenFamily, series: number, skip: number, out: Buffer, at: number): number {
  const bytes = columns.lengths[series]! - skip
  columns.arena.copy(columns.starts[series]! + skip, bytes, out, at)
  return at + bytes
}
