// SPDX-License-Identifier: Apache-2.0
/**
 * otlp.ts - pushes all series by OTLP at an interval, through a worker thread.
 *
 * In:    the stores, collect() to bring them up to date, settings.
 * Out:   exports, the first at a random time within the interval so that a fleet does not push at once; weir_otlp_*.
 * Fail:  every failure of receiver or network is a result, counted, and logged when it changes. A worker that dies or hangs is
 *        replaced at the next export and counted.
 * Never: runs two exports at a time, nor blocks this thread for longer than SLICE_SERIES new series and one copy of the values.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SeriesStore } from '../exporter/series/series.js'
import { resolvesWithin } from '../lib/deadline.js'
import { shownUrl } from '../lib/shown-url.js'
import { checkOtlp, type OtlpConfig } from './config.js'
import { ExportThread } from './export-thread.js'
import type { Done } from './message.js'
import { Mirror } from './mirror.js'
import { resourceAttributes } from './resource.js'
import { ExportStatistics, type ExportSummary } from './statistics.js'

/** 3 to 6 ms. */
const SLICE_SERIES = 1000
/** A worker that has not replied this long after its deadline is taken to hang. */
const HANG_MS = 5000
const WORKER_DIED: ExportSummary = {
  result: 'worker_died',
  detail: 'the worker exited',
  accepted: 0,
  rejected: 0,
  dropped: 0,
}
/** Time reserved for terminating the worker. */
const TERMINATE_MS = 100

export interface OtlpParts {
  /** The store of weir_otlp_*. */
  readonly store: SeriesStore
  /** All stores to export, including `store`. */
  readonly stores: () => readonly SeriesStore[]
  /** Brings the stores up to date, synchronously. */
  readonly collect: () => void
  readonly version: string
  readonly env: NodeJS.ProcessEnv
  readonly log: OtlpLog
  /** From 0 to less than 1. For tests. */
  readonly random?: () => number
}

export interface OtlpLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface Otlp {
  /** Entries for the landing page: name and text. */
  status(): readonly (readonly [string, string])[]
  /** Exports now, or joins the export in flight. Resolves when it has finished. For tests and benches. */
  exportNow(): Promise<Done | undefined>
  /** Runs `change`, which changes labels or families, while no export is in flight: no delta is lost or exported twice. */
  exclusive(change: () => void): Promise<void>
  /** Terminates the worker as a bug would. For tests. */
  killWorker(): Promise<void>
  /** Collects at once, then exports a last time and terminates the worker, within `deadlineMs`. May be called twice. */
  close(deadlineMs: number): Promise<void>
}

/** Throws when a setting is wrong. */
export async function startOtlp(config: OtlpConfig, parts: OtlpParts): Promise<Otlp> {
  checkOtlp(config)
  const push = new Push(config, parts)
  push.start()
  return push
}

class Push implements Otlp {
  readonly #config: OtlpConfig
  readonly #parts: OtlpParts
  readonly #statistics: ExportStatistics
  readonly #thread: ExportThread
  readonly #mirror: Mirror
  #current: Promise<Done | undefined> | undefined
  #timer: NodeJS.Timeout | undefined
  #notBefore = 0
  #loggedResult = ''
  #workers = 0
  #closed = false

  constructor(config: OtlpConfig, parts: OtlpParts) {
    this.#config = config
    this.#parts = parts
    this.#statistics = new ExportStatistics(parts.store)
    const { env, version, log } = parts
    const start = { config, resource: resourceAttributes(env, version), version }
    this.#thread = new ExportThread(start, error => log.error({ err: error.message }, 'OTLP worker failed'))
    this.#mirror = new Mirror((message, transfer) => this.#thread.post(message, transfer))
  }

  start(): void {
    const { intervalMs } = this.#config
    const onTimer = (): void => {
      this.#timer = setTimeout(onTimer, intervalMs)
      void this.#onInterval()
    }
    this.#timer = setTimeout(onTimer, intervalMs * (this.#parts.random ?? Math.random)())
  }

  status(): readonly (readonly [string, string])[] {
    return this.#statistics.status()
  }

