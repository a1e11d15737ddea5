// SPDX-License-Identifier: Apache-2.0
/**
 * export-thread.ts - runs the worker thread of the push.
 *
 * In:    messages for the worker; the kind of reply to wait for, and how long.
 * Out:   that reply.
 * Fail:  a worker that exits or hangs gives no reply; start() starts a new one.
 */
import { Worker } from 'node:worker_threads'
import type { FromWorker, ToWorker, WorkerStart } from './message.js'

/** The SDK loads some 600 files. */
const LOAD_MS = 60_000

interface PendingReply {
  readonly kind: FromWorker['kind']
  settle(reply: FromWorker | undefined): void
}

export class ExportThread {
  readonly #start: WorkerStart
  readonly #onError: (error: Error) => void
  #worker: Worker | undefined
  #loaded = false
  #pending: PendingReply | undefined

  constructor(start: WorkerStart, onError: (error: Error) => void) {
    this.#start = start
    this.#onError = onError
  }

  get running(): boolean {
    return this.#worker !== undefined
  }

  /** Starts a worker with no series. */
  start(): void {
    const program = new URL('./worker.js', import.meta.url)
    const worker = new Worker(program, { workerData: this.#start, env: withoutOtel(process.env), name: 'otlp' })
    this.#worker = worker
    worker.on('message', (reply: FromWorker) => this.#receive(reply))
    worker.on('error', this.#onError)
    worker.on('exit', () => {
      this.#worker = undefined
      this.#loaded = false
      this.#pending?.settle(undefined)
    })
    worker.unref()
  }

  /** Does nothing without a worker: the next one gets everything again. */
  post(message: ToWorker, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker?.postMessage(message, transfer)
  }

  /** Waits until the worker has loaded its libraries or exited. */
  async loaded(): Promise<void> {
    if (!this.#loaded) await this.reply('ready', LOAD_MS)
  }

  /** The next reply of this kind; undefined when the worker exits. Terminates a worker that does not reply in `hangMs`. */
  async reply<K extends FromWorker['kind']>(kind: K, hangMs: number): Promise<(FromWorker & { kind: K }) | undefined> {
    if (this.#worker === undefined) return undefined
    const hang = setTimeout(() => void this.stop(), hangMs)
    const reply = await new Promise<FromWorker | undefined>(settle => {
      this.#pending = { kind, settle }
    })
    clearTimeout(hang)
    this.#pending = undefined
    return reply as (FromWorker & { kind: K }) | undefined
  }

  async stop(): Promise<void> {
    await this.#worker?.terminate()
  }

  #receive(reply: FromWorker): void {
    if (reply.kind === 'ready') this.#loaded = true
    if (reply.kind === this.#pending?.kind) this.#pending.settle(reply)
  }
}

/** The settings already contain the OTEL_* variables; the SDK would read them a second time and mix them in. */
function withoutOtel(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('OTEL_')))
}
