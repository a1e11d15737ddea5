// SPDX-License-Identifier: Apache-2.0
/**
 * attachments.ts - attaches the programs to interfaces, and keeps them attached and first on their hooks.
 *
 * In:    the interfaces that are to have them; notices that filters of one have changed.
 * Out:   one job of the addon at a time, pods' interfaces first: attaching a TCX link blocks for an RCU grace period with
 *        the kernel's network configuration locked, so more at once would not be faster.
 * Fail:  a failed attach is counted, reported and retried. What another program detached or overtook is attached again.
 * Never: waits: a job runs on another thread.
 */
import { Hook } from '../record/abi.js'
import { Attachment, type WatchedHook } from './attachment.js'
import type { AttachMode, BpfObject, HookState } from './native.js'

export interface AttachOptions {
  /** Path of the network namespace to watch; undefined: the process's own. */
  readonly netns: string | undefined
  readonly attach: AttachMode | 'auto'
}

export type ReattachReason = Exclude<HookState, 'attached' | 'behind' | 'unchecked'>

export interface AttachListener {
  onError(error: Error, name: string): void
  onReattached(name: string, reason: ReattachReason): void
  /** Another program runs before Weir's, and attaching again does not help; or no longer. */
  onBehind(name: string, behind: boolean): void
  /** Every interface has the programs, for the first time. */
  onCovered(): void
  /** Handles the queued notifications of the kernel: a deleted interface is not a detached one. */
  beforeRepair(): void
}

/** Ingress and egress program by hook. */
export const PROGRAMS = {
  [Hook.pod]: ['weir_from_pod', 'weir_to_pod'],
  [Hook.uplink]: ['weir_uplink_in', 'weir_uplink_out'],
} as const
/** The same for an uplink without Ethernet headers. */
export const L3_PROGRAMS = ['weir_l3_in', 'weir_l3_out'] as const

/** Milliseconds between two checks of all TCX links, which take 2 us of CPU time for an interface: 0.3 % for 200. */
const CHECK_MS = 100
/**
 * Clsact filters are checked in every tenth interval, because a dump takes 8 us for an interface, and the kernel notifies
 * of most changes.
 */
const TC_INTERVALS = 10
const GONE = Uint8Array.of(1)
const MS_PER_SECOND = 1000
const ALL = 0

export class Attachments {
  /** Failed attempts to attach or detach. */
  errors = 0
  /** Seconds in the kernel for attaching; the network configuration is locked for most of it. */
  attachSeconds = 0
  /** Seconds from the start until every interface had the programs; 0 until then. */
  coverageSeconds = 0
  /** By reason. */
  readonly reattached: Record<ReattachReason, number> = { detached: 0, qdisc_deleted: 0, replaced: 0, not_first: 0 }
  /** Resolves after the first attempt at each interface of the start. */
  readonly attempted: Promise<void>
  readonly #object: BpfObject
  readonly #options: AttachOptions
  readonly #listener: AttachListener
  readonly #attachments = new Map<number, Attachment>()
  /** Numbers of interfaces to detach from. */
  readonly #leaving = new Set<number>()
  /** Numbers of interfaces to check. */
  readonly #suspects = new Set<number>()
  readonly #start = performance.now()
  readonly #timer: NodeJS.Timeout
  #resolveAttempted: (() => void) | undefined
  #ticks = 0
  /** Message of the last check's error, by interface; of a check of all, by 0. */
  readonly #checkFaults = new Map<number, string>()
  #busy = false
  #closed = false

  constructor(object: BpfObject, options: AttachOptions, listener: AttachListener) {
    this.#object = object
    this.#options = options
    this.#listener = listener
    this.attempted = new Promise(resolve => {
      this.#resolveAttempted = resolve
    })
    this.#timer = setInterval(() => this.#tick(), CHECK_MS)
  }

  /** The hook that an interface has, or is to have. */
  hookOf(ifindex: number): WatchedHook | undefined {
    return this.#attachments.get(ifindex)?.hook
  }

  /** An interface that has the programs. */
  attached(ifindex: number): Attachment | undefined {
    const attachment = this.#attachments.get(ifindex)
    return attachment?.mode === undefined ? undefined : attachment
  }

