// SPDX-License-Identifier: Apache-2.0
/**
 * deadline.ts - waits for a promise, but not for longer than a limit.
 */

/** Longest delay of a Node timer in milliseconds; a longer one would fire at once. */
const MAX_DELAY_MS = 2 ** 31 - 1

/**
 * The result of `promise`, or `late` if it takes longer than `ms` milliseconds; it goes on after that. No limit if `ms` is
 * longer than a timer can wait. Rejects if the promise rejects in time.
 */
export async function within<T, L>(ms: number, promise: Promise<T>, late: L): Promise<T | L> {
  if (ms > MAX_DELAY_MS) return promise
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<L>(resolve => {
    timer = setTimeout(() => resolve(late), Math.max(0, ms))
  })
  try {
    return await Promise.race([promise, timeout])
  } finally {
    clearTimeout(timer)
  }
}

/** Whether `promise` resolves within `ms` milliseconds. Rejects if it rejects in time. */
export function resolvesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  return within(
    ms,
    promise.then(() => true),
    false,
  )
}
