// SPDX-License-Identifier: Apache-2.0
/**
 * pod-ends.ts - attaches a program at the pods' side of their interfaces, for packets that skip the host's side.
 *
 * Such packets come from the ingress of another interface of the node. Those from pods' interfaces are noted there anyway
 * (bpf/pod_end.h). Programs at the node's other interfaces are attached only once the self-check found that they are
 * needed, because these interfaces are not otherwise Weir's business.
 *
 * In:    interfaces of pods. Needs CAP_SYS_ADMIN to enter the pods' namespaces.
 * Out:   TCX links, one at a time, because each blocks the kernel's network configuration for 20 ms.
 * Fail:  an attach that fails is passed to `onError` once for each cause and retried with the next review. A kernel
 *        without TCX, or a missing capability, ends all attempts.
 * Never: attaches clsact filters in a namespace that is not Weir's: they would outlive it.
 */
import { ownCapabilities } from '../../lib/capabilities.js'
import type { Attachments } from './attachments.js'
import type { Link } from './links.js'
import type { BpfObject, Native } from './native.js'
import { type PodNamespace, PodNamespaces } from './pod-namespaces.js'

/** auto: with CAP_SYS_ADMIN, which entering a pod's network namespace requires. */
export type PodEndMode = 'auto' | 'always' | 'never'

/** At the pods' side, and at interfaces of the node that are no pod's. */
export const POD_END_PROGRAMS = ['weir_pod_end', 'weir_arrival'] as const
/** Opened by a thread that then moves, so not `thread-self`. */
export const OWN_NETNS = '/proc/self/ns/net'

/** Between two looks for pods' sides that are not attached. */
const REVIEW_MS = 200

/** Errors that no later attempt would not meet: no CAP_SYS_ADMIN; no TCX (before 6.6). */
const FINAL: ReadonlySet<string | undefined> = new Set(['EPERM', 'EACCES', 'EINVAL', 'EOPNOTSUPP'])

export function watchesPodEnds(mode: PodEndMode = 'never'): boolean {
  return mode === 'always' || (mode === 'auto' && ownCapabilities()?.has('CAP_SYS_ADMIN') === true)
}

interface PodEnd {
  readonly link: Link
  key: Uint8Array | undefined
  /** When it was attached; undefined: it is not. */
  attachedMs: number | undefined
}

export class PodEnds {
  /** Failed attaches. */
  errors = 0
  /** Why none is attached any more; undefined while attempts continue. */
  refused: string | undefined
  readonly #object: BpfObject
  readonly #namespaces: PodNamespaces
  readonly #hosts: Attachments
  readonly #isOptional: boolean
  /** Message of the last error, by interface. */
  readonly #faults = new Map<number, string>()
  readonly #onError: (error: Error, name: string) => void
  readonly #timer: NodeJS.Timeout
  readonly #netns: string
  readonly #ends = new Map<number, PodEnd>()
  /** The node's other interfaces, and whether the program is attached. */
  readonly #others = new Map<number, { readonly link: Link; attached: boolean }>()
  #wide = false
  #reviewed = false
  #running = false
  #closed = false

