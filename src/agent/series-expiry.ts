/**
 * series-expiry.ts - the families of flows as configured, hubble_* ones too, and a timer that removes their series that rest.
 *
 * In:    a MetricsConfig at the start, others at reloads.
 * Never: keeps the process alive.
 */
import { budgetOf, type MetricsConfig, metricsConfig } from '../exporter/reduce/metrics-config.js'
import type { Reducer } from '../exporter/reduce/reduce.js'
import type { Hubble } from '../hubble/metrics/hubble.js'

/** A sweep reads each series once: 2 ms for 100,000. */
const MOST_MS = 60_000
/** A series goes at most a quarter of its TTL late. */
const SWEEPS = 4

/** What has families of flows. */
export interface Swept {
  readonly reducer: Reducer
  readonly hubble: Hubble | undefined
}

export class SeriesExpiry {
  readonly #reducer: Reducer
  readonly #hubble: Hubble | undefined
  #timer: NodeJS.Timeout | undefined

  constructor({ reducer, hubble }: Swept, config: MetricsConfig) {
    this.#reducer = reducer
    this.#hubble = hubble
    this.apply(config)
  }

  /** From now on. Throws, and changes nothing, when the configuration is none. */
  apply(chosen: MetricsConfig): void {
    const config = metricsConfig(chosen)
    this.stop()
    this.#reducer.apply(config)
    this.#hubble?.setBudgets(name => budgetOf(config, name))
    const { ttlMs } = config
    const every = ttlMs === 0 ? MOST_MS : Math.min(MOST_MS, ttlMs / SWEEPS)
    this.#timer = setInterval(() => this.#sweep(ttlMs), every).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #sweep(ttlMs: number): void {
    this.#reducer.expire(ttlMs)
    this.#hubble?.expire(ttlMs)
  }
}
