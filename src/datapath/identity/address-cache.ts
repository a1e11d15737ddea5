// SPDX-License-Identifier: Apache-2.0
/**
 * address-cache.ts - caches the result of looking up an address together with the identity of its record.
 *
 * In:    addresses in a view, and identities; two numbers for each, set by the caller; a version of the names.
 * Out:   the place of an address with its numbers, which are `UNSET` if it is new.
 * Never: returns a result from before a change of names. Grows past its limit: it is cleared then.
 *
 * A place takes half a CPU cache line, for IPv4 and IPv6 alike. Without the cache, an address that is not in
 * address-table.ts is looked up once for every prefix length, and then compared with the identity by precedence.
 */
import { hash2, hash5 } from '../../lib/hash.js'

export const UNSET = -1

/** Cells of a place: last word of the address, identity, the two numbers, the other words, address family. */
export const Cell = { d: 0, identity: 1, number: 2, second: 3, a: 4, b: 5, c: 6, family: 7 } as const
const WORDS = 8
export const Family = { none: 0, ipv4: 4, ipv6: 6 } as const
const LEAST_PLACES = 256
const MAPPED_PREFIX = 0xffff

/** Names that change: results of one version are not valid in another. */
export interface Versioned {
  readonly version: number
}

export class AddressCache {
  /** The cells of all places. A place is the index of its first cell. */
  cells: Int32Array
  readonly #source: Versioned
  readonly #most: number
  #version: number
  #mask = (LEAST_PLACES - 1) * WORDS
  #size = 0

  /** `most`: places, 32 bytes each; a power of two. At most half of them are used. */
  constructor(source: Versioned, most = 8192) {
    this.#source = source
    this.#version = source.version
    this.#most = most
    this.cells = new Int32Array(LEAST_PLACES * WORDS)
  }

  /** Number of cached addresses. */
  get size(): number {
    return this.#size
  }

  clear(): void {
    if (this.#size === 0) return
    this.cells.fill(0)
    this.#size = 0
  }

  /**
   * HOT: the place of the address at `at`, 4 bytes or 16 with `ipv6`, mapped IPv4 included; valid until the next call.
   * Guard: bench `reduce-workload`.
   */
  place(view: DataView, at: number, ipv6: boolean, identity: number): number {
    if (this.#version !== this.#source.version) this.#renew()
    const first = view.getInt32(at)
    if (!ipv6) return this.#place4(first, identity | 0)
    const b = view.getInt32(at + 4)
    const c = view.getInt32(at + 8)
    const d = view.getInt32(at + 12)
    if (first === 0 && b === 0 && c === MAPPED_PREFIX) return this.#place4(d, identity | 0)
    return this.#place6(first, b, c, d, identity | 0)
  }

  #renew(): void {
    this.clear()
    this.#version = this.#source.version
  }

  #place4(address: number, identity: number): number {
    const { cells } = this
    const mask = this.#mask
    for (let at = (hash2(identity, address) * WORDS) & mask; ; at = (at + WORDS) & mask) {
      const same = cells[at] === address && cells[at + Cell.identity] === identity
      if (same && cells[at + Cell.family] === Family.ipv4) return at
      if (cells[at + Cell.family] === Family.none) return this.#put(at, Family.ipv4, 0, 0, 0, address, identity)
    }
  }

  #place6(a: number, b: number, c: number, d: number, identity: number): number {
    const { cells } = this
    const mask = this.#mask
    for (let at = (hash5(identity, a, b, c, d) * WORDS) & mask; ; at = (at + WORDS) & mask) {
      if (cells[at] === d && cells[at + Cell.identity] === identity && cells[at + Cell.family] === Family.ipv6) {
        if (cells[at + Cell.a] === a && cells[at + Cell.b] === b && cells[at + Cell.c] === c) return at
      }
      if (cells[at + Cell.family] === Family.none) return this.#put(at, Family.ipv6, a, b, c, d, identity)
    }
  }

  #put(at: number, family: number, a: number, b: number, c: number, d: number, identity: number): number {
    if (this.#size * 2 * WORDS > this.#mask) {
      this.#makeRoom()
      return family === Family.ipv4 ? this.#place4(d, identity) : this.#place6(a, b, c, d, identity)
    }
    const { cells } = this
    cells[at + Cell.d] = d
    cells[at + Cell.identity] = identity
    cells[at + Cell.number] = UNSET
    cells[at + Cell.second] = UNSET
    cells[at + Cell.a] = a
    cells[at + Cell.b] = b
    cells[at + Cell.c] = c
    cells[at + Cell.family] = family
    this.#size++
    return at
  }

  /** Doubles the places; at the limit clears them, which costs less than the CPU cache that more places would take. */
  #makeRoom(): void {
    const before = this.cells
    if (this.cells.length >= this.#most * WORDS) {
      this.clear()
      return
    }
    this.#mask = before.length * 2 - WORDS
    this.#size = 0
    this.cells = new Int32Array(before.length * 2)
    for (let from = 0; from < before.length; from += WORDS) this.#take(before, from)
  }

  /** Copies a place of the smaller table. */
  #take(before: Int32Array, from: number): void {
    if (before[from + Cell.family] === Family.none) return
    const [d, identity] = [before[from + Cell.d]!, before[from + Cell.identity]!]
    const ipv4 = before[from + Cell.family] === Family.ipv4
    const at = ipv4
      ? this.#place4(d, identity)
      : this.#place6(before[from + Cell.a]!, before[from + Cell.b]!, before[from + Cell.c]!, d, identity)
    this.cells[at + Cell.number] = before[from + Cell.number]!
    this.cells[at + Cell.second] = before[from + Cell.second]!
  }
}
