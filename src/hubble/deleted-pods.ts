/**
 * deleted-pods.ts - pods that are gone, and when their series may go, too.
 *
 * In:    deletions, and the time in milliseconds.
 * Out:   pods whose time has come; which series of a metric are theirs, as Hubble decides it: those whose source or
 *        destination may be a pod and is this one, or whose namespace and pod labels name it.
 * Never: holds more than MOST: what is too many keeps its series, and `refused` counts it.
 *        Source: cilium/cilium pkg/hubble/metrics/metrics.go, pkg/hubble/metrics/api.
 */
import type { Context } from './context.js'

/** So long a last scrape may take to come by. */
export const DELETION_DELAY_MS = 60_000
/** Kubernetes allows 500 pods a node at most; this many deletions a minute are no pods. About 10 MB. */
const MOST = 65_536
const SIDES = ['source', 'destination'] as const

type Labels = Readonly<Record<string, string>>

export interface PodId {
  readonly namespace: string
  readonly pod: string
}

export class DeletedPods {
  /** Deletions past the bound. */
  refused = 0
  readonly #queue: (PodId & { readonly dueMs: number })[] = []

  add(pod: PodId, nowMs: number): void {
    if (this.#queue.length >= MOST) this.refused++
    else this.#queue.push({ ...pod, dueMs: nowMs + DELETION_DELAY_MS })
  }

  /** Those whose delay is over; they are no longer here. */
  due(nowMs: number): PodId[] {
    const count = this.#queue.findIndex(({ dueMs }) => dueMs > nowMs)
    return this.#queue.splice(0, count < 0 ? this.#queue.length : count)
  }
}

/** Whether a series of a metric with this context is one of the pods'. */
export function belongsTo(context: Context, pods: readonly PodId[]): (labels: Labels) => boolean {
  const names = new Set(pods.map(({ namespace, pod }) => `${namespace}/${pod}`))
  const byLabel = SIDES.filter(side => context.identifiers[side]?.includes('pod'))
  const { labels: known } = context
  const byPair = SIDES.filter(side => known.includes(`${side}_namespace`) && known.includes(`${side}_pod`))
  return labels =>
    byLabel.some(side => names.has(labels[side]!)) ||
    byPair.some(side => names.has(`${labels[`${side}_namespace`]}/${labels[`${side}_pod`]}`))
}
