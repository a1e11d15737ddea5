// SPDX-License-Identifier: Apache-2.0
/**
 * interfaces.ts - attaches the programs to matching interfaces as these appear and disappear.
 *
 * In:    rtnetlink notifications; patterns of pod interfaces and uplinks.
 * Out:   programs attached to every matching interface and to no other.
 * Fail:  a failed attach is counted, passed to `onError` and retried at the interface's next notification.
 *        Lost notifications (ENOBUFS) trigger a dump.
 */

import { compileGlob } from '../../lib/glob.js'
import { Hook } from '../record/abi.js'
import { type Link, type LinkSink, readLinks } from './links.js'
import type { AttachMode, BpfObject, Native, RtnetlinkWatch } from './native.js'

export interface InterfaceOptions {
  /** Patterns of pod interfaces; if empty, every veth with its peer in another network namespace but the node's uplinks. */
  readonly interfaces: readonly string[]
  /** Patterns of uplinks; if empty, no uplink. */
  readonly uplinks: readonly string[]
  /** Path of the network namespace to watch; undefined: the process's own. */
  readonly netns: string | undefined
  readonly attach: AttachMode | 'auto'
}

interface Watched {
  readonly name: string
  readonly hook: number
  readonly mode: AttachMode
  /** performance.now() when both programs were attached. */
  readonly attachedMs: number
}

const GONE = Uint8Array.of(1)
/**
 * `auto` attaches TCX links to this many interfaces, and clsact filters to the rest. For each pair of links the kernel
 * waits two RCU grace periods with its network configuration locked (kernel/bpf/tcx.c, tcx_entry_sync): 45 ms, against
 * 0.4 ms for filters.
 */
const TCX_MAX = 8
/** Bytes of notifications read at once. */
const MESSAGES = 256 * 1024
/** Ingress and egress program by hook. */
export const PROGRAMS = {
  [Hook.pod]: ['weir_from_pod', 'weir_to_pod'],
  [Hook.uplink]: ['weir_uplink_in', 'weir_uplink_out'],
} as const

export class Interfaces implements LinkSink {
  /** Failed attaches. */
  errors = 0
  readonly #native: Native
  readonly #object: BpfObject
  readonly #options: InterfaceOptions
  readonly #isPod: (link: Link) => boolean
  readonly #isUplink: (link: Link) => boolean
  readonly #watch: RtnetlinkWatch
  readonly #watched = new Map<number, Watched>()
  readonly #onError: (error: Error, link: Link) => void
  readonly #messages = new Uint8Array(MESSAGES)
  /** Indices of the links that the current dump has listed. */
  #dumped = new Set<number>()
  #dumping = false
  /** Notifications were lost during the dump, perhaps of links that it had already listed: dump again. */
  #redump = false

  /**
   * Attaches to all existing matches before it returns. `isUplink`: interfaces that are the node's own, not a pod's, unless
   * a pattern matches. Throws for an invalid pattern or a missing namespace.
   */
  constructor(
    native: Native,
    object: BpfObject,
    options: InterfaceOptions,
    isUplink: (ifindex: number) => boolean,
    onError: (error: Error, link: Link) => void,
  ) {
    const { interfaces, uplinks } = options
    this.#native = native
    this.#object = object
    this.#options = options
    this.#onError = onError
    this.#isUplink = matcher(uplinks)
    const looksLikePod = (link: Link) => link.kind === 'veth' && link.peerInOtherNetns && !isUplink(link.ifindex)
    this.#isPod = interfaces.length > 0 ? matcher(interfaces) : looksLikePod
    this.#watch = this.#inNetns(() => native.watchLinks())
    this.#dump()
    this.follow()
    this.#watch.onReadable(() => this.follow())
  }

  /** The number of attached interfaces of a hook. */
  count(hook: number): number {
    let n = 0
    for (const watched of this.#watched.values()) if (watched.hook === hook) n++
    return n
  }

  names(): string[] {
    return [...this.#watched.values()].map(watched => watched.name).sort()
  }

  /** Decides again for every link: what isUplink() returns has changed. */
  recheck(): void {
    this.#dump()
    this.follow()
  }

  /** An attached interface. */
  watched(ifindex: number): Watched | undefined {
    return this.#watched.get(ifindex)
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
        this.#dump()
      }
    }
  }

  present(link: Link): void {
    this.#dumped.add(link.ifindex)
    const hook = this.#isUplink(link) ? Hook.uplink : this.#isPod(link) ? Hook.pod : undefined
    const watched = this.#watched.get(link.ifindex)
    if (watched?.hook === hook) return
    if (watched !== undefined) this.gone(link.ifindex)
    if (hook !== undefined) this.#attach(link, hook)
  }

  gone(ifindex: number): void {
    if (!this.#watched.delete(ifindex)) return
    this.#inNetns(() => this.#object.detachInterface(ifindex))
    this.#object.update('gone_interfaces', goneKey(ifindex), GONE, 1)
  }

  complete(): void {
    this.#dumping = false
    if (this.#redump) {
      this.#dump()
      return
    }
    for (const ifindex of [...this.#watched.keys()]) if (!this.#dumped.has(ifindex)) this.gone(ifindex)
    this.#dumped.clear()
  }

  /** Detaches from all interfaces. A second call does nothing. */
  close(): void {
    this.#watch.close()
    for (const ifindex of [...this.#watched.keys()]) this.gone(ifindex)
  }

  /** Starts a dump, or schedules one: the kernel refuses a second dump on the same socket while one runs. */
  #dump(): void {
    this.#redump = this.#dumping
    if (this.#dumping) return
    this.#dumping = true
    this.#dumped.clear()
    this.#watch.dump()
  }

  #attach(link: Link, hook: 0 | 1): void {
    const [ingress, egress] = PROGRAMS[hook]
    const { attach } = this.#options
    const requested = attach === 'auto' && this.#watched.size >= TCX_MAX ? 'tc' : attach
    try {
      const mode = this.#inNetns(() => this.#object.attachInterface(link.ifindex, ingress, egress, requested))
      this.#object.remove('gone_interfaces', goneKey(link.ifindex), 1)
      this.#watched.set(link.ifindex, { name: link.name, hook, mode, attachedMs: performance.now() })
    } catch (error) {
      // The interface was deleted after the notification. Its deletion notification follows, so this is no error.
      if ((error as NodeJS.ErrnoException).code === 'ENODEV') return
      this.errors++
      this.#onError(error as Error, link)
    }
  }

  #inNetns<T>(body: () => T): T {
    const { netns } = this.#options
    return netns === undefined ? body() : this.#native.inNamespace(netns, body)
  }
}

/** Key of the table `gone_interfaces`: connections of these interfaces expire early (bpf/flush_connections.h). */
function goneKey(ifindex: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(ifindex).buffer)
}

function matcher(patterns: readonly string[]): (link: Link) => boolean {
  const matchers = patterns.map(pattern => compileGlob(pattern))
  return link => matchers.some(matches => matches(link.name))
}
