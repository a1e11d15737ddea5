// SPDX-License-Identifier: Apache-2.0
/**
 * rates.ts - per-second rates of a few counters over about the last half minute.
 *
 * In:    a function that reads the counters; it is called every ten seconds, so it must be cheap.
 * Out:   increases per second; none until there are two samples.
 */

export type Counts = Readonly<Record<string, number>>

export interface Rate {
  readonly name: string
  /** Per second. */
  readonly value: number
}

const INTERVAL_MS = 10_000
/** Three intervals: kernel tables are flushed at an interval of their own, so a shorter window would jump. */
const SAMPLES = 4

interface Sample {
  readonly at: number
  readonly counts: Counts
}

export class Rates {
  readonly #read: () => Counts
  readonly #samples: Sample[] = []
  readonly #timer: NodeJS.Timeout

  constructor(read: () => Counts, intervalMs = INTERVAL_MS) {
    this.#read = read
    this.#timer = setInterval(() => this.sample(), intervalMs).unref()
    this.sample()
  }

  /** `now`: milliseconds on a monotonic clock. */
  sample(now = performance.now()): void {
    this.#samples.push({ at: now, counts: this.#read() })
    if (this.#samples.length > SAMPLES) this.#samples.shift()
  }

  list(): readonly Rate[] {
    const [first, last] = [this.#samples[0], this.#samples.at(-1)]
    if (first === undefined || last === undefined || first.at === last.at) return []
    const seconds = (last.at - first.at) / 1000
    return Object.entries(last.counts).map(([name, count]) => ({
      name,
      value: Math.max(0, count - (first.counts[name] ?? 0)) / seconds,
    }))
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
