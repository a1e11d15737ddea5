// SPDX-License-Identifier: Apache-2.0
/**
 * pod-namespaces.ts - finds the network namespaces of pods by the ids that the node's namespace has for them.
 *
 * In:    the folders where container runtimes and iproute2 mount namespaces, then those of all processes.
 * Out:   a path to enter, and the inode number that identifies the namespace.
 * Never: holds a namespace open, which would keep a deleted pod's interfaces alive.
 */
import { inodeOf, mountedNamespaces, processNamespaces } from './namespace-paths.js'
import type { Native } from './native.js'

export interface PodNamespace {
  readonly path: string
  readonly inode: number
}

/** Pause after a scan, which takes some 20 us for each process; it doubles while ids stay unknown. */
const RESCAN_MS = [1000, 60_000] as const

export class PodNamespaces {
  readonly #native: Native
  readonly #netns: string | undefined
  readonly #now: () => number
  #known = new Map<number, PodNamespace>()
  /** Ids that a scan did not find. */
  #unknown = new Set<number>()
  #scannedMs = Number.NEGATIVE_INFINITY
  #rescanMs: number = RESCAN_MS[0]

  /** `netns`: the node's namespace, whose ids are meant; undefined: the process's own. */
  constructor(native: Native, netns: string | undefined, now = () => performance.now()) {
    this.#native = native
    this.#netns = netns
    this.#now = now
  }

  /** Undefined if no path leads to the namespace, at least not now. */
  find(id: number): PodNamespace | undefined {
    const known = this.#known.get(id)
    if (known !== undefined && inodeOf(known.path) === known.inode) return known
    const pause = this.#unknown.has(id) ? this.#rescanMs : RESCAN_MS[0]
    if (this.#now() - this.#scannedMs < pause) return undefined
    this.#scan()
    const found = this.#known.get(id)
    if (found === undefined) this.#missed(id)
    return found
  }

  #missed(id: number): void {
    this.#rescanMs = this.#unknown.has(id) ? Math.min(2 * this.#rescanMs, RESCAN_MS[1]) : RESCAN_MS[0]
    this.#unknown.add(id)
  }

  #scan(): void {
    this.#scannedMs = this.#now()
    const places = new Map<number, string>()
    for (const path of [...mountedNamespaces(), ...processNamespaces()]) {
      const inode = inodeOf(path)
      if (inode !== undefined && !places.has(inode)) places.set(inode, path)
    }
    const found = [...places].map(([inode, path]) => ({ inode, path }))
    const ids = this.#ids(found.map(({ path }) => path))
    this.#known = new Map(found.flatMap((each, i) => (ids[i]! < 0 ? [] : [[ids[i]!, each]])))
    for (const id of this.#known.keys()) this.#unknown.delete(id)
  }

  #ids(paths: readonly string[]): Int32Array {
    const ask = () => this.#native.netnsIds(paths)
    return this.#netns === undefined ? ask() : this.#native.inNamespace(this.#netns, ask)
  }
}
