/**
 * catalog.ts - every metric that Weir can emit.
 *
 * Out:   M, in the order of the exposition. Docs, dashboards and tests are made from it.
 * Never: holds a value. Names are spelled in the three catalogues that it is made of, and nowhere else.
 */
import { FLOW_GROUPS, FLOWS } from './flow-catalog.js'
import { KUBERNETES } from './kubernetes-catalog.js'
import type { Group, Metric } from './metric.js'
import { SELF } from './self-catalog.js'

/** Every metric; the order of the keys is the order of the exposition. */
export const M = {
  ...grouped(FLOWS, key => FLOW_GROUPS[key]),
  ...grouped(SELF, () => 'self'),
  ...grouped(KUBERNETES, () => 'kubernetes'),
} as const

/** The same metrics, each with its group. */
function grouped<T extends Readonly<Record<string, Metric>>>(metrics: T, groupOf: (key: keyof T) => Group): T {
  const entries = Object.entries(metrics).map(([key, metric]) => [key, { ...metric, group: groupOf(key) }])
  return Object.fromEntries(entries) as T
}