  async #onInterval(): Promise<void> {
    if (this.#current === undefined && performance.now() >= this.#notBefore) return void this.exportNow()
    this.#statistics.skipped()
    // Series may be removed while the receiver wants no export: copy their last values.
    if (this.#current === undefined) await this.#runAlone(() => this.#copy())
  }

  exportNow(withinMs: number = this.#config.exportTimeoutMs): Promise<Done | undefined> {
    return this.#current ?? this.#runAlone(() => this.#export(withinMs))
  }

  /** Only while `#current` is undefined: one piece of work at a time. */
  #runAlone(work: () => Promise<Done | undefined>): Promise<Done | undefined> {
    this.#current = work().finally(() => {
      this.#current = undefined
    })
    return this.#current
  }

  /** Series and values, without an export. */
  async #copy(): Promise<undefined> {
    await this.#prepare()
    await this.#sync()
    await this.#awaitAcknowledged()
  }

  /** Waits until the worker has processed all messages, so that the cells of removed series can be reused. */
  async #awaitAcknowledged(): Promise<void> {
    this.#thread.post({ kind: 'acknowledge' })
    await this.#thread.reply('acknowledged', HANG_MS)
    this.#mirror.acknowledged()
  }

  async exclusive(change: () => void): Promise<void> {
    while (this.#current !== undefined) await this.#current
    if (this.#closed) change()
    else await this.#runAlone(() => this.#runExclusive(change))
  }

  /** Copies in slices before and after; the final copy, the change and the copy of the moved values run in one turn. */
  async #runExclusive(change: () => void): Promise<undefined> {
    await this.#copy()
    const stores = this.#parts.stores
    this.#parts.collect()
    this.#mirror.sync(stores(), Date.now(), Number.POSITIVE_INFINITY)
    change()
    this.#mirror.adopt(stores(), Date.now())
    await this.#sync()
    await this.#awaitAcknowledged()
  }

  async killWorker(): Promise<void> {
    await this.#thread.stop()
  }

  async close(deadlineMs: number): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    const until = performance.now() + deadlineMs
    this.#parts.collect()
    // A receiver that does not answer within half of the time would not answer a last export either.
    if (this.#current === undefined || (await resolvesWithin(this.#current, deadlineMs / 2))) {
      const left = until - performance.now() - TERMINATE_MS
      if (left > 0) await resolvesWithin(this.exportNow(left), left)
    }
    await this.#thread.stop()
  }

  async #export(withinMs: number): Promise<Done | undefined> {
    await this.#prepare()
    const startMs = performance.now()
    const time = await this.#sync()
    this.#thread.post({ kind: 'export', time, withinMs })
    const done = await this.#thread.reply('done', withinMs + HANG_MS)
    this.#mirror.acknowledged()
    const summary: ExportSummary = done ?? WORKER_DIED
    this.#notBefore = performance.now() + (done?.pauseMs ?? 0)
    this.#statistics.exported(summary, (performance.now() - startMs) / 1000)
    this.#log(summary)
    return done
  }

  /** Copies in slices; returns the time of the values. */
  async #sync(): Promise<number> {
    for (;;) {
      const startMs = performance.now()
      const now = Date.now()
      const complete = this.#mirror.sync(this.#parts.stores(), now, SLICE_SERIES)
      this.#statistics.blocked((performance.now() - startMs) / 1000)
      if (complete) return now
      await nextTurn()
    }
  }

  /** Ensures a loaded worker with a current mirror, and up-to-date stores. */
  async #prepare(): Promise<void> {
    if (!this.#thread.running) {
      if (this.#workers++ > 0) this.#statistics.workerRestarted()
      this.#thread.start()
      this.#mirror.resync()
    }
    if (!this.#closed) this.#parts.collect()
    await this.#thread.loaded()
  }

  /** One line when the result changes, not one per export. */
  #log({ result, detail, rejected, dropped }: ExportSummary): void {
    if (result === this.#loggedResult) return
    const { log } = this.#parts
    const fields = {
      result,
      url: shownUrl(this.#config.url),
      ...(detail && { err: detail }),
      ...(rejected && { rejected }),
      ...(dropped && { dropped }),
    }
    if (result === 'success') log.info(fields, 'OTLP export succeeded')
    else log.warn(fields, 'OTLP export failed')
    this.#loggedResult = result
  }
}
