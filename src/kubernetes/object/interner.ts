/**
 * interner.ts - one string for many equal ones, and one list, and one workload, as JSON.parse makes a new one each time.
 *
 * Never: grows past its bound; it then begins anew, which costs copies and changes no answer.
 */
import type { Workload } from '../../hubble/flow/flow.js'

/** Namespaces, workloads and node names of a large cluster; about 10 MB. */
const MAX_ENTRIES = 100_000

export class Interner {
  readonly #known = new Map<string, string>()
  readonly #lists = new Map<string, readonly string[]>()
  /** By name, those of each kind that has it. */
  readonly #workloads = new Map<string, readonly Workload[]>()

  /** Texts that are known. */
  get size(): number {
    return this.#known.size
  }

  of(text: string): string {
    return this.#known.get(text) ?? this.#keep(this.#known, text, text)
  }

  /** One list for equal ones. Of labels: none is empty or has a NUL. */
  list(texts: readonly string[]): readonly string[] {
    const key = texts.join('\0')
    return this.#lists.get(key) ?? this.#keep(this.#lists, key, texts)
  }

  /** One workload for equal ones. */
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
