// SPDX-License-Identifier: Apache-2.0
/**
 * metrics-config.ts - the configuration of the flow families: budgets, TTL, labels and namespace filters.
 *
 * In:    some of the settings, from flags or a file.
 * Out:   all settings, checked, with defaults for the rest.
 * Fail:  an Error with the setting, the value and what is allowed.
 */
import { compileGlob } from '../../lib/glob.js'
import { FLOW_METRICS, OFF_BY_DEFAULT } from '../catalog/flow-catalog.js'
import type { Metric } from '../catalog/metric.js'
import { allowedLabels, splitLabels } from './flow-labels.js'

export interface FamilyChoice {
  /** Default: true, except for the families in OFF_BY_DEFAULT. */
  readonly enabled?: boolean
  /** Replaces the endpoint labels. The family's own labels (reporter, protocol ...) always stay. */
  readonly labels?: readonly string[]
}

export interface MetricsConfig {
  /** Maximum series of a family, not counting its overflow series. */
  readonly budget: number
  /** The same for single families by name, including self and hubble_* families. */
  readonly budgets: Readonly<Record<string, number>>
  /** Milliseconds after which an unchanged series is removed; 0: never. */
  readonly ttlMs: number
  /** By family name. */
  readonly families: Readonly<Record<string, FamilyChoice>>
  /** Globs. Unless empty, a packet counts only if one of its endpoints matches. */
  readonly includeNamespaces: readonly string[]
  /** Globs. A packet does not count if one of its endpoints matches. */
  readonly excludeNamespaces: readonly string[]
  /** Attach exemplars with a connection's addresses to the handshake and duration histograms. */
  readonly exemplars: boolean
}

/** The TTL is longer than the range of common queries and alerts, so a removed series was constant in all of them. */
export const DEFAULT_METRICS: MetricsConfig = {
  budget: 10_000,
  budgets: {},
  ttlMs: 3_600_000,
  families: {},
  includeNamespaces: [],
  excludeNamespaces: [],
  exemplars: false,
}

/** More than a Prometheus server can store of one target. */
export const MAX_BUDGET = 10_000_000
/** Expiry runs every few seconds and cannot measure less. */
const MIN_TTL_MS = 1_000
const NAMESPACE_MAX = 63

/** The whole configuration. Throws if a setting is not allowed. */
export function metricsConfig(chosen: Partial<MetricsConfig> = {}): MetricsConfig {
  const config = { ...DEFAULT_METRICS, ...chosen }
  checkCount('budget', config.budget)
  for (const [name, budget] of Object.entries(config.budgets)) checkCount(`budget of ${name}`, budget)
  if (config.ttlMs !== 0 && !(Number.isFinite(config.ttlMs) && config.ttlMs >= MIN_TTL_MS)) {
    throw new Error(`series TTL ${config.ttlMs} ms: expected 0 (never) or at least ${MIN_TTL_MS} ms`)
  }
  for (const [name, choice] of Object.entries(config.families)) checkFamily(name, choice)
  for (const pattern of [...config.includeNamespaces, ...config.excludeNamespaces]) namespaceGlob(pattern)
  return config
}

/** Compiles a namespace glob. Throws if the pattern is invalid. */
export function namespaceGlob(pattern: string): (namespace: string) => boolean {
  return compileGlob(pattern, { what: 'namespace', most: NAMESPACE_MAX })
}

export function isEnabled({ families }: MetricsConfig, metric: Metric): boolean {
  return families[metric.name]?.enabled ?? !OFF_BY_DEFAULT.has(metric.name)
}

/** The metric with its configured labels, followed by its own. */
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
  throw new Error(`${what} ${value}: expected a whole number from 0 to ${MAX_BUDGET}`)
}

function checkFamily(name: string, { labels }: FamilyChoice): void {
  const metric = FLOW_METRICS.find(each => each.name === name)
  if (metric === undefined) {
    throw new Error(`family '${name}': expected one of ${FLOW_METRICS.map(each => each.name).join(', ')}`)
  }
  if (labels === undefined) return
  const allowed = allowedLabels(metric)
  for (const label of labels) {
    if (splitLabels(metric).own.includes(label)) {
      throw new Error(`family ${name}, label '${label}': this label is always present and cannot be configured`)
    }
    if (!allowed.includes(label))
      throw new Error(`family ${name}, label '${label}': expected one of ${allowed.join(', ')}`)
  }
  const twice = labels.find((label, i) => labels.indexOf(label) !== i)
  if (twice !== undefined) throw new Error(`family ${name}, label '${twice}': listed twice`)
}
