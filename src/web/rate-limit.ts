// SPDX-License-Identifier: Apache-2.0
/**
 * rate-limit.ts - a token bucket for all requests: `burst` at once, one more every interval.
 *
 * Never: uses a timer; allow() refills the bucket by the clock.
 */
export class RateLimit {
  readonly #intervalMs: number
  readonly #burst: number
  readonly #now: () => number
  #tokens: number
  #at: number

  constructor(
    { intervalMs, burst }: { intervalMs: number; burst: number },
    now: () => number = () => performance.now(),
  ) {
    this.#intervalMs = intervalMs
    this.#burst = burst
    this.#now = now
    this.#tokens = burst
    this.#at = now()
  }

  /** Takes a token; false when there is none. */
  allow(): boolean {
    const now = this.#now()
    this.#tokens = Math.min(this.#burst, this.#tokens + (now - this.#at) / this.#intervalMs)
    this.#at = now
    if (this.#tokens < 1) return false
    this.#tokens--
    return true
  }
}
