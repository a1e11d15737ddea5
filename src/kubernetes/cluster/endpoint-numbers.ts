/**
 * endpoint-numbers.ts - numbers for the pods of this node, as a record's 16 bits hold them.
 *
 * Out:   one a pod while it lives, the next in a circle of those that are free; 0, no number, when none is.
 */

const FIRST = 1
const LAST = 0xffff

export class EndpointNumbers {
  readonly #byKey = new Map<string, number>()
  readonly #used = new Set<number>()
  #next = FIRST

  of(key: string): number {
    return this.#byKey.get(key) ?? 0
  }

  take(key: string): void {
    if (this.#byKey.has(key) || this.#used.size > LAST - FIRST) return
    while (this.#used.has(this.#next)) this.#next = after(this.#next)
    this.#byKey.set(key, this.#next)
    this.#used.add(this.#next)
    this.#next = after(this.#next)
  }

  free(key: string): void {
    this.#used.delete(this.of(key))
    this.#byKey.delete(key)
  }
}

function after(number: number): number {
  return number === LAST ? FIRST : number + 1
}
