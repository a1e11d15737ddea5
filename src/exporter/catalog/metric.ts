/**
 * metric.ts - what a metric is: name, type, help, labels, buckets, and the group that it is chosen by.
 *
 * Out:   a Metric of each type, for the catalogue.
 */

export interface Metric<L extends string = string> {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** One sentence, ended with a period, that names the source of the number. */
  readonly help: string
  readonly labels: readonly L[]
  /** Histograms only: finite upper bounds, ascending, in the metric's unit. */
  readonly buckets?: readonly number[]
  /** What `collect[]` and `exclude[]` choose by; every metric that Weir serves has one. */
  readonly group?: Group
}

/** Groups of families, as `collect[]` and `exclude[]` name them. `process` is process_* and nodejs_*. */
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

/** The label of the one series that takes what is past a family's budget (OpenTelemetry's convention). */
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
