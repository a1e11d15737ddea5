// SPDX-License-Identifier: Apache-2.0
/**
 * exponential.ts - converts explicit buckets to an exponential histogram.
 *
 * In:    a family's finite upper bounds and each bucket's own count, +Inf last.
 * Out:   scale, offset and counts. The caller keeps sum and count exact.
 *
 * An explicit bucket says only that its values lie in (low, high]. All of them go into the exponential bucket that contains
 * `high`, values above the last bound into the bucket after it. So the count of values up to a bound stays correct at the upper
 * end of that bucket, less than one growth factor, 2^(2^-scale), above the bound; a quantile is off by at most the width of the
 * explicit bucket plus that growth. Spreading the values over a bucket would invent data.
 */

/** Buckets grow by 9 %: finer than any of our explicit buckets, so a finer scale adds nothing. */
const MAX_SCALE = 3
/** The usual limit of SDK and receivers. */
const MAX_BUCKETS = 160

export interface Exponential {
  readonly scale: number
  /** Index of the exponential bucket for each explicit one, +Inf last. */
  readonly indexes: readonly number[]
}

/** The mapping of a family: the same for all its series and exports, so that they can be merged. */
export function exponentialOf(bounds: readonly number[]): Exponential {
  for (let scale = MAX_SCALE; ; scale--) {
    const indexes = bounds.map(bound => indexOf(bound, scale))
    indexes.push((indexes.at(-1) ?? -1) + 1)
    if (indexes.at(-1)! - indexes[0]! < MAX_BUCKETS) return { scale, indexes }
  }
}

/** Bucket i holds (2^(i/2^scale), 2^((i+1)/2^scale)]. */
function indexOf(value: number, scale: number): number {
  return Math.ceil(Math.log2(value) * 2 ** scale) - 1
}

/** The counts from the first to the last non-zero one, and the bucket index of the first. */
export function spread(
  { indexes }: Exponential,
  counts: readonly number[],
): { offset: number; bucketCounts: number[] } {
  const first = counts.findIndex(count => count !== 0)
  if (first < 0) return { offset: 0, bucketCounts: [] }
  const last = counts.findLastIndex(count => count !== 0)
  const offset = indexes[first]!
  const bucketCounts = new Array<number>(indexes[last]! - offset + 1).fill(0)
  for (let i = first; i <= last; i++) bucketCounts[indexes[i]! - offset]! += counts[i]!
  return { offset, bucketCounts }
}
