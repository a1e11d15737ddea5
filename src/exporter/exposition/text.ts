/**
 * text.ts - frozen families as Prometheus text or OpenMetrics.
 *
 * In:    families frozen at one instant, so writing may stop between two pieces.
 * Out:   pieces of about a megabyte (1 ms each), which no one changes afterwards.
 * Never: prints a family without series, nor builds a string for a line.
 */

import type { SeriesStore } from '../series/series.js'
import { type Format, familyName, headOf, TRAILERS } from './format.js'
import { type FrozenFamily, freeze } from './frozen.js'
import { NUMBER_BYTES, numberText, writeNumber, writeSeconds } from './number.js'

export interface TextOptions {
  readonly format: Format
  /** OpenMetrics only: when each counter and histogram began, a line a series. */
  readonly created: boolean
}

const LINE_FEED = 10
const PIECE_BYTES = 1 << 20
const CLOSE = Buffer.from('} ')
const TEXT: TextOptions = { format: 'text', created: false }

/** The whole text 0.0.4 of some stores, at once. */
export function render(...stores: SeriesStore[]): Buffer {
  return renderAs(TEXT, ...stores)
}

/** The whole page of some stores, at once: for commands and tests. A server writes piece by piece. */
export function renderAs(options: TextOptions, ...stores: SeriesStore[]): Buffer {
  return Buffer.concat([...pieces(freeze(stores), options), Buffer.from(TRAILERS[options.format])])
}

/** The text of all families but for the end of the page. */
export function* pieces(families: readonly FrozenFamily[], options: TextOptions): Generator<Buffer> {
  for (const family of families) {
    yield Buffer.from(headOf(family.metric, options.format))
    const lines = linesOf(family, options)
    for (let row = 0; row < family.rows.size; ) {
      const { end, bytes } = pieceFrom(lines, row)
      // Not from the pool, and not filled: most of the slack is never touched, so never paid for.
      const out = Buffer.allocUnsafeSlow(bytes)
      yield out.subarray(0, writeRows(lines, row, end, out))
      row = end
    }
  }
}

/** What a family's lines have beside their series' prefix. */
interface Lines {
  readonly family: FrozenFamily
  readonly histogram: boolean
  /** Lines of a series. */
  readonly count: number
  /** Upper bound of the bytes of a line without its prefix. */
  readonly beside: number
  /** Behind the prefix `name_bucket{labels`, a bucket each, +Inf last. */
  readonly tails: readonly Buffer[]
  /** Bytes of the prefix before the labels, and what some lines have there instead. */
  readonly skip: number
  readonly sum: Buffer
  readonly total: Buffer
  /** Undefined when not wanted. */
  readonly created: Buffer | undefined
}

function linesOf(family: FrozenFamily, { format, created }: TextOptions): Lines {
  const { name, labels, type } = family.metric
  const histogram = type === 'histogram'
  const began = created && format === 'openmetrics' && (histogram || (type === 'counter' && name.endsWith('_total')))
  const comma = labels.length === 0 ? '' : ','
  return {
    family,
    histogram,
    count: (histogram ? family.buckets.length + 3 : 1) + (began ? 1 : 0),
    beside: 2 * NUMBER_BYTES + '_created,le=""} \n'.length,
    tails: [...family.buckets, Infinity].map(bound => Buffer.from(`${comma}le="${numberText(bound)}"} `)),
    skip: histogram ? `${name}_bucket`.length : name.length,
    sum: Buffer.from(`${name}_sum`),
    total: Buffer.from(`${name}_count`),
    created: began ? Buffer.from(`${familyName(family.metric, format)}_created`) : undefined,
  }
}

/** Rows from `row` on that fill a piece, one at least, and an upper bound of their bytes. */
function pieceFrom({ family, count, beside }: Lines, row: number): { end: number; bytes: number } {
  const { size, lengths, slots } = family.rows
  let bytes = 0
  let end = row
  while (end < size && bytes < PIECE_BYTES) {
    bytes += count * (lengths[end]! + beside)
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
function writeRows(lines: Lines, from: number, to: number, out: Buffer): number {
  let at = 0
  for (let row = from; row < to; row++) {
    at = lines.histogram ? writeHistogram(lines, row, out, at) : writeSample(lines, row, out, at)
    if (lines.created !== undefined) at = writeCreated(lines, lines.created, row, out, at)
  }
  return at
}

function writeSample({ family }: Lines, row: number, out: Buffer, from: number): number {
  const { rows, values } = family
  const at = writeNumber(out, copyPrefix(family, row, 0, out, from), values[rows.slots[row]!]!)
  out[at] = LINE_FEED
  return at + 1
}

/** HOT: cells hold each bucket's own count; the text wants them cumulated. */
function writeHistogram(lines: Lines, row: number, out: Buffer, from: number): number {
  const { family, tails } = lines
  const { rows, values, exemplars } = family
  const first = rows.slots[row]!
  let at = from
  let cumulated = 0
  for (let bucket = 0; bucket < tails.length; bucket++) {
    cumulated += values[first + bucket]!
    at = copyPrefix(family, row, 0, out, at)
    at = writeValue(tails[bucket]!, cumulated, exemplars?.get(first + bucket), out, at)
  }
  at = writeTotal(lines, lines.sum, row, values[first + tails.length]!, out, at)
  return writeTotal(lines, lines.total, row, cumulated, out, at)
}

function writeTotal(lines: Lines, name: Buffer, row: number, value: number, out: Buffer, at: number): number {
  out.set(name, at)
  const end = copyPrefix(lines.family, row, lines.skip, out, at + name.length)
  return writeValue(CLOSE, value, undefined, out, end)
}

function writeValue(before: Buffer, value: number, behind: Buffer | undefined, out: Buffer, at: number): number {
  out.set(before, at)
  let end = writeNumber(out, at + before.length, value)
  if (behind !== undefined) {
    out.set(behind, end)
    end += behind.length
  }
  out[end] = LINE_FEED
  return end + 1
}

function writeCreated(lines: Lines, name: Buffer, row: number, out: Buffer, from: number): number {
  const { family, histogram, skip } = lines
  out.set(name, from)
  let at = copyPrefix(family, row, skip, out, from + name.length)
  if (histogram) {
    out.set(CLOSE, at)
    at += CLOSE.length
  }
  at = writeSeconds(out, at, family.rows.created[row]!)
  out[at] = LINE_FEED
  return at + 1
}

/** Copy a row's prefix, less its first `skip` bytes, and return the offset behind it. */
function copyPrefix({ rows }: FrozenFamily, row: number, skip: number, out: Buffer, at: number): number {
  const bytes = rows.lengths[row]! - skip
  rows.arena.copy(rows.starts[row]! + skip, bytes, out, at)
  return at + bytes
}
