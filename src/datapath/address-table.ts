/**
 * address-table.ts - addresses and prefixes to row numbers, on typed arrays.
 *
 * In:    addresses as 32-bit words, first byte highest (`word`); rows above 0.
 * Out:   the row, or 0 for none.
 * Never: allocates in find(); grows past what it was built for.
 */
import type { Prefix } from './address.js'

/** Any odd number with bits all over. */
const FOLD = 0x9e3779b1

/** Four bytes as a signed word. HOT. */
export function word(bytes: Uint8Array, at: number): number {
  return (bytes[at]! << 24) | (bytes[at + 1]! << 16) | (bytes[at + 2]! << 8) | bytes[at + 3]!
}

/** 32-bit keys: IPv4 addresses, identities. Open addressing; 8 bytes a slot. */
export class WordTable {
  /** Key, row, key, row: both in one cache line. */
  readonly #cells: Int32Array
  readonly #mask: number

  constructor(capacity: number) {
    const slots = slotsFor(capacity)
    this.#cells = new Int32Array(slots * 2)
    this.#mask = slots * 2 - 2
  }

  /** Insert or replace. */
  set(key: number, row: number): void {
    const at = this.#at(key | 0)
    this.#cells[at] = key
    this.#cells[at + 1] = row
  }

  /** HOT. Guard: bench `reduce-weir`. */
  find(key: number): number {
    return this.#cells[this.#at(key | 0) + 1]!
  }

  /** Where the key is, or the free place where it belongs. */
  #at(key: number): number {
    const cells = this.#cells
    let at = (mix(key) << 1) & this.#mask
    while (cells[at] !== key && cells[at + 1] !== 0) at = (at + 2) & this.#mask
    return at
  }
}

/** 128-bit keys: IPv6 addresses. 20 bytes a slot. */
export class Word4Table {
  readonly #keys: Int32Array
  readonly #rows: Int32Array
  readonly #mask: number

  constructor(capacity: number) {
    const slots = slotsFor(capacity)
    this.#keys = new Int32Array(slots * 4)
    this.#rows = new Int32Array(slots)
    this.#mask = slots - 1
  }

  set(a: number, b: number, c: number, d: number, row: number): void {
    const slot = this.#slot(a, b, c, d)
    this.#keys.set([a, b, c, d], slot * 4)
    this.#rows[slot] = row
  }

  /** HOT. Guard: bench `reduce-weir`. */
  find(a: number, b: number, c: number, d: number): number {
    return this.#rows[this.#slot(a, b, c, d)]!
  }

  #slot(a: number, b: number, c: number, d: number): number {
    const keys = this.#keys
    const folded = (Math.imul((Math.imul((Math.imul(a, FOLD) + b) | 0, FOLD) + c) | 0, FOLD) + d) | 0
    let slot = mix(folded) & this.#mask
    while (this.#rows[slot] !== 0) {
      const k = slot * 4
      if (keys[k + 3] === d && keys[k + 2] === c && keys[k + 1] === b && keys[k] === a) break
      slot = (slot + 1) & this.#mask
    }
    return slot
  }
}

/** Longest prefix of IPv4 addresses: a table a prefix length, longest first. */
export class PrefixTable {
  readonly #lengths: { mask: number; table: WordTable }[] = []

  /** `prefixes` are IPv4 (bits from 96); rows belong to them by index. */
  constructor(prefixes: readonly Prefix[], rows: readonly number[]) {
    for (const { bits, members } of byLength(prefixes)) {
      const table = new WordTable(members.length)
      for (const i of members) table.set(word(prefixes[i]!.addr, 12), rows[i]!)
      this.#lengths.push({ mask: maskOf(bits - 96), table })
    }
  }

  /** HOT. Guard: bench `reduce-weir`. */
  find(key: number): number {
    const lengths = this.#lengths
    for (let i = 0; i < lengths.length; i++) {
      const { mask, table } = lengths[i]!
      const row = table.find(key & mask)
      if (row !== 0) return row
    }
    return 0
  }
}

/** Longest prefix of IPv6 addresses. */
export class Prefix4Table {
  readonly #lengths: { masks: Int32Array; table: Word4Table }[] = []

  constructor(prefixes: readonly Prefix[], rows: readonly number[]) {
    for (const { bits, members } of byLength(prefixes)) {
      const table = new Word4Table(members.length)
      for (const i of members) {
        const { addr } = prefixes[i]!
        table.set(word(addr, 0), word(addr, 4), word(addr, 8), word(addr, 12), rows[i]!)
      }
      this.#lengths.push({ masks: Int32Array.from([0, 32, 64, 96], from => maskOf(bits - from)), table })
    }
  }

  /** HOT. Guard: bench `reduce-weir`. */
  find(a: number, b: number, c: number, d: number): number {
    const lengths = this.#lengths
    for (let i = 0; i < lengths.length; i++) {
      const { masks, table } = lengths[i]!
      const row = table.find(a & masks[0]!, b & masks[1]!, c & masks[2]!, d & masks[3]!)
      if (row !== 0) return row
    }
    return 0
  }
}

/** Indices of the prefixes of each length, longest first. */
function byLength(prefixes: readonly Prefix[]): { bits: number; members: number[] }[] {
  const groups = new Map<number, number[]>()
  for (const [i, { bits }] of prefixes.entries()) {
    const members = groups.get(bits)
    if (members === undefined) groups.set(bits, [i])
    else members.push(i)
  }
  return [...groups].map(([bits, members]) => ({ bits, members })).sort((x, y) => y.bits - x.bits)
}

/** A word with the first `bits` bits set; any number of bits. */
function maskOf(bits: number): number {
  if (bits <= 0) return 0
  return bits >= 32 ? -1 : -1 << (32 - bits)
}

/** At most a quarter full: at half, look-ups of the bench records took a tenth longer. */
function slotsFor(capacity: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(capacity, 1) * 4))
}

/** Spread all bits of a word over the low ones (the finaliser of MurmurHash3). */
function mix(key: number): number {
  let hash = key
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return hash ^ (hash >>> 16)
}
