/**
 * promql.ts - the few shapes of query that panels and rules are made of, over metrics of the catalogue.
 *
 * In:    metrics with their labels as types: a label that a metric does not have is a type error.
 * Out:   PromQL text. A Scope says which targets are meant and over which window rates are taken.
 */
import type { Metric } from '../src/exporter/catalog/metric.js'

/** Labels that Prometheus gives to a target: by the scrape configuration, not by Weir. */
export type TargetLabel = 'cluster' | 'job' | 'node' | 'instance'

/** Of one label: `="x"`, `=~"x|y"` ...; made by is(), like(), not() and unlike(). */
export type Match = `${'=' | '=~' | '!=' | '!~'}"${string}"`
export type Matchers<L extends string> = { readonly [K in L]?: Match }

/** Where a query looks. */
export interface Scope {
  /** Matchers of the targets, as text; empty for all. */
  readonly target: string
  /** The range of a rate: four scrapes or more. */
  readonly window: string
}

export const is = (value: string): Match => `="${value}"`
export const like = (pattern: string): Match => `=~"${pattern}"`
export const not = (value: string): Match => `!="${value}"`
export const unlike = (pattern: string): Match => `!~"${pattern}"`

/** The last values of a metric's series. */
export function select<L extends string>(scope: Scope, metric: Metric<L>, matchers: Matchers<NoInfer<L>> = {}): string {
  return selector(scope, metric.name, matchers)
}

/** Increase a second of a counter, a series each. */
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

/** Observations a second of a histogram, summed by labels. */
export function sumCountRate<L extends string>(
  scope: Scope,
  metric: Metric<L>,
  by: readonly (NoInfer<L> | TargetLabel)[] = [],
  matchers: Matchers<NoInfer<L>> = {},
): string {
  return sum(by, `rate(${selector(scope, `${metric.name}_count`, matchers)}[${scope.window}])`)
}

/** The last values, summed by labels. */
export function sumOf<L extends string>(
  scope: Scope,
  metric: Metric<L>,
  by: readonly (NoInfer<L> | TargetLabel)[] = [],
  matchers: Matchers<NoInfer<L>> = {},
): string {
  return sum(by, select(scope, metric, matchers))
}

/** Buckets of a histogram as they fill, for a heatmap or a quantile. */
export function buckets<L extends string>(
  scope: Scope,
  metric: Metric<L>,
  by: readonly (NoInfer<L> | TargetLabel)[] = [],
  matchers: Matchers<NoInfer<L>> = {},
): string {
  return sum(['le', ...by], `rate(${selector(scope, `${metric.name}_bucket`, matchers)}[${scope.window}])`)
}

/** The value that a share `q` of the observations does not exceed. */
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

/** The expression with label `from` under the name `to`; `from` stays. */
export function rename(expression: string, from: string, to: string): string {
  return `label_replace(${expression}, "${to}", "$1", "${from}", "(.*)")`
}

/** The expression with a label `to` that joins others. */
export function join(expression: string, to: string, separator: string, from: readonly string[]): string {
  return `label_join(${expression}, "${to}", "${separator}", ${from.map(label => `"${label}"`).join(', ')})`
}

function selector(scope: Scope, name: string, matchers: { readonly [label: string]: Match | undefined }): string {
  const own = Object.entries(matchers).map(([label, match]) => `${label}${match}`)
  const all = [...(scope.target === '' ? [] : [scope.target]), ...own]
  return all.length === 0 ? name : `${name}{${all.join(', ')}}`
}
