/**
 * backoff.ts - how long to wait before the next attempt.
 *
 * Out:   milliseconds from 1 s, twice as long after each failure, to 30 s; each between half and the whole of that, so
 *        that the agents of 5,000 nodes do not come back together.
 */

const FIRST_MS = 1_000
const LAST_MS = 30_000

export class Backoff {
  readonly #firstMs: number
  readonly #random: () => number
  #failures = 0

  /** `firstMs` and `random` (0 to 1): for tests. */
  constructor(firstMs = FIRST_MS, random: () => number = Math.random) {
    this.#firstMs = firstMs
    this.#random = random
  }

  /** After a failure. `leastMs`: what the server asked for (Retry-After), which jitter only lengthens. */
  next(minMs = 0): number {
    const whole = Math.min(this.#firstMs * 2 ** this.#failures, this.#firstMs * (LAST_MS / FIRST_MS))
    this.#failures++
    const jitter = (whole * (1 + this.#random())) / 2
    return minMs === 0 ? jitter : minMs + jitter
  }

  /** After a success. */
  reset(): void {
    this.#failures = 0
  }
}
