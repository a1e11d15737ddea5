/**
 * arena.ts - texts that never change, as UTF-8, packed into pages.
 *
 * In:    line prefixes, once each.
 * Out:   a place (page, then offset, in 32 bits: 4 GiB of text) to copy the text from.
 * Never: moves or frees a single text. What is let go is counted, and once it is more than what lives, `wasteful` asks
 *        the owner to put the living into a new arena: pages never hold more than twice the living text, and a page.
 *
 * Pages instead of one growing array: doubling would hold twice the text while it copies, and up to half of it
 * empty after. Bytes instead of strings: 17 MB of cached prefixes render in 8 ms, joined strings took 38 ms.
 */

/** Small enough that an idle exporter pays for one, large enough that page ends waste under 1 %. */
const PAGE_BITS = 16
const PAGE_BYTES = 1 << PAGE_BITS
const UTF8 = new TextEncoder()

export class Arena {
  readonly #pages: Uint8Array[] = []
  #free = PAGE_BYTES
  #live = 0
  #released = 0

  /** Whether more text was let go than lives. */
  get wasteful(): boolean {
    return this.#released > Math.max(this.#live, PAGE_BYTES)
  }

  /** Keep `text`; `bytes` is its UTF-8 length. A text longer than a page gets a page of its own. */
  put(text: string, bytes: number): number {
    const at = this.#take(bytes)
    UTF8.encodeInto(text, this.#pages.at(-1)!.subarray(at & (PAGE_BYTES - 1)))
    return at
  }

  /** Keep a text of another arena. */
  copyFrom(from: Arena, place: number, bytes: number): number {
    const at = this.#take(bytes)
    from.copy(place, bytes, this.#pages.at(-1)!, at & (PAGE_BYTES - 1))
    return at
  }

  /** A text of so many bytes is not needed any more. */
  release(bytes: number): void {
    this.#live -= bytes
    this.#released += bytes
  }

  /** Copy `bytes` bytes from the place `from` to `out`. HOT: once a line and scrape. `npm run bench scrape` */
  copy(from: number, bytes: number, out: Uint8Array, at: number): void {
    const page = this.#pages[from >>> PAGE_BITS]!
    const offset = from & (PAGE_BYTES - 1)
    out.set(page.subarray(offset, offset + bytes), at)
  }

  #take(bytes: number): number {
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
