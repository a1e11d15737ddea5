/**
 * cluster-names.ts - the names of `weir run --kubernetes`: the watch of the API, what it tells applied, what it says of itself.
 *
 * In:    options of the watch; who applies a batch of changes.
 * Fail:  a kubeconfig that is wrong ends the start; anything later is logged once a state, and names stay.
 */
import type { EntityChanges } from '../../datapath/identity/entity-changes.js'
import type { SeriesStore } from '../../exporter/series/series.js'
import { Kubernetes } from '../../kubernetes/kubernetes.js'
import { KubernetesMetrics } from '../../kubernetes/metrics.js'
import type { KubernetesOptions } from '../../kubernetes/watch/message.js'
import type { LineLog } from '../../lib/log-limit.js'

export interface ClusterParts {
  readonly store: SeriesStore
  readonly log: LineLog
  /** Keys of what stands at addresses now. */
  keys(): Iterable<string>
  /** Resolves when the names are in force. */
  apply(changes: EntityChanges): Promise<unknown> | unknown
}

const LOOK_MS = 1_000

export class ClusterNames {
  readonly #kubernetes: Kubernetes
  readonly #metrics: KubernetesMetrics
  readonly #log: LineLog
  /** What the log last said of each resource. */
  readonly #said = new Map<string, string | undefined>()
  #timer: NodeJS.Timeout | undefined

  constructor(options: KubernetesOptions, { store, log, keys, apply }: ClusterParts) {
    this.#log = log
    this.#kubernetes = new Kubernetes(options, {
      async changes(changes) {
        await apply(changes)
        if (changes.synced) log.info({}, 'the cluster is known')
      },
      keys,
      workerDied: reason => log.error({ err: reason.message }, 'Kubernetes watch restarting'),
    })
    this.#metrics = new KubernetesMetrics(store, this.#kubernetes)
  }

  async start(): Promise<void> {
    await this.#kubernetes.start()
    this.#log.info({ by: this.#kubernetes.state.access }, 'watching the Kubernetes API')
    this.#timer = setInterval(() => this.#look(), LOOK_MS).unref()
  }

  get notReady(): string | undefined {
    return this.#kubernetes.notReady
  }

  /** Before each page. */
  tell(): void {
    this.#metrics.publish()
  }

  /** For the landing page and `weir status`. */
  rows(): (readonly [string, string])[] {
    const { state, synced } = this.#kubernetes
    const failing = state.watches.filter(watch => watch.lastError !== undefined).map(watch => watch.name)
    const words = synced ? 'known' : 'being listed'
    return [['cluster', failing.length === 0 ? words : `${words}; not watched: ${failing.join(', ')}`]]
  }

  async stop(): Promise<void> {
    clearInterval(this.#timer)
    await this.#kubernetes.stop()
  }

  /** A line when a resource gets into trouble or out of it, not one an attempt. */
  #look(): void {
    for (const { name, lastError } of this.#kubernetes.state.watches) {
      const before = this.#said.get(name)
      this.#said.set(name, lastError)
      if (lastError !== undefined && before === undefined) {
        this.#log.warn({ resource: name, err: lastError }, 'Kubernetes watch failed, keeping last known names')
      } else if (lastError === undefined && before !== undefined) {
        this.#log.info({ resource: name }, 'watched again')
      }
    }
  }
}
