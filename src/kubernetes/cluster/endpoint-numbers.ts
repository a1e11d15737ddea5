// SPDX-License-Identifier: Apache-2.0
/**
 * endpoint-numbers.ts - allocates 16-bit endpoint numbers for the pods of this node.
 *
 * Out:   a number for each pod while it exists, round robin among the free ones; 0 when none is free.
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
