// SPDX-License-Identifier: Apache-2.0
/**
 * address-table.ts - ids by address or prefix, in typed arrays.
 *
 * In:    addresses as 32-bit words in network order (`word`); ids above 0.
 * Out:   the id, or 0 for none.
 * Never: allocates in find(); leaves tombstones; shrinks.
 */
import type { Prefix } from '../../lib/address.js'
import { hash1, hash4 } from '../../lib/hash.js'

/** A table grows when more than one in FULL slots is used. */
const FULL = 2

/** Four bytes as a signed word. HOT. */
export function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}

/** Open addressing over 32-bit keys: IPv4 addresses, identities. A slot takes 8 bytes. */
export class WordTable {
  /** Keys and ids alternate, so that both are in one CPU cache line. */
  #cells: Int32Array
  #mask: number
  #size = 0

  /** `capacity`: keys that fit before the table grows. */
  constructor(capacity = 0) {
    const slots = slotsFor(capacity)
    this.#cells = new Int32Array(slots * 2)
    this.#mask = slots * 2 - 2
  }

  get size(): number {
    return this.#size
  }

  /** Inserts or replaces. */
  set(key: number, id: number): void {
    if (this.#cells[this.#at(key | 0) + 1] === 0) {
      if ((this.#size + 1) * FULL > this.#cells.length / 2) this.#grow()
      this.#size++
    }
    this.#put(key, id)
  }

  /** Returns whether the key was present. */
  delete(key: number): boolean {
    const cells = this.#cells
    let hole = this.#at(key | 0)
    if (cells[hole + 1] === 0) return false
    this.#size--
    // Keys after the hole move into it, unless a key would come before its home slot.
    for (let at = (hole + 2) & this.#mask; cells[at + 1] !== 0; at = (at + 2) & this.#mask) {
      const home = (hash1(cells[at]!) << 1) & this.#mask
      if (((at - home) & this.#mask) < ((at - hole) & this.#mask)) continue
      cells[hole] = cells[at]!
      cells[hole + 1] = cells[at + 1]!
      hole = at
    }
    cells[hole] = 0
    cells[hole + 1] = 0
    return true
  }

  /** HOT. Guard: bench `reduce-weir`. */
  find(key: number): number {
    return this.#cells[this.#at(key | 0) + 1]!
  }

  #put(key: number, id: number): void {
    const at = this.#at(key | 0)
    this.#cells[at] = key
    this.#cells[at + 1] = id
  }

  #grow(): void {
    const before = this.#cells
    this.#cells = new Int32Array(before.length * 2)
    this.#mask = before.length * 2 - 2
    for (let at = 0; at < before.length; at += 2) if (before[at + 1] !== 0) this.#put(before[at]!, before[at + 1]!)
  }

  /** The key's cell, or the free cell where it belongs. */
  #at(key: number): number {
    const cells = this.#cells
    let at = (hash1(key) << 1) & this.#mask
    while (cells[at] !== key && cells[at + 1] !== 0) at = (at + 2) & this.#mask
    return at
  }
}

/** Open addressing over 128-bit keys: IPv6 addresses, UUIDs. A slot takes 20 bytes. */
export class Word4Table {
  #keys: Int32Array
  #ids: Int32Array
  #mask: number
  #size = 0

  constructor(capacity = 0) {
    const slots = slotsFor(capacity)
    this.#keys = new Int32Array(slots * 4)
    this.#ids = new Int32Array(slots)
    this.#mask = slots - 1
  }

  get size(): number {
    return this.#size
  }

