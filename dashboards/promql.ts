/**
 * promql.ts - the query shapes that panels and rules use, over metrics of the catalog.
 *
 * In:    metrics with their labels as types: a label that a metric does not have is a type error.
 * Out:   PromQL text. A Scope selects the targets and the window of rates.
 */
import type { Metric } from '../src/exporter/catalog/metric.js'

/** Labels that the scrape configuration gives to a target; not Weir's. */
export type TargetLabel = 'cluster' | 'job' | 'node' | 'instance'

/** A matcher without its label: `="x"`, `=~"x|y"` ...; made by is(), like(), not() and unlike(). */
export type Match = `${'=' | '=~' | '!=' | '!~'}"${string}"`
export type Matchers<L extends string> = { readonly [K in L]?: Match }

/** The targets and the window of a query. */
export interface Scope {
  /** Target matchers as text; empty for all targets. */
  readonly target: string
  /** The range of a rate: at least four scrapes. */
  readonly window: string
}

export const is = (value: string): Match => `="${value}"`
export const like = (pattern: string): Match => `=~"${pattern}"`
export const not = (value: string): Match => `!="${value}"`
export const unlike = (pattern: string): Match => `!~"${pattern}"`

/** The current values of a metric's series. */
export function select<L extends string>(scope: Scope, metric: Metric<L>, matchers: Matchers<NoInfer<L>> = {}): string {
  return selector(scope, metric.name, matchers)
}

/** Increase per second of a counter, for each series. */
export function rate<L extends string>(scope: Scope, metric: Metric<L>, matchers: Matchers<NoInfer<L>> = {}): string {
  return `rate(${selector(scope, metric.name, matchers)}[${scope.window}])`
}

/** `rate`, summed by labels. */
export function sumRate<L extends string>(
  scope: Scope,
  metric: Metric<L>,
  by: readonly (NoInfer<L> | TargetLabel)[] = [],
  matchers: Matchers<NoInfer<L>> = {},
): string {
  return sum(by, rate(scope, metric, matchers))
}

/** Observations per second of a histogram, summed by labels. */
export function sumCountRate<L extends string>(
  scope: Scope,
  metric: Metric<L>,
  by: readonly (NoInfer<L> | TargetLabel)[] = [],
  matchers: Matchers<NoInfer<L>> = {},
): string {
  return sum(by, `rate(${selector(scope, `${metric.name}_count`, matchers)}[${scope.window}])`)
}

/** The current values, summed by labels. */
export function sumOf<L extends string>(
  scope: Scope,
  metric: Metric<L>,
  by: readonly (NoInfer<L> | TargetLabel)[] = [],
  matchers: Matchers<NoInfer<L>> = {},
): string {
  return sum(by, select(scope, metric, matchers))
}

/** Rates of a histogram's buckets, for a heatmap or a quantile. */
export function buckets<L extends string>(
  scope: Scope,
  metric: Metric<L>,
  by: readonly (NoInfer<L> | TargetLabel)[] = [],
  matchers: Matchers<NoInfer<L>> = {},
): string {
  return sum(['le', ...by], `rate(${selector(scope, `${metric.name}_bucket`, matchers)}[${scope.window}])`)
}

/** The `q`-quantile of a histogram's observations. */
export function quantile<L extends string>(
  q: number,
  scope: Scope,
  metric: Metric<L>,
  by: readonly (NoInfer<L> | TargetLabel)[] = [],
  matchers: Matchers<NoInfer<L>> = {},
): string {
  return `histogram_quantile(${q}, ${buckets(scope, metric, by, matchers)})`
}

export function sum(by: readonly string[], expression: string): string {
  return by.length === 0 ? `sum(${expression})` : `sum by (${by.join(', ')}) (${expression})`
}

export function topk(k: number, expression: string): string {
  return `topk(${k}, ${expression})`
}

/** Copies label `from` to `to`; `from` stays. */
export function rename(expression: string, from: string, to: string): string {
  return `label_replace(${expression}, "${to}", "$1", "${from}", "(.*)")`
}

/** Adds a label `to` that joins the labels `from`. */
export function join(expression: string, to: string, separator: string, from: readonly string[]): string {
  return `label_join(${expression}, "${to}", "${separator}", ${from.map(label => `"${label}"`).join(', ')})`
}

function selector(scope: Scope, name: string, matchers: { readonly [label: string]: Match | undefined }): string {
  const texts = Object.entries(matchers).map(([label, match]) => `${label}${match}`)
  const all = [...(scope.target === '' ? [] : [scope.target]), ...texts]
  return all.length === 0 ? name : `${name}{${all.join(', ')}}`
}
