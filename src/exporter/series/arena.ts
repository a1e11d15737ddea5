// SPDX-License-Identifier: Apache-2.0
/**
 * arena.ts - immutable texts, stored as UTF-8 in pages.
 *
 * In:    the line prefix of each series.
 * Out:   a place (page and offset in 32 bits: 4 GiB of text) to copy the text from.
 * Never: moves or frees a single text. Released bytes are counted, and once they exceed the live ones, `wasteful` asks
 *        the store to copy the live texts to a new arena. So pages take at most twice the live text, plus one page.
 *
 * Pages rather than one growing array: doubling needs twice the memory while it copies, and leaves up to half of it
 * unused. Bytes rather than strings: 17 MB of cached prefixes render in 8 ms, joined strings took 38 ms.
 */

/** Small enough for an idle exporter, large enough that the unused tail of a page is under 1 %. */
const PAGE_BITS = 16
const PAGE_BYTES = 1 << PAGE_BITS
const UTF8 = new TextEncoder()

export class Arena {
  readonly #pages: Uint8Array[] = []
  #free = PAGE_BYTES
  #live = 0
  #released = 0

  /** Whether more text is released than live. */
  get wasteful(): boolean {
    return this.#released > Math.max(this.#live, PAGE_BYTES)
  }

  /** Stores `text`; `bytes` is its UTF-8 length. A text longer than a page gets a page of its own. */
  put(text: string, bytes: number): number {
    const at = this.#allocate(bytes)
    UTF8.encodeInto(text, this.#pages.at(-1)!.subarray(at & (PAGE_BYTES - 1)))
    return at
  }

  /** Stores a text of another arena. */
  copyFrom(from: Arena, place: number, bytes: number): number {
    const at = this.#allocate(bytes)
    from.copy(place, bytes, this.#pages.at(-1)!, at & (PAGE_BYTES - 1))
    return at
  }

  /** Counts `bytes` of text as no longer needed. */
  release(bytes: number): void {
    this.#live -= bytes
    this.#released += bytes
  }

  /** Copies `bytes` bytes from the place `from` to `out`. HOT: once per line and scrape. `npm run bench scrape` */
  copy(from: number, bytes: number, out: Uint8Array, at: number): void {
    const page = this.#pages[from >>> PAGE_BITS]!
    const offset = from & (PAGE_BYTES - 1)
    out.set(page.subarray(offset, offset + bytes), at)
  }

  #allocate(bytes: number): number {
    if (this.#free + bytes > PAGE_BYTES) {
      this.#pages.push(new Uint8Array(Math.max(PAGE_BYTES, bytes)))
      this.#free = 0
    }
    const at = (this.#pages.length - 1) * PAGE_BYTES + this.#free
    this.#free += bytes
    this.#live += bytes
    return at
  }
}
