/**
 * kubernetes.ts - the names of a cluster, for the main thread: a worker that watches, and what it says.
 *
 * In:    options; who applies changes, a batch at a time.
 * Out:   changes in order; the state of the watches as of the last second.
 * Fail:  a kubeconfig that is wrong ends start(). A worker that dies (out of memory) is told and begun anew; what was
 *        told stays in force meanwhile, and what went meanwhile goes with the next one's first picture.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import type { EntityChanges } from '../datapath/identity/entity-changes.js'
import { FIRST_OWN } from './cluster/identity-table.js'
import { type PackedChanges, unpack } from './cluster/packed-changes.js'
import { PublishedKeys } from './cluster/published-keys.js'
import { Interner } from './object/interner.js'
import { Backoff } from './watch/backoff.js'
import { keepHeapSmall } from './watch/heap.js'
import type { ClusterState, FromWorker, KubernetesOptions, ToWorker, WorkerStart } from './watch/message.js'

export interface KubernetesEvents {
  /** Apply; the next batch but one comes after this has resolved. */
  changes(changes: EntityChanges): Promise<void> | void
  /** Of what was told the keys that are in force. */
  keys(): Iterable<string>
  /** The worker ended. */
  workerDied(reason: Error): void
}

/** 150,000 pods take 200 MB; a cluster five times as large still fits. */
const HEAP_MB = 1_024
const YOUNG_MB = 16
const STATE_MS = 1_000
const NOT_STARTED: ClusterState = { synced: false, watches: [], pending: 0, access: '', nextIdentity: FIRST_OWN }

export class Kubernetes {
  readonly #options: KubernetesOptions
  readonly #events: KubernetesEvents
  readonly #published = new PublishedKeys()
  readonly #interner = new Interner()
  readonly #backoff = new Backoff()
  #worker: Worker | undefined
  #restart: NodeJS.Timeout | undefined
  #poll: NodeJS.Timeout | undefined
  #synced = false
  #workerDeaths = 0
  #stateMs = performance.now()
  #applied: Promise<void> = Promise.resolve()
  state: ClusterState = NOT_STARTED

  constructor(options: KubernetesOptions, events: KubernetesEvents) {
    this.#options = options
    this.#events = events
  }

  /** Resolves with the first word of the worker; rejects when it refuses the kubeconfig. */
  async start(): Promise<void> {
    keepHeapSmall()
    await this.#startWorker()
    this.#poll = setInterval(() => this.#post({ kind: 'state' }), STATE_MS).unref()
  }

  /** The first picture has been applied, once and for good. */
  get synced(): boolean {
    return this.#synced
  }
  get up(): boolean {
    return this.#worker !== undefined
  }
  get workerDeaths(): number {
    return this.#workerDeaths
  }
  /** Since the worker told `state`. */
  get stateAgeSeconds(): number {
    return (performance.now() - this.#stateMs) / 1000
  }
  /** Why not ready; the first sync decides, an outage after it does not. */
  get notReady(): string | undefined {
    if (this.#synced || !this.#options.requireSync) return undefined
    const failing = this.state.watches.find(watch => watch.lastError !== undefined && !watch.synced)
    return failing === undefined
      ? 'the cluster is being listed'
      : `the cluster is not known: ${failing.name}: ${failing.lastError}`
  }

  async stop(): Promise<void> {
    clearTimeout(this.#restart)
    clearInterval(this.#poll)
    const worker = this.#worker
    this.#worker = undefined
    await worker?.terminate()
  }

  #startWorker(): Promise<void> {
    const data: WorkerStart = { options: this.#options, firstIdentity: this.state.nextIdentity }
    const resourceLimits = { maxOldGenerationSizeMb: HEAP_MB, maxYoungGenerationSizeMb: YOUNG_MB }
    const worker = new Worker(PROGRAM, { workerData: data, resourceLimits })
    this.#worker = worker
    return new Promise((resolve, reject) => {
      worker.on('message', (message: FromWorker) => {
        if (message.kind === 'refused') reject(new Error(message.message))
        else resolve()
        this.#receive(message, worker)
      })
      worker.once('error', error => this.#workerDied(worker, error))
      worker.once('exit', code => this.#workerDied(worker, new Error(`the watch ended with ${code}`)))
    })
  }

  #receive(message: FromWorker, worker: Worker): void {
    if (message.kind === 'changes') {
      // One after the other: what is applied in slices must not mingle with the next.
      this.#applied = this.#applied.then(() => this.#apply(message.packed, worker))
    }
    if (message.kind === 'state') {
      this.state = message.state
      this.#stateMs = performance.now()
    }
  }

  async #apply(packed: PackedChanges, worker: Worker): Promise<void> {
    const changes = unpack(packed, this.#interner)
    await this.#events.changes(this.#published.reconcile(changes))
    if (changes.synced) this.#synced = true
    // Node hands over messages as long as there are some, and each word of what is applied makes the worker send one:
    // without a turn of the loop in between no timer runs, and the ring is not drained, until a whole cluster is known.
    await nextTurn()
    worker.postMessage({ kind: 'applied' } satisfies ToWorker)
  }

  #workerDied(worker: Worker, reason: Error): void {
    if (worker !== this.#worker) return
    this.#worker = undefined
    this.#workerDeaths++
    this.#applied = this.#applied.then(() => this.#published.startResync(this.#events.keys()))
    this.#events.workerDied(reason)
    this.#restart = setTimeout(
      () => void this.#startWorker().catch(error => this.#events.workerDied(error)),
      this.#backoff.next(),
    )
  }

  #post(message: ToWorker): void {
    this.#worker?.postMessage(message)
  }
}

const PROGRAM = new URL('./watch/worker.js', import.meta.url)
