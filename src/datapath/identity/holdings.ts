// SPDX-License-Identifier: Apache-2.0
/**
 * holdings.ts - the entity id, addresses and prefixes of each key.
 *
 * In:    addresses as formatAddress() writes them.
 * Out:   a Holding, built on demand: a pod is stored as numbers only, so that it does not lengthen garbage collection.
 */
import { formatAddress, parseAddress } from '../../lib/address.js'
import { word } from './address-table.js'
import { ENDPOINT_KINDS, type EndpointKind } from './entity-changes.js'
import { KeyTable } from './key-table.js'
import { NumberColumn } from './number-column.js'

export interface Holding {
  readonly row: number
  readonly kind: EndpointKind
  readonly ips: readonly string[]
  readonly prefixes: readonly string[]
}

const NONE: readonly string[] = []
/** The holding of an unknown key. */
export const NOTHING: Holding = { row: 0, kind: 'pod', ips: NONE, prefixes: NONE }
/** Words of an address. */
const WORDS = 4
const BYTES = 16

export class Holdings {
  readonly #keys = new KeyTable()
  readonly #rows = new NumberColumn()
  readonly #kinds = new NumberColumn()
  /** A single address, the usual case, is in #words; any other number of addresses is a list in #ips. */
  readonly #words = new NumberColumn()
  readonly #ips = new Map<number, readonly string[]>()
  readonly #prefixes = new Map<number, readonly string[]>()

  /** Returns NOTHING for an unknown key. */
  get(key: string): Holding {
    const number = this.#keys.find(key)
    return number === 0 ? NOTHING : this.#at(number)
  }

  set(key: string, { row, kind, ips, prefixes }: Holding): void {
    const number = this.#keys.add(key)
    this.#rows.set(number, row)
    this.#kinds.set(number, ENDPOINT_KINDS.indexOf(kind))
    this.#clear(number)
    if (ips.length === 1) this.#setWords(number, parseAddress(ips[0]!))
    else this.#ips.set(number, ips)
    if (prefixes.length > 0) this.#prefixes.set(number, prefixes)
  }

  delete(key: string): void {
    const number = this.#keys.find(key)
    this.#keys.remove(number)
    this.#clear(number)
  }

  *all(): Generator<Holding & { readonly key: string }> {
    for (let number = 1; number < this.#keys.end; number++) {
      if (this.#keys.has(number)) yield { ...this.#at(number), key: this.#keys.text(number) }
    }
  }

  #at(number: number): Holding {
    return {
      row: this.#rows.at(number),
      kind: ENDPOINT_KINDS[this.#kinds.at(number)]!,
      ips: this.#ips.get(number) ?? [this.#address(number)],
      prefixes: this.#prefixes.get(number) ?? NONE,
    }
  }

  #clear(number: number): void {
    this.#ips.delete(number)
    this.#prefixes.delete(number)
  }

  #setWords(number: number, address: Uint8Array): void {
    for (let i = 0; i < WORDS; i++) this.#words.set(number * WORDS + i, word(address, i * WORDS))
  }

  #address(number: number): string {
    const bytes = Buffer.alloc(BYTES)
    for (let i = 0; i < WORDS; i++) bytes.writeUInt32BE(this.#words.at(number * WORDS + i), i * WORDS)
    return formatAddress(bytes)
  }
}
