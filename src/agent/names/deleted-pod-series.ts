// SPDX-License-Identifier: Apache-2.0
/**
 * deleted-pod-series.ts - removes the weir_* series of deleted pods after a grace period.
 *
 * In:    deleted and updated pods.
 * Out:   series stay for the grace period, so that a last scrape sees them, or until the pod is recreated.
 */
import type { PodName } from '../../datapath/identity/entities.js'
import type { EntityChanges } from '../../datapath/identity/entity-changes.js'
import { DeletedPods } from '../../exporter/reduce/deleted-pods.js'
import type { Reducer } from '../../exporter/reduce/reduce.js'

export class DeletedPodSeries {
  readonly #reducer: Reducer
  readonly #pods: DeletedPods
  readonly #now: () => number

  /** `now`: milliseconds on a monotonic clock. */
  constructor(reducer: Reducer, graceMs: number, now: () => number) {
    this.#reducer = reducer
    this.#pods = new DeletedPods(graceMs)
    this.#now = now
  }

  /** `deleted`: the pods that `changes` deleted. */
  update(deleted: readonly PodName[], { upserts }: EntityChanges): void {
    for (const pod of deleted) this.#pods.add(pod, this.#now())
    for (const facts of upserts) if (facts.kind === 'pod') this.#pods.recreated(facts)
  }

  /** Removes the series after their grace period. */
  expire(): void {
    const due = this.#pods.due(this.#now())
    if (due.length > 0) this.#reducer.removePods(due)
  }

  /** Number of deleted pods that keep their series, because too many deletions were pending. */
  get refused(): number {
    return this.#pods.refused
  }
}
