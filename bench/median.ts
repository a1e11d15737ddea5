/**
 * median.ts - the median of several measurements, which a burst of load on a shared machine does not move.
 */

/** The middle value, or the mean of the two middle ones. Throws if there are no values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle]
  if (upper === undefined) throw new Error('median of no values')
  return sorted.length % 2 === 1 ? upper : (sorted[middle - 1]! + upper) / 2
}

/** The median of `times` calls of `take`. */
export function medianOf(times: number, take: () => number): number {
  return median(Array.from({ length: times }, take))
}
