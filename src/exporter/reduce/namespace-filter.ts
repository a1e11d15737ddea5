/**
 * namespace-filter.ts - which packets flow families leave out, by the namespaces of their ends.
 *
 * In:    globs to include and to exclude.
 * Out:   why a packet is left out; undefined: it is not.
 */
import { type MetricsConfig, namespaceGlob } from './metrics-config.js'

/** Values of the label `why` of weir_excluded_packets_total. */
export const EXCLUSIONS = ['excluded', 'not_included'] as const
export type Exclusion = (typeof EXCLUSIONS)[number]

type Test = (namespace: string) => boolean

export class NamespaceFilter {
  readonly #include: readonly Test[]
  readonly #exclude: readonly Test[]

  constructor({ includeNamespaces, excludeNamespaces }: MetricsConfig) {
    this.#include = includeNamespaces.map(namespaceGlob)
    this.#exclude = excludeNamespaces.map(namespaceGlob)
  }

  /** An excluded end leaves a packet out whatever the other; of those to include one end is enough. */
  exclusion(source: string, destination: string): Exclusion | undefined {
    const either = (test: Test) => test(source) || test(destination)
    if (this.#exclude.some(either)) return 'excluded'
    return this.#include.length === 0 || this.#include.some(either) ? undefined : 'not_included'
  }
}
