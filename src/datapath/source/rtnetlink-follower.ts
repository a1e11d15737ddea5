// SPDX-License-Identifier: Apache-2.0
/**
 * rtnetlink-follower.ts - the current objects of one kind, kept up to date by rtnetlink.
 *
 * In:    a watch; a parser of its messages; the key of an object.
 * Out:   a map of the objects, complete when the constructor returns; a call of the listener after a change.
 * Fail:  a system error is thrown. Lost notifications (ENOBUFS) and an interrupted dump trigger a dump, which removes the
 *        objects that it does not list.
 */
import type { RtnetlinkWatch } from './native.js'
import { type Message, messages, NLM_F_DUMP_INTERRUPTED, NLMSG_DONE } from './rtnetlink.js'

/** Undefined for a message of another kind. */
export type Parser<T> = (message: Message) => { readonly present: boolean; readonly of: T } | undefined

/** Bytes of notifications read at once. */
const MESSAGES = 256 * 1024

export class RtnetlinkFollower<T> {
  /** Times that notifications were lost. */
  losses = 0
  readonly #watch: RtnetlinkWatch
  readonly #parse: Parser<T>
  readonly #keyOf: (object: T) => string
  readonly #changed: () => void
  readonly #bytes = new Uint8Array(MESSAGES)
  readonly #objects = new Map<string, T>()
  /** Keys that the current dump has listed. */
  readonly #listed = new Set<string>()
  #dumping = false
  /** The current dump is not complete: dump again. */
  #redump = false

  constructor(watch: RtnetlinkWatch, parse: Parser<T>, keyOf: (object: T) => string, changed: () => void) {
    this.#watch = watch
    this.#parse = parse
    this.#keyOf = keyOf
    this.#changed = changed
    this.#dump()
    this.follow()
    watch.onReadable(() => this.follow())
  }

  get(key: string): T | undefined {
    return this.#objects.get(key)
  }

  values(): IterableIterator<T> {
    return this.#objects.values()
  }

  /** Removes objects that the kernel removes without a notification. */
  removeWhere(isGone: (object: T) => boolean): void {
    for (const [key, object] of this.#objects) if (isGone(object)) this.#objects.delete(key)
  }

  close(): void {
    this.#watch.close()
  }

  /** Handles all queued notifications. */
  follow(): void {
    for (;;) {
      try {
        const length = this.#watch.read(this.#bytes)
        if (length === 0) return
        for (const message of messages(this.#bytes, length)) this.#take(message)
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'ENOBUFS') throw error
        this.losses++
        this.#dump()
      }
    }
  }

  #take(message: Message): void {
    if ((message.flags & NLM_F_DUMP_INTERRUPTED) !== 0) this.#redump = this.#dumping
    if (message.type === NLMSG_DONE) {
      this.#complete()
      return
    }
    const parsed = this.#parse(message)
    if (parsed === undefined) return
    const key = this.#keyOf(parsed.of)
    const before = this.#objects.get(key)
    if (parsed.present) {
      this.#listed.add(key)
      this.#objects.set(key, parsed.of)
    } else {
      this.#objects.delete(key)
    }
    const same = before !== undefined && JSON.stringify(before) === JSON.stringify(parsed.of)
    if (parsed.present ? !same : before !== undefined) this.#changed()
  }

  #complete(): void {
    this.#dumping = false
    if (this.#redump) {
      this.#dump()
      return
    }
    for (const key of [...this.#objects.keys()]) if (!this.#listed.has(key)) this.#objects.delete(key)
    this.#listed.clear()
    this.#changed()
  }

  /** Starts a dump, or schedules one: the kernel refuses a second dump on the same socket while one runs. */
  #dump(): void {
    this.#redump = this.#dumping
    if (this.#dumping) return
    this.#dumping = true
    this.#listed.clear()
    this.#watch.dump()
  }
}
