// SPDX-License-Identifier: Apache-2.0
/**
 * metric.ts - the description of a metric: name, type, help, labels, buckets and group.
 *
 * Out:   one constructor for each metric type.
 */

export interface Metric<L extends string = string> {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** One sentence with a period. Names the source of the number where that is not obvious. */
  readonly help: string
  readonly labels: readonly L[]
  /** Histograms only: finite upper bounds in ascending order, in the metric's unit. */
  readonly buckets?: readonly number[]
  /** What `collect[]` and `exclude[]` select by. Every exposed metric has one. */
  readonly group?: Group
}

/** Values of `collect[]` and `exclude[]`. `process` is process_* and nodejs_*. */
export const GROUPS = [
  'flow',
  'connection',
  'drop',
  'tcp',
  'icmp',
  'policy',
  'size',
  'hubble',
  'self',
  'kubernetes',
  'process',
] as const
export type Group = (typeof GROUPS)[number]

/** Label of the overflow series, which counts for series past the budget (OpenTelemetry's convention). */
export const OVERFLOW_LABEL = 'otel_metric_overflow'

const plain =
  (type: 'counter' | 'gauge') =>
  <const L extends string = never>(name: string, help: string, labels: readonly L[] = []): Metric<L> => ({
    name,
    type,
    help,
    labels,
  })

export const counter = plain('counter')
export const gauge = plain('gauge')

export const histogram = <const L extends string>(
  name: string,
  help: string,
  labels: readonly L[],
  buckets: readonly number[],
): Metric<L> => ({ name, type: 'histogram', help, labels, buckets })

const TOTAL = '_total'
const UNITS = ['seconds', 'bytes'] as const

/** The name without a counter's `_total`: OpenMetrics' name of the family. */
export function baseName({ name, type }: { readonly name: string; readonly type: string }): string {
  return type === 'counter' && name.endsWith(TOTAL) ? name.slice(0, -TOTAL.length) : name
}

/** The unit at the end of the base name; undefined for a plain number. */
export function unitOf(metric: { readonly name: string; readonly type: string }): string | undefined {
  const name = baseName(metric)
  return UNITS.find(unit => name.endsWith(`_${unit}`))
}
