// SPDX-License-Identifier: Apache-2.0
/**
 * attachment.ts - one interface that is to have Weir's programs: its state, and when the next attempt is due.
 *
 * In:    results of attempts and checks; milliseconds of a monotonic clock.
 * Never: makes a system call.
 */
import type { Hook } from '../record/abi.js'
import type { AttachMode } from './native.js'

export type WatchedHook = (typeof Hook)['pod' | 'uplink']

/** Pause after a failed attach; it doubles up to the second number. */
const RETRY_MS = [1_000, 60_000] as const
/** Attempts to be first again before Weir gives way to a program that insists on the head of the hook. */
const TRIES = 3
/** Pause after these attempts; it doubles up to the second number. First for the first number, all is forgotten. */
const YIELD_MS = [60_000, 600_000] as const

export class Attachment {
  readonly ifindex: number
  readonly hook: WatchedHook
  /** Its packets start with the IP header. */
  readonly bare: boolean
  name: string
  /** undefined while the programs are not attached. */
  mode: AttachMode | undefined
  /** When both programs were attached last; packets before it may not have been counted. */
  attachedMs = 0
  /** Another owner's program runs first, and Weir has given way. */
  behind = false
  /** An XDP program runs first. */
  hasXdp = false
  /** An attempt failed since it was last attached. */
  failed = false
  /** No attempt is due before this time. */
  #retryAt = 0
  #retryMs: number = RETRY_MS[0]
  #tries = 0
  #yieldMs: number = YIELD_MS[0]
  #triedAt = 0

  constructor(ifindex: number, name: string, hook: WatchedHook, bare = false) {
    this.bare = bare
    this.ifindex = ifindex
    this.name = name
    this.hook = hook
  }

  /** Another owner's program runs before Weir's, and may hide packets. */
  get isBehind(): boolean {
    return this.behind || this.hasXdp
  }

  isDue(now: number): boolean {
    return this.mode === undefined && now >= this.#retryAt
  }

  attached(mode: AttachMode, now: number): void {
    this.mode = mode
    this.attachedMs = now
    this.failed = false
    this.#retryMs = RETRY_MS[0]
  }

  /** An attempt failed: the programs are not attached. */
  refused(now: number): void {
    this.mode = undefined
    this.failed = true
    this.#retryAt = now + this.#retryMs
    this.#retryMs = Math.min(2 * this.#retryMs, RETRY_MS[1])
  }

  /** A check found another program before it. Returns whether to attach again. */
  overtaken(now: number): boolean {
    if (this.#tries >= TRIES && now < this.#triedAt + this.#yieldMs) return false
    if (this.#tries >= TRIES) this.#yieldMs = Math.min(2 * this.#yieldMs, YIELD_MS[1])
    this.#tries++
    this.#triedAt = now
    return true
  }

  /** A check found it attached, and first. */
  isFirst(now: number): void {
    if (this.#tries === 0 || now < this.#triedAt + YIELD_MS[0]) return
    this.#tries = 0
    this.#yieldMs = YIELD_MS[0]
  }
}
