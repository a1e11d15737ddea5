// SPDX-License-Identifier: Apache-2.0
/**
 * builder.ts - builds FlowFilters from the filter flags of `observe`, in command line order.
 *
 * In:    one set() per flag; --not negates the next flag.
 * Out:   an allow list and a deny list, each of at most two filters. A flag for either endpoint (`--pod`) sets the source in
 *        the first filter and the destination in the second. A repeated flag adds an alternative, another flag a condition.
 * Fail:  set() throws an Error that says what is allowed: for a bad value, flags that exclude each other, a second --not.
 *        Source: cilium/cilium hubble/cmd/observe/flows_filter.go, 1.19.
 */

import { checkConflicts } from './conflicts.js'
import { compileFilter } from './filter.js'
import { FILTER_FLAGS, type FilterFlag, type FlagValue } from './flags.js'
import type { FlowFilter } from './flow-filter.js'
import { checkNamespaces, withNamespaces } from './namespace.js'

interface Namespaces {
  readonly any: string[]
  readonly source: string[]
  readonly destination: string[]
}

export class FilterBuilder {
  readonly #allow = new FilterList()
  readonly #deny = new FilterList()
  #not = false

  /** Adds the next flag to the deny list. */
  not(): void {
    if (this.#not) throw new Error('--not follows another --not; allowed: one, before a filter flag')
    this.#not = true
  }

  set(flag: FilterFlag, value: string): void {
    const list = this.#not ? this.#deny : this.#allow
    this.#not = false
    list.set(flag, value)
  }

  /** Call after the last flag. Throws when no filter follows the last --not. */
  build(): { allow: FlowFilter[]; deny: FlowFilter[] } {
    if (this.#not) throw new Error('--not is the last flag; allowed: before a filter flag')
    return { allow: this.#allow.filters(), deny: this.#deny.filters() }
  }
}

/** The filters of one list, allow or deny. */
class FilterList {
  readonly #left: FlowFilter = {}
  readonly #right: FlowFilter = {}
  readonly #namespaces: Namespaces = { any: [], source: [], destination: [] }
  readonly #flags = new Set<FilterFlag>()

  set(flag: FilterFlag, value: string): void {
    this.#flags.add(flag)
    checkConflicts(this.#flags)
    const { endpoint, namespace, parse } = FILTER_FLAGS[flag]
    const parsed = parse(value)
    if (namespace) this.#namespaces[endpoint === 'source' || endpoint === 'destination' ? endpoint : 'any'].push(value)
    else {
      add(this.#left, leftField(FILTER_FLAGS[flag]), parsed)
      add(this.#right, rightField(FILTER_FLAGS[flag]), parsed)
      // Compiled here, so that the error for a bad value names its flag.
      compileFilter(this.#left)
    }
    for (const filter of [this.#left, this.#right]) checkNamespaces(filter, this.#namespaces)
  }

  filters(): FlowFilter[] {
    if (this.#flags.size === 0) return []
    const { any, source, destination } = this.#namespaces
    const left = withNamespaces(this.#left, [...source, ...any], destination)
    const right = withNamespaces(this.#right, source, [...destination, ...any])
    return JSON.stringify(left) === JSON.stringify(right) ? [left] : [left, right]
  }
}

type FlagSpec = (typeof FILTER_FLAGS)[FilterFlag]

function leftField({ field, endpoint }: FlagSpec): string {
  return endpoint === 'none' ? field : `${endpoint === 'destination' ? 'destination' : 'source'}_${field}`
}

function rightField({ field, endpoint }: FlagSpec): string {
  return endpoint === 'none' ? field : `${endpoint === 'source' ? 'source' : 'destination'}_${field}`
}

function add(filter: FlowFilter, field: string, value: FlagValue): void {
  const values = (filter as Record<string, FlagValue[]>)[field]
  if (values === undefined) (filter as Record<string, FlagValue[]>)[field] = [value]
  else values.push(value)
}
