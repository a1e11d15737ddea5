// SPDX-License-Identifier: Apache-2.0
/**
 * cluster-watch.ts - runs all watches of a cluster and sends what changes.
 *
 * In:    access to an API server; acknowledgements.
 * Out:   batches of changes; the state of the watches.
 * Fail:  a resource that fails reports its error and the others go on: without nodes, pods have names but no zone.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { EntityChanges } from '../../datapath/identity/entity-changes.js'
import { Cluster } from '../cluster/cluster.js'
import { Outbox } from '../cluster/outbox.js'
import { PendingChanges } from '../cluster/pending-changes.js'
import { Interner } from '../object/interner.js'
import { CILIUM, CILIUM_GROUP, CORE, type Resource } from '../object/resource.js'
import type { AccessSource } from './access.js'
import { ApiClient } from './api-client.js'
import { asApiError } from './api-error.js'
import { Backoff } from './backoff.js'
import type { ClusterState, KubernetesOptions } from './message.js'
import { Reflector, TIMES } from './reflector.js'
import { WatchTracker } from './watch-state.js'

export class ClusterWatch {
  readonly #access: AccessSource
  readonly #client: ApiClient
  readonly #options: KubernetesOptions
  readonly #outbox: Outbox
  readonly #cluster: Cluster
  readonly #stop = new AbortController()
  readonly #onState: () => void
  #trackers: WatchTracker[] = []
  #synced = false

  constructor(
    access: AccessSource,
    options: KubernetesOptions,
    send: (changes: EntityChanges) => void,
    onState: () => void,
    firstIdentity?: number,
  ) {
    this.#access = access
    this.#client = new ApiClient(access, options.userAgent)
    this.#options = options
    const pending = new PendingChanges()
    this.#cluster = new Cluster(options.nodeName, pending, firstIdentity)
    this.#outbox = new Outbox(this.#cluster, pending, send)
    this.#onState = onState
  }

  get state(): ClusterState {
    return {
      synced: this.#synced,
      watches: this.#trackers.map(tracker => tracker.snapshot()),
      pending: this.#outbox.pending,
      access: this.#access.name,
      nextIdentity: this.#cluster.identities.nextNumber,
    }
  }

  /** Runs until stop(). */
  async run(): Promise<void> {
    const { signal } = this.#stop
    this.#trackers = CORE.map(resource => new WatchTracker(resource.name))
    const resources = [...CORE, ...(await this.#cilium(signal))]
    const interner = new Interner()
    const times = this.#options.times ?? TIMES
    const reflectors = resources.map(
      resource =>
        new Reflector(resource, this.#client, this.#events(), new WatchTracker(resource.name), interner, times),
    )
    this.#trackers = reflectors.map(reflector => reflector.tracker)
    await Promise.all(reflectors.map(reflector => reflector.run(signal)))
  }

  applied(): void {
    this.#outbox.acknowledged()
  }

  stop(): void {
    this.#stop.abort()
    this.#outbox.close()
    this.#client.close()
  }

  #events() {
    const cluster = this.#cluster
    return {
      put: cluster.put.bind(cluster),
      drop: cluster.drop.bind(cluster),
      stateChanged: () => this.#watchChanged(),
    }
  }

  /**
   * Opens the outbox once every resource but pods has been listed or has failed, so that the first names are complete. Synced once
   * pods are listed too.
   */
  #watchChanged(): void {
    const others = this.#trackers.filter(tracker => tracker.name !== 'pods')
    const pods = this.#trackers.find(tracker => tracker.name === 'pods')
    if (others.every(tracker => tracker.attempted)) {
      this.#outbox.open()
      if (pods?.synced && !this.#synced) {
        this.#synced = true
        this.#outbox.synced()
      }
    }
    this.#onState()
  }

  async #cilium(signal: AbortSignal): Promise<readonly Resource[]> {
    if (this.#options.cilium !== 'auto') return this.#options.cilium === 'always' ? CILIUM : []
    const backoff = new Backoff(this.#options.times?.retryMs)
    while (!signal.aborted) {
      try {
        return await this.#discover(signal)
      } catch (error) {
        if (signal.aborted) break
        const { reason, message, retryAfterMs } = asApiError(error)
        if (reason === 'missing' || reason === 'forbidden') return []
        for (const tracker of this.#trackers) {
          tracker.phase = 'waiting'
          tracker.lastError = message
          tracker.restarts[reason]++
        }
        this.#onState()
        await sleep(backoff.next(retryAfterMs), undefined, { signal }).catch(() => undefined)
      }
    }
    return []
  }

  async #discover(signal: AbortSignal): Promise<readonly Resource[]> {
    const idleTimeoutMs = (this.#options.times ?? TIMES).listIdleMs
    const request = { path: CILIUM_GROUP, accept: 'application/json', gzip: true, idleTimeoutMs: idleTimeoutMs, signal }
    const group = (await this.#client.json(request)) as { resources?: unknown } | null
    const resources: unknown[] = Array.isArray(group?.resources) ? group.resources : []
    return CILIUM.filter(({ name }) => resources.some(known => (known as { name?: unknown } | null)?.name === name))
  }
}
