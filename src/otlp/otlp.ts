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
import type { Worker } from 'node:worker_threads'
import { startThread } from '../datapath/thread.js'
import type { SeriesStore } from '../exporter/series.js'
import { checkOtlp, type OtlpConfig } from './config.js'
import type { Done, Ready, ToWorker, WorkerStart } from './message.js'
import { Mirror } from './mirror.js'
import { resourceAttributes } from './resource.js'
import { type Ended, Tally } from './tally.js'

/** 3 to 6 ms. */
const SLICE_ROWS = 1000
/** A worker that says nothing for so long after its deadline hangs. */
const HANG_MS = 5000
/** The SDK has some 600 files to load. */
const LOAD_MS = 60_000
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
  /** Change labels or names of many series with `change` while no export is in flight, so that differences stay exact. */
  around(change: () => void): Promise<void>
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

type FromWorker = Done | Ready

class Push implements Otlp {
  readonly #config: OtlpConfig
  readonly #parts: OtlpParts
  readonly #tally: Tally
  readonly #mirror = new Mirror((message, transfer) => this.#worker?.postMessage(message, transfer ?? []))
  readonly #start: WorkerStart
  #worker: Worker | undefined
  #settle: ((answer: FromWorker | undefined) => void) | undefined
  #loaded = false
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
    this.#start = { config, resource: resourceAttributes(parts.env, parts.version), version: parts.version }
  }

  start(): void {
    const { intervalMs } = this.#config
    const due = (): void => {
      this.#timer = setTimeout(due, intervalMs)
      if (performance.now() < this.#notBefore || this.#cycle !== undefined) this.#tally.skipped()
      else void this.exportNow()
    }
    this.#timer = setTimeout(due, intervalMs * (this.#parts.random ?? Math.random)())
  }

  status(): readonly (readonly [string, string])[] {
    return this.#tally.rows()
  }

  exportNow(withinMs: number = this.#config.exportTimeoutMs): Promise<Done | undefined> {
    this.#cycle ??= this.#export(withinMs).finally(() => {
      this.#cycle = undefined
    })
    return this.#cycle
  }

  async around(change: () => void): Promise<void> {
    await this.#cycle
    this.#copy()
    change()
    this.#copy()
  }

  async killWorker(): Promise<void> {
    await this.#worker?.terminate()
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
    await this.#worker?.terminate()
  }

  async #export(withinMs: number): Promise<Done | undefined> {
    this.#ready()
    if (!this.#closed) this.#parts.collect()
    this.#loaded ||= (await this.#answer(LOAD_MS)) !== undefined
    const begun = performance.now()
    this.#mirror.begin()
    const time = await this.#sync()
    this.#worker?.postMessage({ kind: 'export', time, withinMs } satisfies ToWorker)
    const done = (await this.#answer(withinMs + HANG_MS)) as Done | undefined
    const ended: Ended = done ?? {
      outcome: 'worker_died',
      why: 'the worker ended',
      accepted: 0,
      rejected: 0,
      dropped: 0,
    }
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

  /** At once: labels are about to change, and have changed. */
  #copy(): void {
    this.#ready()
    this.#mirror.begin()
    this.#mirror.sync(this.#parts.stores(), Date.now(), Number.POSITIVE_INFINITY)
  }

  /** There is a worker, and it knows what a worker must know. */
  #ready(): void {
    if (this.#worker !== undefined) return
    if (this.#workers++ > 0) this.#tally.restarted()
    this.#worker = this.#spawn()
    this.#mirror.greet()
  }

  #spawn(): Worker {
    const program = new URL('./worker.js', import.meta.url)
    const worker = startThread(program, { workerData: this.#start, env: withoutOtel(process.env), name: 'otlp' })
    worker.on('message', (answer: FromWorker) => this.#settle?.(answer))
    worker.on('error', error => this.#parts.log.error({ err: error.message }, 'OTLP worker failed'))
    worker.on('exit', () => {
      this.#worker = undefined
      this.#loaded = false
      this.#settle?.(undefined)
    })
    worker.unref()
    return worker
  }

  /** What the worker says next, or nothing when it ends or hangs. */
  async #answer(hangMs: number): Promise<FromWorker | undefined> {
    const { promise, settle } = settleable()
    this.#settle = settle
    if (this.#worker === undefined) settle(undefined)
    const hang = setTimeout(() => void this.#worker?.terminate(), hangMs)
    const answer = await promise
    clearTimeout(hang)
    this.#settle = undefined
    return answer
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

function settleable(): { promise: Promise<FromWorker | undefined>; settle: (answer: FromWorker | undefined) => void } {
  let settle: (answer: FromWorker | undefined) => void = () => undefined
  const promise = new Promise<FromWorker | undefined>(resolve => {
    settle = resolve
  })
  return { promise, settle }
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

/** All that these variables can say, the settings say: the SDK would mix in what it reads itself. */
function withoutOtel(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('OTEL_')))
}
