// SPDX-License-Identifier: Apache-2.0
/**
 * metrics.ts - the metrics of the Kubernetes watch.
 *
 * In:    the watch state, at most a second old.
 * Out:   weir_kubernetes_*, set before each scrape; counters start at 0 for every reason and type.
 */
import { M } from '../exporter/catalog/catalog.js'
import type { Metric } from '../exporter/catalog/metric.js'
import type { SeriesStore } from '../exporter/series/series.js'
import type { Kubernetes } from './kubernetes.js'
import type { WatchState } from './watch/watch-state.js'

export class KubernetesMetrics {
  readonly #store: SeriesStore
  readonly #kubernetes: Kubernetes

  constructor(store: SeriesStore, kubernetes: Kubernetes) {
    this.#store = store
    this.#kubernetes = kubernetes
  }

  publish(): void {
    const { state, synced, up, workerDeaths } = this.#kubernetes
    this.#set(M.kubernetesSynced, [], synced ? 1 : 0)
    this.#set(M.kubernetesChangesPending, [], state.pending)
    this.#set(M.kubernetesWorkerRestarts, [], workerDeaths)
    this.#set(M.stageUp, ['kubernetes'], up ? 1 : 0)
    for (const watch of state.watches) this.#watch(watch, up)
  }

  #watch(watch: WatchState, up: boolean): void {
    const { name, phase, events, restarts } = watch
    this.#set(M.kubernetesWatchUp, [name], up && phase === 'watching' ? 1 : 0)
    this.#set(M.kubernetesWatchLastEvent, [name], watch.lastSeconds)
    this.#set(M.kubernetesWatchAge, [name], watch.ageSeconds + this.#kubernetes.stateAgeSeconds)
    this.#set(M.kubernetesObjects, [name], watch.objects)
    this.#set(M.kubernetesLists, [name], watch.lists)
    this.#set(M.kubernetesListSeconds, [name], watch.listSeconds)
    this.#set(M.kubernetesMissedDeletions, [name], watch.missedDeletions)
    this.#set(M.kubernetesObjectsSkipped, [name], watch.skipped)
    for (const [reason, n] of Object.entries(restarts)) this.#set(M.kubernetesWatchRestarts, [name, reason], n)
    for (const [type, n] of Object.entries(events)) this.#set(M.kubernetesEvents, [name, type], n)
  }

  #set<L extends string>(metric: Metric<L>, labels: readonly string[], value: number): void {
    this.#store.set(this.#store.family(metric).series(labels), value)
  }
}
