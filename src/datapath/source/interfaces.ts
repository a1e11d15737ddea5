// SPDX-License-Identifier: Apache-2.0
/**
 * interfaces.ts - which interfaces are to have the programs, as they appear, change and disappear.
 *
 * In:    rtnetlink notifications; patterns of pod interfaces and uplinks.
 * Out:   every matching interface, and no other, given to the attachments.
 * Fail:  lost notifications (ENOBUFS) trigger a dump. A pod's interface without Ethernet headers is an error, reported once.
 */

import { compileGlob } from '../../lib/glob.js'
import { Hook } from '../record/abi.js'
import type { WatchedHook } from './attachment.js'
import { type AttachListener, Attachments, type AttachOptions } from './attachments.js'
import { isBare, isPodLink, type Link, type LinkSink, readLinks } from './links.js'
import type { BpfObject, Native, RtnetlinkWatch } from './native.js'
import { type PodEndMode, PodEnds, watchesPodEnds } from './pod-ends.js'
import { PodNetns } from './pod-netns.js'

export interface InterfaceOptions extends AttachOptions {
  /** Patterns of pod interfaces; if empty, every veth or netkit with its peer in another network namespace but the node's uplinks. */
  readonly interfaces: readonly string[]
  /** Patterns of uplinks; if empty, no uplink. */
  readonly uplinks: readonly string[]
  /** Whether to attach also at the pods' side of their interfaces. Default: never. */
  readonly podEnd?: PodEndMode
}

/** ARPHRD_LOOPBACK. */
const LOOPBACK = 772
/** Names kept of interfaces, deleted ones included: their flows may still be in the flow buffer. */
const MAX_NAMES = 4096
/** Bytes of notifications read at once. */
const MESSAGES = 256 * 1024
/** Between two dumps. The kernel does not notify of an XDP program that a BPF link attaches. */
const DUMP_MS = 1000

export class Interfaces implements LinkSink {
  /** Times that notifications were lost. */
  losses = 0
  readonly attachments: Attachments
  readonly podEnds: PodEnds | undefined
  readonly #isPod: (link: Link) => boolean
  readonly #isUplink: (link: Link) => boolean
  readonly #watch: RtnetlinkWatch
  readonly #messages = new Uint8Array(MESSAGES)
  /** Indices of the links that the current dump has listed. */
  #dumped = new Set<number>()
  /** Indices of pods' interfaces that the programs cannot read. */
  readonly #refused = new Set<number>()
  /** By index, the oldest first. */
  readonly #names = new Map<number, string>()
  readonly #podNetns: PodNetns
  readonly #timer: NodeJS.Timeout
  #dumping = false
  /** Notifications were lost during the dump, perhaps of links that it had already listed: dump again. */
  #redump = false

  /**
   * Begins to attach to all existing matches. `isUplink`: interfaces that are the node's own, not a pod's, unless
   * a pattern matches. Throws for an invalid pattern or a missing namespace.
   */
  constructor(
    native: Native,
    object: BpfObject,
    options: InterfaceOptions,
    isUplink: (ifindex: number) => boolean,
    listener: Omit<AttachListener, 'beforeRepair'>,
  ) {
    const { interfaces, uplinks, netns } = options
    this.#podNetns = new PodNetns(object)
    this.#isUplink = matcher(uplinks)
    const looksLikePod = (link: Link) => isPodLink(link) && !isUplink(link.ifindex)
    this.#isPod = interfaces.length > 0 ? matcher(interfaces) : looksLikePod
    const watch = () => native.watchLinksAndFilters()
    this.#watch = netns === undefined ? watch() : native.inNamespace(netns, watch)
    this.attachments = new Attachments(object, options, { ...listener, beforeRepair: () => this.follow() })
    const { attachments } = this
    this.podEnds = watchesPodEnds(options.podEnd)
      ? new PodEnds(native, object, options, attachments, listener.onError)
      : undefined
    this.#dump()
    this.follow()
    this.attachments.run()
    this.#watch.onReadable(() => this.follow())
    this.#timer = setInterval(() => this.recheck(), DUMP_MS)
  }

  /** Numbers of the interfaces of pods. */
  pods(): Set<number> {
    const pods = this.attachments.list().filter(({ hook }) => hook === Hook.pod)
    return new Set(pods.map(({ ifindex }) => ifindex))
  }

  /** The name of an interface of the watched namespace, also after its deletion. */
  nameOf(ifindex: number): string | undefined {
    return this.#names.get(ifindex)
  }

  /** Decides again for every link. */
  recheck(): void {
    this.#dump()
    this.follow()
  }

  /** Handles all queued notifications. */
  follow(): void {
    for (;;) {
      try {
        const length = this.#watch.read(this.#messages)
        if (length === 0) return
        readLinks(this.#messages, length, this)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOBUFS') throw error
        this.losses++
        this.#dump()
      }
    }
  }

  present(link: Link): void {
    this.#dumped.add(link.ifindex)
    this.#keepName(link)
    const hook = this.#hookOf(link)
    this.#podNetns.set(link.ifindex, hook === Hook.pod && link.peerInOtherNetns ? link.peerNetnsId : undefined)
    if (hook === undefined) this.attachments.remove(link.ifindex)
    else this.attachments.add(link.ifindex, link.name, hook, hook === Hook.uplink && isBare(link))
    if (hook !== undefined) this.attachments.xdp(link.ifindex, link.hasXdp)
    if (hook === Hook.pod) this.podEnds?.add(link)
    else if (hook === Hook.uplink) this.podEnds?.remove(link.ifindex)
    else if (link.hardware !== LOOPBACK) this.podEnds?.addOther(link)
  }

  #keepName({ ifindex, name }: Link): void {
    this.#names.delete(ifindex)
    this.#names.set(ifindex, name)
    if (this.#names.size > MAX_NAMES) this.#names.delete(this.#names.keys().next().value!)
  }

  #hookOf(link: Link): WatchedHook | undefined {
    if (this.#isUplink(link)) return Hook.uplink
    if (!this.#isPod(link)) return undefined
    if (!isBare(link)) return Hook.pod
    if (!this.#refused.has(link.ifindex))
      this.attachments.refuse(link.name, 'no Ethernet headers: only an uplink may lack them')
    this.#refused.add(link.ifindex)
    return undefined
  }

  gone(ifindex: number): void {
    this.#refused.delete(ifindex)
    this.#podNetns.set(ifindex, undefined)
    this.attachments.remove(ifindex)
    this.podEnds?.remove(ifindex)
  }

  filtersChanged(ifindex: number): void {
    this.attachments.suspect(ifindex)
  }

  complete(): void {
    this.#dumping = false
    if (this.#redump) {
      this.#dump()
      return
    }
    for (const { ifindex } of this.attachments.list()) if (!this.#dumped.has(ifindex)) this.gone(ifindex)
    this.#dumped.clear()
  }

  /** Ends the following. The programs stay attached until the object is closed. A second call does nothing. */
  close(): void {
    clearInterval(this.#timer)
    this.#watch.close()
    this.podEnds?.close()
    this.attachments.close()
  }

  /** Starts a dump, or schedules one: the kernel refuses a second dump on the same socket while one runs. */
  #dump(): void {
    this.#redump = this.#dumping
    if (this.#dumping) return
    this.#dumping = true
    this.#dumped.clear()
    this.#watch.dump()
  }
}

function matcher(patterns: readonly string[]): (link: Link) => boolean {
  const matchers = patterns.map(pattern => compileGlob(pattern))
  return link => matchers.some(matches => matches(link.name))
}
