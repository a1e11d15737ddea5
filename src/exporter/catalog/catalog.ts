// SPDX-License-Identifier: Apache-2.0
/**
 * catalog.ts - every weir_* metric Weir can expose.
 *
 * Out:   M, in exposition order. Docs, dashboards and tests are generated from it.
 * Never: stores a value. Metric names are written in the three catalogs it combines and nowhere else.
 */
import { FLOW_GROUPS, FLOWS } from './flow-catalog.js'
import { KUBERNETES } from './kubernetes-catalog.js'
import type { Group, Metric } from './metric.js'
import { SELF } from './self-catalog.js'

/** Every metric. Key order is exposition order. */
export const M = {
  ...grouped(FLOWS, key => FLOW_GROUPS[key]),
  ...grouped(SELF, () => 'self'),
  ...grouped(KUBERNETES, () => 'kubernetes'),
} as const

/** Adds its group to each metric. */
function grouped<T extends Readonly<Record<string, Metric>>>(metrics: T, groupOf: (key: keyof T) => Group): T {
  const entries = Object.entries(metrics).map(([key, metric]) => [key, { ...metric, group: groupOf(key) }])
  return Object.fromEntries(entries) as T
}
