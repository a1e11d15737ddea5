/**
 * holdings.ts - what each key has: a row, and the addresses and prefixes at which it stands.
 *
 * Out:   a Holding, made when it is asked for: columns cost a third of an object a key, in memory and in pauses.
 */
import type { EndpointKind } from './entity-changes.js'
import { KeyTable } from './key-table.js'

export interface Holding {
  readonly row: number
  readonly kind: EndpointKind
  readonly ips: readonly string[]
  readonly prefixes: readonly string[]
}

const NONE: readonly string[] = []
/** Of a key that has nothing. */
export const NOTHING: Holding = { row: 0, kind: 'pod', ips: NONE, prefixes: NONE }

export class Holdings {
  readonly #keys = new KeyTable()
  readonly #rows: number[] = [0]
  readonly #kinds: EndpointKind[] = ['pod']
  /** One address, as nearly all have, needs no list; '' for none. */
  readonly #ips: (string | readonly string[])[] = ['']
  readonly #prefixes = new Map<number, readonly string[]>()

  /** What the key has, NOTHING if nothing. */
  get(key: string): Holding {
    const number = this.#keys.find(key)
    return number === 0 ? NOTHING : this.#at(number)
  }

  set(key: string, { row, kind, ips, prefixes }: Holding): void {
    const number = this.#keys.add(key)
    this.#rows[number] = row
    this.#kinds[number] = kind
    this.#ips[number] = ips.length === 1 ? ips[0]! : ips.length === 0 ? '' : ips
    if (prefixes.length > 0) this.#prefixes.set(number, prefixes)
    else this.#prefixes.delete(number)
  }

  delete(key: string): void {
    const number = this.#keys.find(key)
    this.#keys.remove(number)
    this.#ips[number] = ''
    this.#prefixes.delete(number)
  }

  *all(): Generator<Holding & { readonly key: string }> {
    for (let number = 1; number < this.#keys.end; number++) {
      if (this.#keys.has(number)) yield { ...this.#at(number), key: this.#keys.text(number) }
    }
  }

  #at(number: number): Holding {
    const ips = this.#ips[number]!
    return {
      row: this.#rows[number]!,
      kind: this.#kinds[number]!,
      ips: typeof ips !== 'string' ? ips : ips === '' ? NONE : [ips],
      prefixes: this.#prefixes.get(number) ?? NONE,
    }
  }
}