  set(a: number, b: number, c: number, d: number, id: number): void {
    if (this.#ids[this.#slot(a, b, c, d)] === 0) {
      if ((this.#size + 1) * FULL > this.#ids.length) this.#grow()
      this.#size++
    }
    this.#put(a, b, c, d, id)
  }

  /** Returns whether the key was present. */
  delete(a: number, b: number, c: number, d: number): boolean {
    const [keys, ids] = [this.#keys, this.#ids]
    let hole = this.#slot(a, b, c, d)
    if (ids[hole] === 0) return false
    this.#size--
    for (let slot = (hole + 1) & this.#mask; ids[slot] !== 0; slot = (slot + 1) & this.#mask) {
      const k = slot * 4
      const home = hash4(keys[k]!, keys[k + 1]!, keys[k + 2]!, keys[k + 3]!) & this.#mask
      if (((slot - home) & this.#mask) < ((slot - hole) & this.#mask)) continue
      keys.copyWithin(hole * 4, k, k + 4)
      ids[hole] = ids[slot]!
      hole = slot
    }
    ids[hole] = 0
    return true
  }

  /** HOT. Guard: bench `reduce-weir`. */
  find(a: number, b: number, c: number, d: number): number {
    return this.#ids[this.#slot(a, b, c, d)]!
  }

  #put(a: number, b: number, c: number, d: number, id: number): void {
    const slot = this.#slot(a, b, c, d)
    const k = slot * 4
    this.#keys[k] = a
    this.#keys[k + 1] = b
    this.#keys[k + 2] = c
    this.#keys[k + 3] = d
    this.#ids[slot] = id
  }

  #grow(): void {
    const [keys, ids] = [this.#keys, this.#ids]
    this.#keys = new Int32Array(keys.length * 2)
    this.#ids = new Int32Array(ids.length * 2)
    this.#mask = this.#ids.length - 1
    for (let slot = 0, k = 0; slot < ids.length; slot++, k += 4) {
      if (ids[slot] !== 0) this.#put(keys[k]!, keys[k + 1]!, keys[k + 2]!, keys[k + 3]!, ids[slot]!)
    }
  }

  #slot(a: number, b: number, c: number, d: number): number {
    const keys = this.#keys
    let slot = hash4(a, b, c, d) & this.#mask
    while (this.#ids[slot] !== 0) {
      const k = slot * 4
      if (keys[k + 3] === d && keys[k + 2] === c && keys[k + 1] === b && keys[k] === a) break
      slot = (slot + 1) & this.#mask
    }
    return slot
  }
}

/** Longest-prefix match of IPv4 addresses: one table for each prefix length, longest first. */
export class PrefixTable {
  readonly #lengths: { readonly bits: number; readonly mask: number; readonly table: WordTable }[] = []

  /** `prefix` is a mapped IPv4 one (96 bits or more); id 0 removes it. */
  set({ bits, addr }: Prefix, id: number): void {
    let at = this.#lengths.findIndex(length => length.bits <= bits)
    if (at < 0) at = this.#lengths.length
    if (this.#lengths[at]?.bits !== bits) {
      if (id === 0) return
      this.#lengths.splice(at, 0, { bits, mask: maskOf(bits - 96), table: new WordTable() })
    }
    const { table } = this.#lengths[at]!
    if (id !== 0) table.set(word(addr, 12), id)
    else if (table.delete(word(addr, 12)) && table.size === 0) this.#lengths.splice(at, 1)
  }

  /** HOT: the longest prefix of at most `most` bits. Guard: bench `reduce-weir`. */
  find(key: number, most = 128): number {
    const lengths = this.#lengths
    for (let i = 0; i < lengths.length; i++) {
      const { bits, mask, table } = lengths[i]!
      if (bits > most) continue
      const id = table.find(key & mask)
      if (id !== 0) return id
    }
    return 0
  }
}

/** Longest-prefix match of IPv6 addresses. */
export class Prefix4Table {
  readonly #lengths: { readonly bits: number; readonly masks: Int32Array; readonly table: Word4Table }[] = []

  /** Id 0 removes the prefix. */
  set({ bits, addr }: Prefix, id: number): void {
    let at = this.#lengths.findIndex(length => length.bits <= bits)
    if (at < 0) at = this.#lengths.length
    if (this.#lengths[at]?.bits !== bits) {
      if (id === 0) return
      const masks = Int32Array.from([0, 32, 64, 96], from => maskOf(bits - from))
      this.#lengths.splice(at, 0, { bits, masks, table: new Word4Table() })
    }
    const { table } = this.#lengths[at]!
    const [a, b, c, d] = [word(addr, 0), word(addr, 4), word(addr, 8), word(addr, 12)]
    if (id !== 0) table.set(a, b, c, d, id)
    else if (table.delete(a, b, c, d) && table.size === 0) this.#lengths.splice(at, 1)
  }

  /** HOT: the longest prefix of at most `most` bits. Guard: bench `reduce-weir`. */
  find(a: number, b: number, c: number, d: number, most = 128): number {
    const lengths = this.#lengths
    for (let i = 0; i < lengths.length; i++) {
      const { bits, masks, table } = lengths[i]!
      if (bits > most) continue
      const id = table.find(a & masks[0]!, b & masks[1]!, c & masks[2]!, d & masks[3]!)
      if (id !== 0) return id
    }
    return 0
  }
}

/** A word with its first `bits` bits set; less than 0 counts as 0, more than 32 as 32. */
function maskOf(bits: number): number {
  if (bits <= 0) return 0
  return bits >= 32 ? -1 : -1 << (32 - bits)
}

/** New tables are a quarter full; they grow when half full. Half-full new tables made look-ups of the bench a tenth slower. */
function slotsFor(capacity: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(capacity, 16) * 4))
}
