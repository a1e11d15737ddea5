/**
 * median.ts - the middle of several measurements: a neighbour's burst on a shared machine does not move it.
 */

/** The middle value; of an even number, the mean of the two. Throws on none. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = sorted.length >> 1
  const upper = sorted[middle]
  if (upper === undefined) throw new Error('median of nothing')
  return sorted.length % 2 === 1 ? upper : (sorted[middle - 1]! + upper) / 2
}

/** `take` called `times` times. */
export function medianOf(times: number, take: () => number): number {
  return median(Array.from({ length: times }, take))
}
