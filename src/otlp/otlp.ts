/**
 * otlp.ts - the push of all series by OTLP: when, by which worker, and what became of it.
 *
 * In:    the stores, collect() to bring them up to date, settings.
 * Out:   exports at the interval, the first at a random moment in it, so that a fleet does not push at once; weir_otlp_*.
 * Fail:  what the receiver or the network does ends in an outcome that is counted and logged when it changes. A worker that dies
 *        or hangs is replaced at the next export and counted.
 * Never: has two exports in flight, nor holds this thread for longer than a slice of SLICE_ROWS new rows and one copy of the values.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { SeriesStore } from '../exporter/series/series.js'
import { checkOtlp, type OtlpConfig } from './config.js'
import { ExportThread } from './export-thread.js'
import type { Done } from './message.js'
import { Mirror } from './mirror.js'
import { resourceAttributes } from './resource.js'
import { type Ended, Tally } from './statistics.js'

/** 3 to 6 ms. */
const SLICE_ROWS = 1000
/** A worker that says nothing for so long after its deadline hangs. */
const HANG_MS = 5000
const DIED: Ended = { outcome: 'worker_died', why: 'the worker ended', accepted: 0, rejected: 0, dropped: 0 }
/** A part of the time to stop is for the worker's own end. */
const END_MS = 100

export interface OtlpParts {
  /** For weir_otlp_*. */
  readonly store: SeriesStore
  /** All that are sent, that one included. */
  readonly stores: () => readonly SeriesStore[]
  /** Bring them up to date, synchronously. */
  readonly collect: () => void
  readonly version: string
  readonly env: NodeJS.ProcessEnv
  readonly log: OtlpLog
  /** From 0 to less than 1; for tests. */
  readonly random?: () => number
}

export interface OtlpLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface Otlp {
  /** Rows of the landing page. */
  status(): readonly (readonly [string, string])[]
  /** Export now, unless one is in flight; for tests and benches. Resolves when it ended. */
  exportNow(): Promise<Done | undefined>
  /** Change labels or families with `change` while no export is in flight, so that no difference is lost or told twice. */
  exclusive(change: () => void): Promise<void>
  /** End the worker as a bug would; for tests. */
  killWorker(): Promise<void>
  /** Collect at once, then a last export and the end of the worker, within `deadlineMs`. Twice is fine. */
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
  readonly #tally: Tally
  readonly #thread: ExportThread
  readonly #mirror: Mirror
  #cycle: Promise<Done | undefined> | undefined
  #timer: NodeJS.Timeout | undefined
  #notBefore = 0
  #told = ''
  #workers = 0
  #closed = false

  constructor(config: OtlpConfig, parts: OtlpParts) {
    this.#config = config
    this.#parts = parts
    this.#tally = new Tally(parts.store)
    const { env, version, log } = parts
    const start = { config, resource: resourceAttributes(env, version), version }
    this.#thread = new ExportThread(start, error => log.error({ err: error.message }, 'OTLP worker failed'))
    this.#mirror = new Mirror((message, transfer) => this.#thread.post(message, transfer))
  }

  start(): void {
    const { intervalMs } = this.#config
    const due = (): void => {
      this.#timer = setTimeout(due, intervalMs)
      void this.#due()
    }
    this.#timer = setTimeout(due, intervalMs * (this.#parts.random ?? Math.random)())
  }

  status(): readonly (readonly [string, string])[] {
    return this.#tally.rows()
  }

