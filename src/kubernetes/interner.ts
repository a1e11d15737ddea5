/**
 * interner.ts - one string for many equal ones, and one list, as JSON.parse makes a new one each time.
 *
 * Never: grows past its bound; it then begins anew, which costs copies and changes no answer.
 */

/** Namespaces, workloads and node names of a large cluster; about 10 MB. */
const MOST = 100_000

export class Interner {
  readonly #known = new Map<string, string>()
  readonly #lists = new Map<string, readonly string[]>()

  of(text: string): string {
    const known = this.#known.get(text)
    if (known !== undefined) return known
    if (this.#known.size >= MOST) this.#known.clear()
    this.#known.set(text, text)
    return text
  }

  /** One list for equal ones. */
  list(texts: readonly string[]): readonly string[] {
    const key = JSON.stringify(texts)
    const known = this.#lists.get(key)
    if (known !== undefined) return known
    if (this.#lists.size >= MOST) this.#lists.clear()
    this.#lists.set(key, texts)
    return texts
  }
}
