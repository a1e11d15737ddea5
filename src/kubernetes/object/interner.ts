// SPDX-License-Identifier: Apache-2.0
/**
 * interner.ts - shares equal strings, lists and workloads, because JSON.parse makes new ones for each object.
 *
 * Never: grows past its limit; it then starts empty again, which costs duplicates but changes no result.
 */
import type { Workload } from '../../datapath/identity/workload.js'

/** Enough for namespaces, workloads and node names of a large cluster; about 10 MB. */
const MAX_ENTRIES = 100_000

export class Interner {
  readonly #known = new Map<string, string>()
  readonly #lists = new Map<string, readonly string[]>()
  /** By name: one for each kind that has this name. */
  readonly #workloads = new Map<string, readonly Workload[]>()

  /** Number of known texts. */
  get size(): number {
    return this.#known.size
  }

  of(text: string): string {
    return this.#known.get(text) ?? this.#keep(this.#known, text, text)
  }

  /** Shares equal lists of labels; a label is never empty and has no NUL. */
  list(texts: readonly string[]): readonly string[] {
    const key = texts.join('\0')
    return this.#lists.get(key) ?? this.#keep(this.#lists, key, texts)
  }

  /** Shares equal workloads. */
  workload(kind: string, name: string): Workload {
    const same = this.#workloads.get(name) ?? []
    const known = same.find(workload => workload.kind === kind)
    if (known !== undefined) return known
    const workload = { kind: this.of(kind), name: this.of(name) }
    this.#keep(this.#workloads, workload.name, [...same, workload])
    return workload
  }

  #keep<Value>(known: Map<string, Value>, key: string, value: Value): Value {
    if (known.size >= MAX_ENTRIES) known.clear()
    known.set(key, value)
    return value
  }
}
