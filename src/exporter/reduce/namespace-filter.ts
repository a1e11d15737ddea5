// SPDX-License-Identifier: Apache-2.0
/**
 * namespace-filter.ts - filters packets out of the flow families by the namespaces of their endpoints.
 *
 * In:    globs to include and to exclude.
 * Out:   the reason a packet is filtered out, undefined if it counts.
 */
import { type MetricsConfig, namespaceGlob } from './metrics-config.js'

/** Values of the label `reason` of weir_excluded_packets_total. */
export const EXCLUSIONS = ['excluded', 'not_included'] as const
export type Exclusion = (typeof EXCLUSIONS)[number]

type Matcher = (namespace: string) => boolean

export class NamespaceFilter {
  readonly #include: readonly Matcher[]
  readonly #exclude: readonly Matcher[]

  constructor({ includeNamespaces, excludeNamespaces }: MetricsConfig) {
    this.#include = includeNamespaces.map(namespaceGlob)
    this.#exclude = excludeNamespaces.map(namespaceGlob)
  }

  /** One excluded endpoint is enough to filter a packet out; one included endpoint is enough to count it. */
  exclusion(source: string, destination: string): Exclusion | undefined {
    const either = (matches: Matcher) => matches(source) || matches(destination)
    if (this.#exclude.some(either)) return 'excluded'
    return this.#include.length === 0 || this.#include.some(either) ? undefined : 'not_included'
  }
}
