// SPDX-License-Identifier: Apache-2.0
/**
 * otlp-push.ts - the OTLP push of a running exporter.
 *
 * Never: loads OpenTelemetry's SDK before start().
 */
import { type Collecting, collectInto } from '../exporter/http/collect.js'
import type { LineLog } from '../lib/log-limit.js'
import { VERSION } from '../lib/version.js'
import type { OtlpConfig } from '../otlp/config.js'
import type { Otlp } from '../otlp/otlp.js'
import { type Exporter, otherStores } from './exporter.js'

export class OtlpPush {
  readonly #config: OtlpConfig
  readonly #exporter: Exporter
  readonly #collecting: Collecting
  readonly #log: LineLog
  #otlp: Otlp | undefined

  /** `collecting`: brings the series up to date before each export. */
  constructor(config: OtlpConfig, exporter: Exporter, collecting: Collecting, log: LineLog) {
    this.#config = config
    this.#exporter = exporter
    this.#collecting = collecting
    this.#log = log
  }

  async start(): Promise<void> {
    const { startOtlp } = await import('../otlp/otlp.js')
    const exporter = this.#exporter
    this.#otlp = await startOtlp(this.#config, {
      store: exporter.store,
      stores: () => [exporter.store, ...otherStores(exporter)],
      collect: () => collectInto(this.#collecting),
      version: VERSION,
      env: process.env,
      log: this.#log,
    })
  }

  /** Changes families or labels with `change` between two exports, so that no count is lost. */
  async exclusive(change: () => void): Promise<void> {
    if (this.#otlp === undefined) change()
    else await this.#otlp.exclusive(change)
  }

  /** For the landing page. */
  status(): readonly (readonly [string, string])[] {
    return this.#otlp?.status() ?? []
  }

  /** Sends a last export within `deadlineMs`. Collects for it before the first await. */
  async close(deadlineMs: number): Promise<void> {
    await this.#otlp?.close(deadlineMs)
  }
}
