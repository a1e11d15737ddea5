/**
 * text.ts - the series of a store as Prometheus text, format 0.0.4.
 *
 * In:    stores, at rest while this runs (everything here is synchronous).
 * Out:   one buffer of its own, so it stays as it is while it is being sent.
 * Never: prints a family without series, nor builds a string for a line.
 *
 * https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format
 */
import { M } from './catalog.js'
import { NUMBER_BYTES, numberText, writeNumber } from './number.js'
import type { Family, SeriesStore, Slot } from './series.js'

export const CONTENT_TYPE = 'text/plain; version=0.0.4; charset=utf-8'

const LINE_FEED = 10
const PLACE = new Map<string, number>(Object.values(M).map((metric, place) => [metric.name, place]))

/** The exposition: families in the order of the catalogue, unknown ones last, series in the order they were made. */
export function render(...stores: SeriesStore[]): Buffer {
  const owners = new Map(stores.flatMap(store => store.families().map(family => [family, store] as const)))
  const families = [...owners.keys()].filter(family => family.size > 0)
  families.sort((a, b) => place(a) - place(b))
  const heads = families.map(head)
  // Not from the pool, and not filled: most of the estimate's slack is never touched, so never paid for.
  const out = Buffer.allocUnsafeSlow(families.reduce((sum, f, i) => sum + heads[i]!.length + estimate(f), 0))
  let at = 0
  families.forEach((family, i) => {
    const store = owners.get(family)!
    out.set(heads[i]!, at)
    at += heads[i]!.length
    at =
      family.metric.type === 'histogram'
        ? writeHistograms(store, family, out, at)
        : writeSamples(store, family, out, at)
  })
  return out.subarray(0, at)
}

function place(family: Family): number {
  return PLACE.get(family.metric.name) ?? PLACE.size
}

function head(family: Family): Buffer {
  const { name, help, type } = family.metric
  const text = help.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
  return Buffer.from(`# HELP ${name} ${text}\n# TYPE ${name} ${type}\n`)
}

/** An upper bound in bytes of a family's lines: prefix, ` le="BOUND"} `, number, line feed. */
function estimate(family: Family): number {
  const histogram = family.metric.type === 'histogram'
  const lines = histogram ? family.buckets.length + 3 : 1
  const beside = NUMBER_BYTES + 1 + (histogram ? NUMBER_BYTES + 8 : 0)
  return lines * (family.prefixBytes + family.size * beside)
}

/** HOT: `npm run bench scrape` */
function writeSamples(store: SeriesStore, family: Family, out: Buffer, from: number): number {
  let at = from
  for (let row = 0; row < family.size; row++) {
    at = family.copyPrefix(row, 0, out, at)
    at = writeNumber(out, at, store.get(family.slot(row)))
    out[at++] = LINE_FEED
  }
  return at
}

/** What a histogram's lines have beside their series' prefix. */
interface Histogram {
  readonly family: Family
  /** Behind the prefix `name_bucket{labels`, a bucket each, +Inf last. */
  readonly tails: readonly Buffer[]
  /** Bytes of the prefix before `{`, and what _sum and _count have there instead. */
  readonly skip: number
  readonly sum: Buffer
  readonly count: Buffer
}

function histogramOf(family: Family): Histogram {
  const { name, labels } = family.metric
  const comma = labels.length === 0 ? '' : ','
  return {
    family,
    tails: [...family.buckets, Infinity].map(bound => Buffer.from(`${comma}le="${numberText(bound)}"} `)),
    skip: `${name}_bucket`.length,
    sum: Buffer.from(`${name}_sum`),
    count: Buffer.from(`${name}_count`),
  }
}

const CLOSE = Buffer.from('} ')

function writeHistograms(store: SeriesStore, family: Family, out: Buffer, from: number): number {
  const histogram = histogramOf(family)
  let at = from
  for (let row = 0; row < family.size; row++) at = writeHistogram(store, histogram, row, out, at)
  return at
}

/** HOT: cells hold each bucket's own count; the text wants them cumulated. */
function writeHistogram(store: SeriesStore, histogram: Histogram, row: number, out: Buffer, from: number): number {
  const { family, tails } = histogram
  const first = family.slot(row)
  let at = from
  let cumulated = 0
  for (let bucket = 0; bucket < tails.length; bucket++) {
    cumulated += store.get((first + bucket) as Slot)
    at = family.copyPrefix(row, 0, out, at)
    at = writeValue(tails[bucket]!, cumulated, out, at)
  }
  at = writeTotal(histogram, histogram.sum, row, store.get((first + tails.length) as Slot), out, at)
  return writeTotal(histogram, histogram.count, row, cumulated, out, at)
}

function writeTotal(of: Histogram, name: Buffer, row: number, value: number, out: Buffer, at: number): number {
  out.set(name, at)
  return writeValue(CLOSE, value, out, of.family.copyPrefix(row, of.skip, out, at + name.length))
}

function writeValue(before: Buffer, value: number, out: Buffer, at: number): number {
  out.set(before, at)
  const end = writeNumber(out, at + before.length, value)
  out[end] = LINE_FEED
  return end + 1
}