  async #due(): Promise<void> {
    if (this.#cycle === undefined && performance.now() >= this.#notBefore) return void this.exportNow()
    this.#tally.skipped()
    // Series may go while the receiver wants no export: their last values must be known.
    if (this.#cycle === undefined) await this.#only(() => this.#copy())
  }

  exportNow(withinMs: number = this.#config.exportTimeoutMs): Promise<Done | undefined> {
    return this.#cycle ?? this.#only(() => this.#export(withinMs))
  }

  /** One at a time. */
  #only(work: () => Promise<Done | undefined>): Promise<Done | undefined> {
    this.#cycle = work().finally(() => {
      this.#cycle = undefined
    })
    return this.#cycle
  }

  /** Rows and values, with no export. */
  async #copy(): Promise<undefined> {
    await this.#ready()
    await this.#sync()
    await this.#hear()
  }

  /** What was told is known, so that cells of rows that went may be given to others. */
  async #hear(): Promise<void> {
    this.#thread.post({ kind: 'hear' })
    await this.#thread.answer('heard', HANG_MS)
    this.#mirror.heard()
  }

  async exclusive(change: () => void): Promise<void> {
    while (this.#cycle !== undefined) await this.#cycle
    if (this.#closed) change()
    else await this.#only(() => this.#around(change))
  }

  /** Slices first and last; what came since the last slice, the change, and the values that it moved, in one go. */
  async #around(change: () => void): Promise<undefined> {
    await this.#copy()
    const stores = this.#parts.stores
    this.#parts.collect()
    this.#mirror.sync(stores(), Date.now(), Number.POSITIVE_INFINITY)
    change()
    this.#mirror.take(stores(), Date.now())
    await this.#sync()
    await this.#hear()
  }

  async killWorker(): Promise<void> {
    await this.#thread.end()
  }

  async close(deadlineMs: number): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    clearTimeout(this.#timer)
    const until = performance.now() + deadlineMs
    this.#parts.collect()
    // A receiver that does not answer in half of the time would not answer a last export either.
    if (this.#cycle === undefined || (await inTime(this.#cycle, deadlineMs / 2))) {
      const left = until - performance.now() - END_MS
      if (left > 0) await inTime(this.exportNow(left), left)
    }
    await this.#thread.end()
  }

  async #export(withinMs: number): Promise<Done | undefined> {
    await this.#ready()
    const begun = performance.now()
    const time = await this.#sync()
    this.#thread.post({ kind: 'export', time, withinMs })
    const done = await this.#thread.answer('done', withinMs + HANG_MS)
    this.#mirror.heard()
    const ended: Ended = done ?? DIED
    this.#notBefore = performance.now() + (done?.pauseMs ?? 0)
    this.#tally.ended(ended, (performance.now() - begun) / 1000)
    this.#log(ended)
    return done
  }

  /** In slices of this thread's time; the instant that the values are of. */
  async #sync(): Promise<number> {
    for (;;) {
      const begun = performance.now()
      const now = Date.now()
      const complete = this.#mirror.sync(this.#parts.stores(), now, SLICE_ROWS)
      this.#tally.held((performance.now() - begun) / 1000)
      if (complete) return now
      await nextTurn()
    }
  }

  /** There is a worker that knows what a worker must know, and the stores are up to date. */
  async #ready(): Promise<void> {
    if (!this.#thread.alive) {
      if (this.#workers++ > 0) this.#tally.restarted()
      this.#thread.start()
      this.#mirror.greet()
    }
    if (!this.#closed) this.#parts.collect()
    await this.#thread.loaded()
  }

  /** A line when things change, not one an export. */
  #log({ outcome, why, rejected, dropped }: Ended): void {
    if (outcome === this.#told) return
    const { log } = this.#parts
    const fields = {
      outcome,
      url: this.#config.url,
      ...(why && { err: why }),
      ...(rejected && { rejected }),
      ...(dropped && { dropped }),
    }
    if (outcome === 'success') log.info(fields, 'OTLP export succeeded')
    else log.warn(fields, 'OTLP export failed')
    this.#told = outcome
  }
}

async function inTime(promise: Promise<unknown>, ms: number): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<boolean>(resolve => {
    timer = setTimeout(resolve, ms, false)
  })
  const kept = await Promise.race([promise.then(() => true), late])
  clearTimeout(timer)
  return kept
}
