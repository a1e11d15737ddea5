/**
 * export-thread.ts - the worker thread of the push: started, spoken to, waited for, ended.
 *
 * In:    messages for the worker; for which answer to wait, and how long.
 * Out:   that answer.
 * Fail:  a worker that ends or hangs is no answer; start() starts another one.
 */
import { Worker } from 'node:worker_threads'
import type { FromWorker, ToWorker, WorkerStart } from './message.js'

/** The SDK has some 600 files to load. */
const LOAD_MS = 60_000

interface Waiting {
  readonly kind: FromWorker['kind']
  settle(answer: FromWorker | undefined): void
}

export class ExportThread {
  readonly #start: WorkerStart
  readonly #onError: (error: Error) => void
  #worker: Worker | undefined
  #loaded = false
  #waiting: Waiting | undefined

  constructor(start: WorkerStart, onError: (error: Error) => void) {
    this.#start = start
    this.#onError = onError
  }

  get alive(): boolean {
    return this.#worker !== undefined
  }

  /** Start a worker that knows nothing. */
  start(): void {
    const program = new URL('./worker.js', import.meta.url)
    const worker = new Worker(program, { workerData: this.#start, env: withoutOtel(process.env), name: 'otlp' })
    this.#worker = worker
    worker.on('message', (answer: FromWorker) => this.#heard(answer))
    worker.on('error', this.#onError)
    worker.on('exit', () => {
      this.#worker = undefined
      this.#loaded = false
      this.#waiting?.settle(undefined)
    })
    worker.unref()
  }

  /** To nobody when there is no worker: the next one is told all anew. */
  post(message: ToWorker, transfer: readonly ArrayBuffer[] = []): void {
    this.#worker?.postMessage(message, transfer)
  }

  /** Wait until its libraries are there, or it ends. */
  async loaded(): Promise<void> {
    if (!this.#loaded) await this.answer('ready', LOAD_MS)
  }

  /** Its next answer of a kind, or nothing when it ends; one that says nothing for `hangMs` is ended. */
  async answer<K extends FromWorker['kind']>(kind: K, hangMs: number): Promise<(FromWorker & { kind: K }) | undefined> {
    if (this.#worker === undefined) return undefined
    const hang = setTimeout(() => void this.end(), hangMs)
    const answer = await new Promise<FromWorker | undefined>(settle => {
      this.#waiting = { kind, settle }
    })
    clearTimeout(hang)
    this.#waiting = undefined
    return answer as (FromWorker & { kind: K }) | undefined
  }

  async end(): Promise<void> {
    await this.#worker?.terminate()
  }

  #heard(answer: FromWorker): void {
    if (answer.kind === 'ready') this.#loaded = true
    if (answer.kind === this.#waiting?.kind) this.#waiting.settle(answer)
  }
}

/** All that these variables can say, the settings say: the SDK would mix in what it reads itself. */
function withoutOtel(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return Object.fromEntries(Object.entries(env).filter(([name]) => !name.startsWith('OTEL_')))
}
