// SPDX-License-Identifier: Apache-2.0
/**
 * deleted-pods.ts - deleted pods, queued until their series can be removed.
 *
 * In:    deletions and the time in milliseconds; pods created again.
 * Out:   the pods due for removal; a selector of the series that name one of them by namespace and pod.
 * Never: queues more than MAX_PENDING. Pods past that keep their series until the series TTL; `refused` counts them.
 */
import type { Selector } from '../series/family.js'

/** Kubernetes allows at most 500 pods on a node, so this many deletions within a minute cannot be pods. About 10 MB. */
const MAX_PENDING = 65_536
const SIDES = ['source', 'destination'] as const

export interface PodId {
  readonly namespace: string
  readonly pod: string
}

export class DeletedPods {
  /** Deletions not queued. */
  refused = 0
  readonly #delayMs: number
  /** By namespace/name, in order of due time. Neither part can contain a slash. */
  readonly #pending = new Map<string, PodId & { readonly dueMs: number }>()

  /** `delayMs`: grace period for a final scrape. */
  constructor(delayMs: number) {
    this.#delayMs = delayMs
  }

  add(pod: PodId, nowMs: number): void {
    this.recreated(pod)
    if (this.#pending.size >= MAX_PENDING) this.refused++
    else this.#pending.set(podKey(pod), { ...pod, dueMs: nowMs + this.#delayMs })
  }

  /** A pod of this name exists again, as in a StatefulSet, and continues its series. */
  recreated(pod: PodId): void {
    if (this.#pending.size > 0) this.#pending.delete(podKey(pod))
  }

  /** Takes the pods past their delay off the queue. */
  due(nowMs: number): PodId[] {
    const due: PodId[] = []
    for (const [name, { namespace, pod, dueMs }] of this.#pending) {
      if (dueMs > nowMs) break
      due.push({ namespace, pod })
      this.#pending.delete(name)
    }
    return due
  }
}

/** A selector of the series that name one of `pods` by namespace and pod; undefined if `labels` cannot name a pod. */
export function selectorOf(labels: readonly string[], pods: readonly PodId[]): Selector | undefined {
  const sides = SIDES.filter(side => labels.includes(`${side}_namespace`) && labels.includes(`${side}_pod`))
  if (sides.length === 0) return undefined
  const names = new Set(pods.map(podKey))
  return series => sides.some(side => names.has(`${series[`${side}_namespace`]}/${series[`${side}_pod`]}`))
}

/** `namespace/pod`. */
export function podKey({ namespace, pod }: PodId): string {
  return `${namespace}/${pod}`
}
