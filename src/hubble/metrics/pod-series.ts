/**
 * pod-series.ts - which series of a hubble_* metric are a deleted pod's, and when they go.
 *
 * Out:   as Hubble decides it: those whose source or destination may be a pod and is this one, or whose namespace and
 *        pod labels name it.
 *        Source: cilium/cilium pkg/hubble/metrics/metrics.go, pkg/hubble/metrics/api.
 */
import { type PodId, podKey, selectorOf } from '../../exporter/reduce/deleted-pods.js'
import type { Context } from './context.js'

/** So long a last scrape may take to come by. */
export const DELETION_DELAY_MS = 60_000
const SIDES = ['source', 'destination'] as const

type Labels = Readonly<Record<string, string>>

/** Whether a series of a metric with this context is one of the pods'. */
export function belongsTo(context: Context, pods: readonly PodId[]): (labels: Labels) => boolean {
  const names = new Set(pods.map(podKey))
  const byLabel = SIDES.filter(side => context.identifiers[side]?.includes('pod'))
  const byPair = selectorOf(context.labels, pods)
  return labels => byLabel.some(side => names.has(labels[side]!)) || byPair?.(labels) === true
}
