// SPDX-License-Identifier: Apache-2.0
/**
 * namespace-list.ts - the network namespaces of the machine, and when each is to be read again.
 *
 * In:    mounted namespaces, at each refresh; those of processes when asked, because a look at all processes takes long.
 * Out:   a path for each namespace but the node's.
 * Never: holds a namespace open: without notifications, which would need that, each is read from time to time.
 */
import { inodeOf, mountedNamespaces, processNamespaces } from './namespace-paths.js'

export interface Namespace {
  readonly inode: number
  path: string
  /** When it was found. */
  readonly sinceMs: number
  readMs: number
}

/** A pod gets its interfaces in the first seconds; until then its namespace is read at each refresh. */
const YOUNG_MS = 10_000
/** Pause between two readings after that. */
const OLD_MS = 5000
/** Pause between two looks at all processes; it doubles. */
const PROCESSES_MS = [1000, 60_000] as const

export class NamespaceList {
  readonly #node: string
  readonly #list: {
    mounted(): Iterable<string>
    processes(): Iterable<string>
    inodeOf(path: string): number | undefined
  }
  readonly #namespaces = new Map<number, Namespace>()
  #processesMs = Number.NEGATIVE_INFINITY
  #pauseMs: number = PROCESSES_MS[0]
  #missing = ''

  /** `node`: a path of the node's namespace. */
  constructor(node: string, list = { mounted: mountedNamespaces, processes: processNamespaces, inodeOf }) {
    this.#node = node
    this.#list = list
  }

  /** `missing`: pods that no namespace was found for; while there are some, the namespaces of processes count too. */
  refresh(nowMs: number, missing: readonly string[]): void {
    const found = this.#mounted()
    let lost = false
    for (const { inode, path } of this.#namespaces.values()) {
      if (found.has(inode)) continue
      if (this.#list.inodeOf(path) === inode) found.set(inode, path)
      else lost = true
    }
    if (this.#looksAtProcesses(nowMs, missing, lost)) this.#add(found, this.#list.processes())
    found.delete(this.#list.inodeOf(this.#node) ?? 0)
    for (const inode of this.#namespaces.keys()) if (!found.has(inode)) this.#namespaces.delete(inode)
    for (const [inode, path] of found) {
      const known = this.#namespaces.get(inode)
      if (known !== undefined) known.path = path
      else this.#namespaces.set(inode, { inode, path, sinceMs: nowMs, readMs: Number.NEGATIVE_INFINITY })
    }
  }

  has(inode: number): boolean {
    return this.#namespaces.has(inode)
  }

  /** Those to read now. */
  due(nowMs: number): Namespace[] {
    return [...this.#namespaces.values()].filter(
      ({ sinceMs, readMs }) => nowMs - sinceMs < YOUNG_MS || nowMs - readMs >= OLD_MS,
    )
  }

  /** Reads a namespace at the next opportunity. */
  expire(inode: number): void {
    const known = this.#namespaces.get(inode)
    if (known !== undefined) known.readMs = Number.NEGATIVE_INFINITY
  }

  #mounted(): Map<number, string> {
    const found = new Map<number, string>()
    this.#add(found, this.#list.mounted())
    return found
  }

  #add(found: Map<number, string>, paths: Iterable<string>): void {
    for (const path of paths) {
      const inode = this.#list.inodeOf(path)
      if (inode !== undefined && !found.has(inode)) found.set(inode, path)
    }
  }

  #looksAtProcesses(nowMs: number, missing: readonly string[], lost: boolean): boolean {
    const names = missing.join()
    if (names !== this.#missing || lost) this.#pauseMs = PROCESSES_MS[0]
    this.#missing = names
    if ((missing.length === 0 && !lost) || nowMs - this.#processesMs < this.#pauseMs) return false
    this.#processesMs = nowMs
    this.#pauseMs = Math.min(2 * this.#pauseMs, PROCESSES_MS[1])
    return true
  }
}
