/**
 * cluster-watch.ts - every watch of a cluster together: what they keep, to one cluster, to one outbox.
 *
 * In:    access to an API server; acknowledgements.
 * Out:   batches of changes; the state of the watches.
 * Fail:  a resource that is refused says so, and the others go on: without nodes a pod has no zone, but its name.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { EntityChanges } from '../../datapath/identity/entity-changes.js'
import { Cluster } from '../cluster/cluster.js'
import { Outbox } from '../cluster/outbox.js'
import { Interner } from '../object/interner.js'
import { CILIUM, CILIUM_GROUP, CORE, type Resource } from '../object/resource.js'
import type { AccessSource } from './access.js'
import { ApiClient } from './api-client.js'
import { asApiError } from './api-error.js'
import { Backoff } from './backoff.js'
import type { ClusterState, KubernetesOptions } from './message.js'
import { Reflector, TIMES } from './reflector.js'
import { WatchLog } from './watch-state.js'

export class ClusterWatch {
  readonly #access: AccessSource
  readonly #client: ApiClient
  readonly #options: KubernetesOptions
  readonly #outbox: Outbox
  readonly #cluster: Cluster
  readonly #stop = new AbortController()
  readonly #onState: () => void
  #logs: WatchLog[] = []
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
    this.#outbox = new Outbox(send)
    this.#cluster = new Cluster(options.nodeName, this.#outbox, firstIdentity)
    this.#outbox.cluster = this.#cluster
    this.#onState = onState
  }

  get state(): ClusterState {
    return {
      synced: this.#synced,
      watches: this.#logs.map(log => log.snapshot()),
      waiting: this.#outbox.waiting,
      access: this.#access.name,
      nextIdentity: this.#cluster.identities.next,
    }
  }

  /** Until stop(). */
  async run(): Promise<void> {
    const { signal } = this.#stop
    this.#logs = CORE.map(resource => new WatchLog(resource.name))
    const resources = [...CORE, ...(await this.#cilium(signal))]
    const interner = new Interner()
    const times = this.#options.times ?? TIMES
    const reflectors = resources.map(
      resource => new Reflector(resource, this.#client, this.#events(), new WatchLog(resource.name), interner, times),
    )
    this.#logs = reflectors.map(reflector => reflector.log)
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
      told: () => this.#told(),
    }
  }

  /**
   * The first names leave when all that pods' names need has been asked for once; the picture is complete when pods are
   * known and nothing else is still being listed.
   */
  #told(): void {
    const others = this.#logs.filter(log => log.name !== 'pods')
    const pods = this.#logs.find(log => log.name === 'pods')
    if (others.every(log => log.settled)) {
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
        for (const log of this.#logs) {
          log.phase = 'waiting'
          log.trouble = message
          log.restarts[reason]++
        }
        this.#onState()
        await sleep(backoff.next(retryAfterMs), undefined, { signal }).catch(() => undefined)
      }
    }
    return []
  }

  async #discover(signal: AbortSignal): Promise<readonly Resource[]> {
    const silentMs = (this.#options.times ?? TIMES).listSilentMs
    const ask = { path: CILIUM_GROUP, accept: 'application/json', gzip: true, silentMs, signal }
    const { resources = [] } = (await this.#client.json(ask)) as { resources?: { name?: string }[] }
    return CILIUM.filter(({ name }) => resources.some(known => known.name === name))
  }
}
