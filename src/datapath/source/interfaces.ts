/**
 * interfaces.ts - which interfaces the programs stand on, followed as they come and go.
 *
 * In:    rtnetlink notices; patterns for pods' and uplinks' interfaces.
 * Out:   programs attached to each that matches, and to no other.
 * Fail:  an interface that can't be attached is counted, told to `onError` and tried again at its next notice.
 *        Lost notices (ENOBUFS) are made good by a dump.
 */

import { compileGlob } from '../../lib/glob.js'
import { Hook } from '../record/abi.js'
import { type Link, type LinkSink, readLinks } from './links.js'
import type { AttachMode, BpfObject, LinkWatch, Native } from './native.js'

export interface InterfaceOptions {
  /** Patterns of pods' interfaces; none: every veth whose other end is in another namespace. */
  readonly interfaces: readonly string[]
  /** Patterns of uplinks; none: no uplink. */
  readonly uplinks: readonly string[]
  /** Network namespace to watch, as a path; undefined: this process's own. */
  readonly netns: string | undefined
  readonly attach: AttachMode | 'auto'
}

interface Watched {
  readonly name: string
  readonly hook: number
  readonly mode: AttachMode
}

const GONE = Uint8Array.of(1)
/**
 * Interfaces that `auto` gives TCX links; more get clsact filters. The kernel waits two RCU grace periods a pair of
 * links, with its network configuration locked (kernel/bpf/tcx.c, tcx_entry_sync): 45 ms against 0.4 ms for filters.
 */
const TCX_MAX = 8
const MESSAGES = 256 * 1024
/** By hook. */
export const PROGRAMS = {
  [Hook.pod]: ['weir_from_pod', 'weir_to_pod'],
  [Hook.uplink]: ['weir_uplink_in', 'weir_uplink_out'],
} as const

export class Interfaces implements LinkSink {
  /** Times an interface could not be attached to. */
  errors = 0
  readonly #native: Native
  readonly #object: BpfObject
  readonly #options: InterfaceOptions
  readonly #isPod: (link: Link) => boolean
  readonly #isUplink: (link: Link) => boolean
  readonly #watch: LinkWatch
  readonly #watched = new Map<number, Watched>()
  readonly #onError: (error: Error, link: Link) => void
  readonly #messages = new Uint8Array(MESSAGES)
  /** Links that a dump under way has named. */
  #named = new Set<number>()
  #dumping = false
  /** Notices were lost during the dump: some may be of links that it had named already. */
  #again = false

  /** Attaches to what is there before it returns. Throws on a bad pattern, or a namespace that is not there. */
  constructor(
    native: Native,
    object: BpfObject,
    options: InterfaceOptions,
    onError: (error: Error, link: Link) => void,
  ) {
    const { interfaces, uplinks } = options
    this.#native = native
    this.#object = object
    this.#options = options
    this.#onError = onError
    this.#isUplink = anyOf(uplinks)
    this.#isPod = interfaces.length > 0 ? anyOf(interfaces) : link => link.kind === 'veth' && link.peerElsewhere
    this.#watch = this.#inside(() => native.watchLinks())
    this.#dump()
    this.follow()
    this.#watch.onReadable(() => this.follow())
  }

  /** Interfaces watched, by hook. */
  count(hook: number): number {
    let n = 0
    for (const watched of this.#watched.values()) if (watched.hook === hook) n++
    return n
  }

  names(): string[] {
    return [...this.#watched.values()].map(watched => watched.name).sort()
  }

  /** Act on every notice that is waiting. */
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
    this.#named.add(link.ifindex)
    const hook = this.#isUplink(link) ? Hook.uplink : this.#isPod(link) ? Hook.pod : undefined
    const watched = this.#watched.get(link.ifindex)
    if (watched?.hook === hook) return
    if (watched !== undefined) this.gone(link.ifindex)
    if (hook !== undefined) this.#attach(link, hook)
  }

  gone(ifindex: number): void {
    if (!this.#watched.delete(ifindex)) return
    this.#inside(() => this.#object.detachInterface(ifindex))
    this.#object.update('gone_interfaces', keyOf(ifindex), GONE, 1)
  }

  complete(): void {
    this.#dumping = false
    if (this.#again) {
      this.#dump()
      return
    }
    for (const ifindex of [...this.#watched.keys()]) if (!this.#named.has(ifindex)) this.gone(ifindex)
    this.#named.clear()
  }

  /** Detach from all; twice is fine. */
  close(): void {
    this.#watch.close()
    for (const ifindex of [...this.#watched.keys()]) this.gone(ifindex)
  }

  /** The kernel runs one dump of a socket at a time, and refuses another. */
  #dump(): void {
    this.#again = this.#dumping
    if (this.#dumping) return
    this.#dumping = true
    this.#named.clear()
    this.#watch.dump()
  }

  #attach(link: Link, hook: 0 | 1): void {
    const [ingress, egress] = PROGRAMS[hook]
    const { attach } = this.#options
    const wanted = attach === 'auto' && this.#watched.size >= TCX_MAX ? 'tc' : attach
    try {
      const mode = this.#inside(() => this.#object.attachInterface(link.ifindex, ingress, egress, wanted))
      this.#object.remove('gone_interfaces', keyOf(link.ifindex), 1)
      this.#watched.set(link.ifindex, { name: link.name, hook, mode })
    } catch (error) {
      // It may have vanished since the notice: then its end is being told, and nothing is wrong.
      if ((error as NodeJS.ErrnoException).code === 'ENODEV') return
      this.errors++
      this.#onError(error as Error, link)
    }
  }

  #inside<T>(body: () => T): T {
    const { netns } = this.#options
    return netns === undefined ? body() : this.#native.inNamespace(netns, body)
  }
}

/** Key of the table `gone_interfaces`: their connections expire early (bpf/flush_connections.h). */
function keyOf(ifindex: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(ifindex).buffer)
}

function anyOf(patterns: readonly string[]): (link: Link) => boolean {
  const matchers = patterns.map(pattern => compileGlob(pattern))
  return link => matchers.some(matches => matches(link.name))
}