  /** All interfaces, attached or not. */
  list(): readonly Attachment[] {
    return [...this.#attachments.values()]
  }

  /** The number of attached interfaces of a hook. */
  count(hook: WatchedHook): number {
    return this.list().filter(each => each.hook === hook && each.mode !== undefined).length
  }

  /** Interfaces that do not have the programs yet. */
  pending(): readonly Attachment[] {
    return this.list().filter(({ mode }) => mode === undefined)
  }

  /** Seconds since the start. */
  get age(): number {
    return (performance.now() - this.#start) / MS_PER_SECOND
  }

  /** The first attempts are not over. */
  get isStarting(): boolean {
    return this.#resolveAttempted !== undefined
  }

  /** Adds an interface, or takes its new name. `bare`: its packets start with the IP header. */
  add(ifindex: number, name: string, hook: WatchedHook, bare = false): void {
    const known = this.#attachments.get(ifindex)
    if (known?.hook === hook) {
      known.name = name
      return
    }
    if (known !== undefined) this.remove(ifindex)
    this.#attachments.set(ifindex, new Attachment(ifindex, name, hook, bare))
    this.run()
  }

  /** An XDP program is on the interface, or no longer: it runs before all hooks, and nothing can be done about it. */
  xdp(ifindex: number, hasXdp: boolean): void {
    const attachment = this.#attachments.get(ifindex)
    if (attachment === undefined || attachment.hasXdp === hasXdp) return
    attachment.hasXdp = hasXdp
    if (!attachment.behind) this.#listener.onBehind(attachment.name, hasXdp)
  }

  /** Removes an interface, which may be deleted. Its connections expire early. */
  remove(ifindex: number): void {
    if (!this.#attachments.delete(ifindex)) return
    this.#checkFaults.delete(ifindex)
    this.#object.update('gone_interfaces', goneKey(ifindex), GONE, 1)
    this.#leaving.add(ifindex)
    this.run()
  }

  /** An interface that should have the programs, and cannot. */
  refuse(name: string, reason: string): void {
    this.#fail(Object.assign(new Error(`interface ${name}: ${reason}`), { syscall: 'attach' }), name)
  }

  /** The filters of an interface have changed, perhaps by Weir. */
  suspect(ifindex: number): void {
    if (this.#attachments.get(ifindex)?.mode !== 'tc') return
    this.#suspects.add(ifindex)
    this.run()
  }

  /** Runs what is due, unless it already does. */
  run(): void {
    if (this.#busy || this.#closed) return
    this.#busy = true
    void this.#runAll()
  }

  /** Ends the attempts. The programs stay attached until the object is closed. */
  close(): void {
    this.#closed = true
    clearInterval(this.#timer)
    this.#settle()
  }

  #tick(): void {
    const withFilters = this.#ticks++ % TC_INTERVALS === 0
    for (const { ifindex, mode } of this.#attachments.values())
      if (mode === 'tcx' || (mode === 'tc' && withFilters)) this.#suspects.add(ifindex)
    this.run()
  }

  async #runAll(): Promise<void> {
    for (;;) {
      // In a microtask of its own, so that all interfaces of one dump are known before the first attempt.
      await undefined
      const job = this.#closed ? undefined : this.#nextJob()
      if (job === undefined) break
      await job()
    }
    this.#busy = false
    if (this.#closed) return
    this.#noteCoverage()
    this.#settle()
  }

  #nextJob(): (() => Promise<void>) | undefined {
    const [leaving] = this.#leaving
    if (leaving !== undefined) return () => this.#detach(leaving)
    if (this.#suspects.size > 0) return () => this.#check()
    const now = performance.now()
    const due = this.list().filter(attachment => attachment.isDue(now))
    const next = due.find(({ hook }) => hook === Hook.pod) ?? due[0]
    return next && (() => this.#attach(next))
  }

  async #attach(attachment: Attachment): Promise<void> {
    const { netns, attach } = this.#options
    const [ingress, egress] = attachment.bare ? L3_PROGRAMS : PROGRAMS[attachment.hook]
    await this.#attempt(attachment, async () => {
      const mode = await this.#object.attachInterface(netns, attachment.ifindex, ingress, egress, attach)
      attachment.attached(mode, performance.now())
      if (this.#has(attachment)) this.#object.remove('gone_interfaces', goneKey(attachment.ifindex), 1)
    })
  }

  async #detach(ifindex: number): Promise<void> {
    this.#leaving.delete(ifindex)
    try {
      await this.#object.detachInterface(this.#options.netns, ifindex)
    } catch (error) {
      this.#fail(error, `${ifindex}`)
    }
  }

  async #check(): Promise<void> {
    const suspects = [...this.#suspects].flatMap(ifindex => this.#attachments.get(ifindex) ?? [])
    this.#suspects.clear()
    const attached = suspects.filter(({ mode }) => mode !== undefined)
    const states = await this.#statesOf(attached)
    if (this.#closed || states === undefined) return
    if (states.some(state => state !== 'attached')) this.#listener.beforeRepair()
    for (const [i, attachment] of attached.entries()) {
      const state = states[i]
      if (state !== undefined && this.#has(attachment)) await this.#settleState(attachment, state)
    }
  }

  async #statesOf(attachments: readonly Attachment[]): Promise<readonly HookState[] | undefined> {
    const numbers = attachments.map(({ ifindex }) => ifindex)
    try {
      const states = await this.#object.checkInterfaces(this.#options.netns, numbers)
      this.#checkFaults.delete(ALL)
      return states
    } catch (error) {
      this.#failCheck(error, ALL, 'all')
      return undefined
    }
  }

  /** Checks one interface again, for the error's message. */
  async #explain({ ifindex, name }: Attachment): Promise<void> {
    try {
      await this.#object.checkInterfaces(this.#options.netns, [ifindex])
    } catch (error) {
      this.#failCheck(error, ifindex, name)
    }
  }

  /** Reports an error once: the next check is due in 100 ms. */
  #failCheck(error: unknown, ifindex: number, name: string): void {
    const { message } = error as Error
    if (message !== this.#checkFaults.get(ifindex)) this.#fail(error, name)
    this.#checkFaults.set(ifindex, message)
  }

  async #settleState(attachment: Attachment, state: HookState): Promise<void> {
    if (state === 'unchecked') return this.#explain(attachment)
    this.#checkFaults.delete(attachment.ifindex)
    const now = performance.now()
    if (state === 'attached') attachment.isFirst(now)
    const yields = state === 'behind' || (state === 'not_first' && !attachment.overtaken(now))
    if (yields !== attachment.behind && (yields || state === 'attached')) {
      attachment.behind = yields
      if (!attachment.hasXdp) this.#listener.onBehind(attachment.name, yields)
    }
    if (state !== 'attached' && state !== 'behind' && !yields) await this.#repair(attachment, state)
  }

  async #repair(attachment: Attachment, reason: ReattachReason): Promise<void> {
    await this.#attempt(attachment, async () => {
      await this.#object.repairInterface(this.#options.netns, attachment.ifindex)
      attachment.attachedMs = performance.now()
      if (!this.#has(attachment)) return
      this.reattached[reason]++
      this.#listener.onReattached(attachment.name, reason)
    })
  }

  /** An interface that was deleted meanwhile is no error: its notification follows. */
  async #attempt(attachment: Attachment, body: () => Promise<void>): Promise<void> {
    const start = performance.now()
    try {
      await body()
    } catch (error) {
      attachment.refused(performance.now())
      if (!this.#has(attachment)) return
      if ((error as NodeJS.ErrnoException).code === 'ENODEV') this.remove(attachment.ifindex)
      else this.#fail(error, attachment.name)
    } finally {
      this.attachSeconds += (performance.now() - start) / MS_PER_SECOND
    }
  }

  #fail(error: unknown, name: string): void {
    if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
    if (this.#closed) return
    this.errors++
    this.#listener.onError(error as Error, name)
  }

  /** Neither removed nor replaced while a job was running. */
  #has(attachment: Attachment): boolean {
    return !this.#closed && this.#attachments.get(attachment.ifindex) === attachment
  }

  #noteCoverage(): void {
    if (this.coverageSeconds > 0 || this.pending().length > 0) return
    this.coverageSeconds = this.age
    this.#listener.onCovered()
  }

  #settle(): void {
    this.#resolveAttempted?.()
    this.#resolveAttempted = undefined
  }
}

/** Key of the table `gone_interfaces`: connections of these interfaces expire early (bpf/flush_connections.h). */
function goneKey(ifindex: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(ifindex).buffer)
}
