/**
 * series-sweep.ts - the flow families as configured, and a timer that removes their series that rest.
 *
 * In:    a MetricsConfig at the start, others at reloads.
 * Never: keeps the process alive.
 */
import { type MetricsConfig, metricsConfig } from '../exporter/metrics-config.js'
import type { Reducer } from '../exporter/reduce.js'

/** A sweep reads each series once: 2 ms for 100,000. */
const MOST_MS = 60_000
/** A series goes at most a quarter of its TTL late. */
const SWEEPS = 4

export class SeriesSweep {
  readonly #reducer: Reducer
  #timer: NodeJS.Timeout | undefined

  constructor(reducer: Reducer, config: MetricsConfig) {
    this.#reducer = reducer
    this.apply(config)
  }

  /** From now on. Throws, and changes nothing, when the configuration is none. */
  apply(chosen: MetricsConfig): void {
    const config = metricsConfig(chosen)
    this.stop()
    this.#reducer.apply(config)
    const { ttlMs } = config
    const every = ttlMs === 0 ? MOST_MS : Math.min(MOST_MS, ttlMs / SWEEPS)
    this.#timer = setInterval(() => this.#reducer.sweep(ttlMs), every).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }
}
