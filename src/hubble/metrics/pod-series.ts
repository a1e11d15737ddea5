// SPDX-License-Identifier: Apache-2.0
/**
 * pod-series.ts - selects the series of a hubble_* metric that belong to deleted pods.
 *
 * Out:   Hubble's choice: series with the pod as `source` or `destination`, if the context allows pods there, and
 *        series with its namespace and pod labels. Source: cilium/cilium pkg/hubble/metrics/metrics.go,
 *        pkg/hubble/metrics/api.
 */
import { type PodId, podKey, selectorOf } from '../../exporter/reduce/deleted-pods.js'
import type { Context } from './context.js'

/** Grace period for a final scrape. */
export const DELETION_DELAY_MS = 60_000
const SIDES = ['source', 'destination'] as const

type Labels = Readonly<Record<string, string>>

/** A predicate for the labels of a series in a metric with this context: whether it belongs to one of the pods. */
export function belongsTo(context: Context, pods: readonly PodId[]): (labels: Labels) => boolean {
  const names = new Set(pods.map(podKey))
  const byLabel = SIDES.filter(side => context.identifiers[side]?.includes('pod'))
  const byPair = selectorOf(context.labels, pods)
  return labels => byLabel.some(side => names.has(labels[side]!)) || byPair?.(labels) === true
}
