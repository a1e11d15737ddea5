// SPDX-License-Identifier: Apache-2.0
/**
 * check.ts - the error for a number over its limit.
 */

/** Throws an Error like `101 filters; allowed: at most 100`. */
export function check(what: string, number: number, max: number): void {
  if (number > max) throw new Error(`${number} ${what}; allowed: at most ${max}`)
}
