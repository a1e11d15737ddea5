// SPDX-License-Identifier: Apache-2.0
/**
 * kubernetes.ts - watches a cluster in a worker thread and hands its changes to the main thread.
 *
 * In:    options; a callback that applies one batch of changes at a time.
 * Out:   changes in order; the state of the watches, at most a second old.
 * Fail:  start() rejects when the kubeconfig is wrong. A worker that dies (out of memory) is reported and restarted; its names stay,
 *        and those deleted in the meantime are removed when the new worker has synced.
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
  /** Applies a batch. One more batch may be in flight before this resolves. */
  changes(changes: EntityChanges): Promise<void> | void
  /** The keys of all applied changes that were not removed. */
  keys(): Iterable<string>
  /** The worker died and will be restarted. */
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

  /** Resolves with the worker's first message; rejects when the kubeconfig is wrong. */
  async start(): Promise<void> {
    keepHeapSmall()
    await this.#startWorker()
    this.#poll = setInterval(() => this.#post({ kind: 'state' }), STATE_MS).unref()
  }

  /** The initial lists have been applied. Stays true. */
  get synced(): boolean {
    return this.#synced
  }
  get up(): boolean {
    return this.#worker !== undefined
  }
  get workerDeaths(): number {
    return this.#workerDeaths
  }
  /** Age of `state`. */
  get stateAgeSeconds(): number {
    return (performance.now() - this.#stateMs) / 1000
  }
  /** The reason for not being ready: only the first sync matters, not an outage after it. */
  get notReady(): string | undefined {
    if (this.#synced || !this.#options.requireSync) return undefined
    const failing = this.state.watches.find(watch => watch.lastError !== undefined && !watch.synced)
    const waiting = 'waiting for the first Kubernetes sync'
    return failing === undefined ? waiting : `${waiting}: ${failing.name}: ${failing.lastError}`
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
      worker.once('exit', code => this.#workerDied(worker, new Error(`the watch thread exited with code ${code}`)))
    })
  }

  #receive(message: FromWorker, worker: Worker): void {
    if (message.kind === 'changes') {
      // One after the other: batches are applied in slices, which must not interleave.
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
    // Node delivers messages as long as there are any, and each acknowledgement makes the worker send another one. Without a turn
    // of the event loop in between, no timer would run and the ring would not be drained until the whole cluster is applied.
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
