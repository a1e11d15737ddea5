// SPDX-License-Identifier: Apache-2.0
/**
 * series-expiry.ts - applies the configuration of the flow families, including hubble_*, and expires their idle series.
 *
 * In:    a MetricsConfig at the start and at each reload.
 * Never: keeps the process alive.
 */
import { budgetOf, type MetricsConfig, metricsConfig } from '../exporter/reduce/metrics-config.js'
import type { Reducer } from '../exporter/reduce/reduce.js'
import type { Hubble } from '../hubble/metrics/hubble.js'

/** One pass reads each series once: 2 ms for 100,000. */
const MAX_INTERVAL_MS = 60_000
/** A series is removed at most a quarter of its TTL late. */
const PASSES_PER_TTL = 4

/** The owners of flow families. */
export interface FamilyOwners {
  readonly reducer: Reducer
  readonly hubble: Hubble | undefined
}

export class SeriesExpiry {
  readonly #reducer: Reducer
  readonly #hubble: Hubble | undefined
  #timer: NodeJS.Timeout | undefined

  constructor({ reducer, hubble }: FamilyOwners, config: MetricsConfig) {
    this.#reducer = reducer
    this.#hubble = hubble
    this.apply(config)
  }

  /** Throws if the configuration is invalid, and changes nothing then. */
  apply(chosen: MetricsConfig): void {
    const config = metricsConfig(chosen)
    this.stop()
    this.#reducer.apply(config)
    this.#hubble?.setBudgets(name => budgetOf(config, name))
    const { ttlMs } = config
    const intervalMs = ttlMs === 0 ? MAX_INTERVAL_MS : Math.min(MAX_INTERVAL_MS, ttlMs / PASSES_PER_TTL)
    this.#timer = setInterval(() => this.#expire(ttlMs), intervalMs).unref()
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #expire(ttlMs: number): void {
    this.#reducer.expire(ttlMs)
    this.#hubble?.expire(ttlMs)
  }
}
