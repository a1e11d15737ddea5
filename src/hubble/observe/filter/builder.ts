/**
 * builder.ts - the filter flags of `observe`, in the order of the command line, to FlowFilters.
 *
 * In:    one set() a flag; --not turns the next one around.
 * Out:   an allow list and a deny list, each of at most two filters: a flag for either end (`--pod`) asks for it in the
 *        source of the first or in the destination of the second. Repeating a flag allows more, another flag asks for more.
 * Fail:  set() throws an Error that says what is allowed: a bad value, flags that exclude each other, a second --not.
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

  /** The next flag is denied. */
  not(): void {
    if (this.#not) throw new Error('--not stands before another --not; allowed: one, before a filter')
    this.#not = true
  }

  set(flag: FilterFlag, value: string): void {
    const list = this.#not ? this.#deny : this.#allow
    this.#not = false
    list.set(flag, value)
  }

  /** Call it last: throws when --not has no filter behind it. */
  build(): { allow: FlowFilter[]; deny: FlowFilter[] } {
    if (this.#not) throw new Error('--not stands last; allowed: before a filter')
    return { allow: this.#allow.filters(), deny: this.#deny.filters() }
  }
}

/** What of all the flags is allowed, or denied. */
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
      // A bad value is refused beside its flag, not later.
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
