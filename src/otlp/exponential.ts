/**
 * exponential.ts - explicit buckets as an exponential histogram.
 *
 * In:    a family's finite upper bounds and the own count of each bucket, +Inf last.
 * Out:   scale, offset and counts. Sum and count are kept exactly by the caller.
 *
 * An explicit bucket says that values lay in (low, high] and no more. All of them go into the exponential bucket that holds
 * `high`; values past the last bound into the next bucket after it. So a count of values up to a bound stays true at the end of
 * that bucket, which lies less than one bucket's growth, 2^(2^-scale), above the bound; a quantile is off by at most the width
 * of the explicit bucket and that growth. To spread the values inside a bucket would be to invent them.
 */

/** 9 % a bucket: finer than any of our explicit buckets, so finer would say nothing. */
const FINEST = 3
/** The SDK's and the receivers' usual most. */
const MAX_BUCKETS = 160

export interface Exponential {
  readonly scale: number
  /** Index of the exponential bucket for each explicit one, +Inf last. */
  readonly places: readonly number[]
}

/** Where the counts of a family go: the same for all its series and for all time, so that they can be merged. */
export function exponentialOf(bounds: readonly number[]): Exponential {
  for (let scale = FINEST; ; scale--) {
    const places = bounds.map(bound => placeOf(bound, scale))
    places.push((places.at(-1) ?? -1) + 1)
    if (places.at(-1)! - places[0]! < MAX_BUCKETS) return { scale, places }
  }
}

/** Bucket i holds (2^(i/2^scale), 2^((i+1)/2^scale)]. */
function placeOf(value: number, scale: number): number {
  return Math.ceil(Math.log2(value) * 2 ** scale) - 1
}

/** Counts between the first and the last that is not 0, and the place of the first. */
export function spread({ places }: Exponential, counts: readonly number[]): { offset: number; bucketCounts: number[] } {
  const first = counts.findIndex(count => count !== 0)
  if (first < 0) return { offset: 0, bucketCounts: [] }
  const last = counts.findLastIndex(count => count !== 0)
  const offset = places[first]!
  const bucketCounts = new Array<number>(places[last]! - offset + 1).fill(0)
  for (let i = first; i <= last; i++) bucketCounts[places[i]! - offset]! += counts[i]!
  return { offset, bucketCounts }
}