  constructor(
    native: Native,
    object: BpfObject,
    { netns, podEnd }: { readonly netns: string | undefined; readonly podEnd?: PodEndMode },
    hosts: Attachments,
    onError: (error: Error, name: string) => void,
  ) {
    this.#object = object
    this.#isOptional = podEnd !== 'always'
    this.#netns = netns ?? OWN_NETNS
    this.#hosts = hosts
    this.#namespaces = new PodNamespaces(native, netns)
    this.#onError = onError
    this.#timer = setInterval(() => void this.#review(), REVIEW_MS)
    void hosts.attempted.then(() => this.#review())
  }

  /** The first attempts are not over. */
  get isStarting(): boolean {
    return !this.#reviewed
  }

  /** Pods' sides attached. */
  get count(): number {
    let n = 0
    for (const { attachedMs } of this.#ends.values()) if (attachedMs !== undefined) n++
    return n
  }

  /** Pods' interfaces whose namespace was not found, or whose attach failed. With `auto` a kernel without TCX is no fault. */
  get missing(): number {
    return this.#isOptional && this.refused !== undefined ? 0 : this.#ends.size - this.count
  }

  /** When the pod's side of an interface was attached. */
  attachedMs(ifindex: number): number | undefined {
    return this.#ends.get(ifindex)?.attachedMs
  }

  /** Packets skip the host's side from interfaces that are no pods': attaches there too. Returns false if it already does. */
  widen(): boolean {
    if (this.#wide || this.refused !== undefined || this.count === 0) return false
    this.#wide = true
    void this.#review()
    return true
  }

  /** An interface of the node that is no pod's. */
  addOther(link: Link): void {
    if (this.#ends.has(link.ifindex)) this.remove(link.ifindex)
    if (!this.#others.has(link.ifindex)) this.#others.set(link.ifindex, { link, attached: false })
  }

  /** An interface of a pod. */
  add(link: Link): void {
    if (!link.peerInOtherNetns || this.#ends.get(link.ifindex)?.link.peerIfindex === link.peerIfindex) return
    this.remove(link.ifindex)
    this.#ends.set(link.ifindex, { link, key: undefined, attachedMs: undefined })
  }

  remove(ifindex: number): void {
    const [end, other] = [this.#ends.get(ifindex), this.#others.get(ifindex)]
    this.#ends.delete(ifindex)
    this.#others.delete(ifindex)
    this.#faults.delete(ifindex)
    if (this.#closed) return
    if (end?.attachedMs !== undefined || other?.attached) void this.#object.detachPodEnd(ifindex)
    if (end?.key !== undefined) this.#object.remove('pod_ends', end.key, 1)
  }

  /** Ends the attempts. The programs stay attached until the object is closed. */
  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
    this.#ends.clear()
  }

  /** Attaches what is not attached yet, after the hosts' sides: those see the most. */
  async #review(): Promise<void> {
    if (this.#running || this.#hosts.isStarting) return
    this.#running = true
    for (const end of [...this.#ends.values()]) {
      if (this.#closed || this.refused !== undefined) break
      if (end.attachedMs === undefined) await this.#attach(end)
    }
    if (this.#wide) await this.#attachOthers()
    this.#running = false
    this.#reviewed = true
  }

  async #attach(end: PodEnd): Promise<void> {
    const { link } = end
    const place = this.#namespaces.find(link.peerNetnsId)
    if (place === undefined || !this.#isCurrent(end)) return
    try {
      // The table first: the program finds the interface from its first packet on.
      end.key = podEndKey(place, link)
      this.#object.update('pod_ends', end.key, new Uint8Array(Uint32Array.of(link.ifindex).buffer), 1)
      await this.#object.attachPodEnd(link.ifindex, place.path, link.peerIfindex, POD_END_PROGRAMS[0])
      end.attachedMs = performance.now()
      if (!this.#isCurrent(end) && !this.#closed) void this.#object.detachPodEnd(link.ifindex)
    } catch (error) {
      this.#failed(error as NodeJS.ErrnoException, link.ifindex, `${link.name}, pod's side`)
    }
  }

  async #attachOthers(): Promise<void> {
    for (const other of [...this.#others.values()]) {
      const { ifindex, name } = other.link
      if (this.#closed || this.refused !== undefined) return
      if (other.attached) continue
      try {
        await this.#object.attachPodEnd(ifindex, this.#netns, ifindex, POD_END_PROGRAMS[1])
        other.attached = true
        if (this.#others.get(ifindex) !== other && !this.#closed) void this.#object.detachPodEnd(ifindex)
      } catch (error) {
        this.#failed(error as NodeJS.ErrnoException, ifindex, name)
      }
    }
  }

  #failed(error: NodeJS.ErrnoException, ifindex: number, name: string): void {
    // The pod is being deleted.
    if (error.code === 'ENODEV' || error.code === 'ENOENT' || error.code === 'ECANCELED') return
    this.errors++
    if (FINAL.has(error.code)) this.refused = error.message
    if (error.message !== this.#faults.get(ifindex)) this.#onError(error, name)
    this.#faults.set(ifindex, error.message)
  }

  #isCurrent(end: PodEnd): boolean {
    return this.#ends.get(end.link.ifindex) === end
  }
}

/** struct pod_end of bpf/pod_end.h. */
function podEndKey({ inode }: PodNamespace, { peerIfindex }: Link): Uint8Array {
  return new Uint8Array(Uint32Array.of(inode, peerIfindex).buffer)
}
