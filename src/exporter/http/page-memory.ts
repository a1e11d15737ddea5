// SPDX-License-Identifier: Apache-2.0
/**
 * page-memory.ts - limits the memory of pages that are being written or sent.
 *
 * In:    pages in the making, each a promise; finished pages, each an array of parts, for as long as a response sends it.
 * Out:   whether there is room for another page. Responses that send the same parts count them once.
 * Never: refuses the only page, however large it is.
 */

/** 100,000 series are a page of 17 MB. The chart's limit of 600 MB leaves this much. */
export const MAX_PAGE_BYTES = 192 << 20

type Parts = readonly Buffer[]

export class PageMemory {
  readonly #max: number
  /** Responses by the parts that they send. */
  readonly #users = new Map<Parts, number>()
  readonly #making = new Set<Promise<unknown>>()
  #held = 0
  /** Size of the last page, the estimate for those in the making. */
  #lastSize = 0

  constructor(max = MAX_PAGE_BYTES) {
    this.#max = max
  }

  /** Bytes of all pages that are being sent. */
  get held(): number {
    return this.#held
  }

  /** Whether another page fits. */
  get hasRoom(): boolean {
    const pages = this.#making.size + this.#users.size
    return pages === 0 || this.#held + (this.#making.size + 1) * this.#lastSize <= this.#max
  }

  /** Counts a page until `work` on it is done; again for the same page is fine. */
  make(page: Promise<unknown>, work: Promise<unknown>): void {
    if (this.#making.has(page)) return
    this.#making.add(page)
    const done = () => this.#making.delete(page)
    work.then(done, done)
  }

  /** Counts the parts of a page until the returned function is called. */
  hold(parts: Parts): () => void {
    const size = parts.reduce((sum, part) => sum + part.length, 0)
    const users = this.#users.get(parts) ?? 0
    if (users === 0) this.#held += size
    this.#users.set(parts, users + 1)
    this.#lastSize = size
    return () => {
      const left = this.#users.get(parts)! - 1
      if (left > 0) this.#users.set(parts, left)
      else {
        this.#users.delete(parts)
        this.#held -= size
      }
    }
  }
}
