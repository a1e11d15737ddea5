// SPDX-License-Identifier: Apache-2.0
/**
 * backoff.ts - the delay before the next attempt.
 *
 * Out:   milliseconds: 1 s, doubled after each failure up to 30 s, times a random factor from 0.5 to 1, so that the agents of
 *        5,000 nodes do not retry at the same time.
 */

const FIRST_MS = 1_000
const LAST_MS = 30_000

export class Backoff {
  readonly #firstMs: number
  readonly #random: () => number
  #failures = 0

  /** `firstMs` and `random` (0 to 1) for tests. */
  constructor(firstMs = FIRST_MS, random: () => number = Math.random) {
    this.#firstMs = firstMs
    this.#random = random
  }

  /** The delay after a failure. `minMs`: the server's Retry-After; the delay is added to it. */
  next(minMs = 0): number {
    const whole = Math.min(this.#firstMs * 2 ** this.#failures, this.#firstMs * (LAST_MS / FIRST_MS))
    this.#failures++
    const jitter = (whole * (1 + this.#random())) / 2
    return minMs === 0 ? jitter : minMs + jitter
  }

  /** Call after a success. */
  reset(): void {
    this.#failures = 0
  }
}
