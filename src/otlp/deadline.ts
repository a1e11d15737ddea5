// SPDX-License-Identifier: Apache-2.0
/**
 * deadline.ts - waits for a promise, but not for longer than a limit.
 */

/** Whether `promise` resolves within `ms` milliseconds; it goes on after that. Rejects if the promise rejects in time. */
export async function resolvesWithin(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const timeout = new Promise<boolean>(resolve => {
    timer = setTimeout(resolve, Math.max(0, ms), false)
  })
  try {
    return await Promise.race([promise.then(() => true), timeout])
  } finally {
    clearTimeout(timer)
  }
}
