/**
 * metrics-config.ts - what an operator may choose of the weir_* flow families: bounds, labels, what is left out.
 *
 * In:    some of the settings, as flags or a file gave them.
 * Out:   all of them, checked, the rest at its default.
 * Fail:  an Error that names the setting, the value and what is allowed.
 */
import { compileGlob } from '../../lib/glob.js'
import { FLOW_METRICS, OFF_BY_DEFAULT } from '../catalog/flow-catalog.js'
import type { Metric } from '../catalog/metric.js'
import { allowedLabels, splitLabels } from './flow-labels.js'

export interface FamilyChoice {
  /** Default: true, but for the families in OFF_BY_DEFAULT. */
  readonly enabled?: boolean
  /** In place of the labels of both ends; labels that are the family's own (reporter, protocol ...) always stay. */
  readonly labels?: readonly string[]
}

export interface MetricsConfig {
  /** Series a family may have before its overflow series takes the rest. */
  readonly budget: number
  /** The same for single families, by name; self and hubble_* families too. */
  readonly budgets: Readonly<Record<string, number>>
  /** Milliseconds after which a series that did not change goes; 0: never. */
  readonly ttlMs: number
  /** By family name. */
  readonly families: Readonly<Record<string, FamilyChoice>>
  /** Globs. Unless empty, at least one end of a packet has to match one of them. */
  readonly includeNamespaces: readonly string[]
  /** Globs. A packet with an end that matches one of them is not counted. */
  readonly excludeNamespaces: readonly string[]
  /** Keep a connection's addresses as an example in buckets of handshake and duration histograms. */
  readonly exemplars: boolean
}

/** An hour: longer than the lookback of common queries and alerts, so that what goes was at rest in all of them. */
export const DEFAULT_METRICS: MetricsConfig = {
  budget: 10_000,
  budgets: {},
  ttlMs: 3_600_000,
  families: {},
  includeNamespaces: [],
  excludeNamespaces: [],
  exemplars: false,
}

/** More than a Prometheus server keeps of one target. */
export const MAX_BUDGET = 10_000_000
/** What a sweep every few seconds can tell apart. */
const MIN_TTL_MS = 1_000
const NAMESPACE_MAX = 63

/** The whole configuration; throws when something in it is not allowed. */
export function metricsConfig(chosen: Partial<MetricsConfig> = {}): MetricsConfig {
  const config = { ...DEFAULT_METRICS, ...chosen }
  checkCount('budget', config.budget)
  for (const [name, budget] of Object.entries(config.budgets)) checkCount(`budget of ${name}`, budget)
  if (config.ttlMs !== 0 && !(Number.isFinite(config.ttlMs) && config.ttlMs >= MIN_TTL_MS)) {
    throw new Error(`series TTL ${config.ttlMs} ms: allowed are 0 (never) and at least ${MIN_TTL_MS} ms`)
  }
  for (const [name, choice] of Object.entries(config.families)) checkFamily(name, choice)
  for (const pattern of [...config.includeNamespaces, ...config.excludeNamespaces]) namespaceGlob(pattern)
  return config
}

/** A test for namespaces; throws when the pattern is none. */
export function namespaceGlob(pattern: string): (namespace: string) => boolean {
  return compileGlob(pattern, { what: 'namespace', most: NAMESPACE_MAX })
}

export function isEnabled({ families }: MetricsConfig, metric: Metric): boolean {
  return families[metric.name]?.enabled ?? !OFF_BY_DEFAULT.has(metric.name)
}

/** The metric with the labels that were chosen for it: those first, its own behind them. */
export function chosenMetric({ families }: MetricsConfig, metric: Metric): Metric {
  const labels = families[metric.name]?.labels
  if (labels === undefined) return metric
  const { own } = splitLabels(metric)
  return { ...metric, labels: [...labels, ...own] }
}

export function budgetOf({ budget, budgets }: MetricsConfig, name: string): number {
  return budgets[name] ?? budget
}

function checkCount(what: string, value: number): void {
  if (Number.isInteger(value) && value >= 0 && value <= MAX_BUDGET) return
  throw new Error(`${what} ${value}: allowed are whole numbers from 0 to ${MAX_BUDGET}`)
}

function checkFamily(name: string, { labels }: FamilyChoice): void {
  const metric = FLOW_METRICS.find(each => each.name === name)
  if (metric === undefined) {
    throw new Error(`family '${name}': allowed are ${FLOW_METRICS.map(each => each.name).join(', ')}`)
  }
  if (labels === undefined) return
  const allowed = allowedLabels(metric)
  for (const label of labels) {
    if (splitLabels(metric).own.includes(label)) {
      throw new Error(`family ${name}, label '${label}': it is always there; leave it out of the choice`)
    }
    if (!allowed.includes(label)) throw new Error(`family ${name}, label '${label}': allowed are ${allowed.join(', ')}`)
  }
  const twice = labels.find((label, i) => labels.indexOf(label) !== i)
  if (twice !== undefined) throw new Error(`family ${name}, label '${twice}': it is named twice`)
}
