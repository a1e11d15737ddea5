// SPDX-License-Identifier: Apache-2.0
/**
 * cluster-names.ts - names of `weir run --kubernetes`: applies what the watch reports, and reports its own state.
 *
 * In:    options of the watch; a function that applies a batch of changes.
 * Fail:  an invalid kubeconfig rejects start(); later errors are logged once per state change, and known names stay.
 */
import type { EntityChanges } from '../../datapath/identity/entity-changes.js'
import type { SeriesStore } from '../../exporter/series/series.js'
import { Kubernetes } from '../../kubernetes/kubernetes.js'
import { KubernetesMetrics } from '../../kubernetes/metrics.js'
import type { KubernetesOptions } from '../../kubernetes/watch/message.js'
import type { LineLog } from '../../lib/log-limit.js'

export interface ClusterTarget {
  readonly store: SeriesStore
  readonly log: LineLog
  /** Keys of the entities that have addresses. */
  keys(): Iterable<string>
  /** Resolves when the names are in effect. */
  apply(changes: EntityChanges): Promise<unknown> | unknown
}

const CHECK_MS = 1_000

export class ClusterNames {
  readonly #kubernetes: Kubernetes
  readonly #metrics: KubernetesMetrics
  readonly #log: LineLog
  /** The last logged error of each resource. */
  readonly #loggedErrors = new Map<string, string | undefined>()
  /** Objects skipped when that was last checked. */
  readonly #loggedSkips = new Map<string, number>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: KubernetesOptions, { store, log, keys, apply }: ClusterTarget) {
    this.#log = log
    this.#kubernetes = new Kubernetes(options, {
      async changes(changes) {
        await apply(changes)
        if (changes.synced) log.info({}, 'cluster synced')
      },
      keys,
      workerDied: reason => log.error({ err: reason.message }, 'Kubernetes watch restarting'),
    })
    this.#metrics = new KubernetesMetrics(store, this.#kubernetes)
  }

  async start(): Promise<void> {
    await this.#kubernetes.start()
    this.#log.info({ access: this.#kubernetes.state.access }, 'watching the Kubernetes API')
    this.#timer = setInterval(() => this.#logChanges(), CHECK_MS).unref()
  }

  get notReady(): string | undefined {
    return this.#kubernetes.notReady
  }

  /** Before each page. */
  updateMetrics(): void {
    this.#metrics.publish()
  }

  /** For the landing page and `weir status`. */
  status(): (readonly [string, string])[] {
    const { state, synced } = this.#kubernetes
    const failing = state.watches.filter(watch => watch.lastError !== undefined).map(watch => watch.name)
    const skipped = state.watches.reduce((sum, watch) => sum + watch.skipped, 0)
    const problems = [
      ...(failing.length === 0 ? [] : [`watch failing: ${failing.join(', ')}`]),
      ...(skipped === 0 ? [] : [`objects skipped: ${skipped}`]),
    ]
    return [['cluster', [synced ? 'synced' : 'syncing', ...problems].join('; ')]]
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#kubernetes.stop()
  }

  #logSkipped(resource: string, skipped: number, last: string | undefined): void {
    if (skipped > (this.#loggedSkips.get(resource) ?? 0)) {
      this.#log.warn({ resource, object: last, skipped }, 'Kubernetes object skipped')
    }
    this.#loggedSkips.set(resource, skipped)
  }

  /** One line when a watch fails or recovers, not one per attempt. */
  #logChanges(): void {
    for (const { name, synced, lastError, skipped, lastSkipped } of this.#kubernetes.state.watches) {
      this.#logSkipped(name, skipped, lastSkipped)
      const logged = this.#loggedErrors.get(name)
      this.#loggedErrors.set(name, lastError)
      if (lastError !== undefined && logged === undefined) {
        const effect = synced ? 'keeping last known names' : 'no names from it yet'
        this.#log.warn({ resource: name, err: lastError }, `Kubernetes watch failed, ${effect}`)
      } else if (lastError === undefined && logged !== undefined) {
        this.#log.info({ resource: name }, 'Kubernetes watch recovered')
      }
    }
  }
}
