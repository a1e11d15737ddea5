// SPDX-License-Identifier: Apache-2.0
/**
 * entity-addresses.ts - the entity of each address: exact addresses, then the longest CIDR; and the kernel's entries for them.
 *
 * In:    addresses and prefixes that entities get and lose; prefixes in which an unknown address may soon get a name.
 * Out:   the entity id of an address; changed kernel entries, each in its current state.
 * Never: queues a change twice: an entry that changed several times before the kernel was updated is one entry.
 */
import { formatAddress, formatPrefix, isMapped, type Prefix, parseAddress, parsePrefix } from '../../lib/address.js'
import { Prefix4Table, PrefixTable, Word4Table, WordTable, word } from './address-table.js'

/** Wanted state of one kernel entry. */
export interface PrefixState extends Prefix {
  /** 0 for none. */
  readonly row: number
  /** Entity id of the longest CIDR that covers it, itself included. */
  readonly cidr: number
  /** Addresses inside it may still get a name. */
  readonly unresolved: boolean
  /** Whether the kernel should have it at all. */
  readonly present: boolean
}

const HOST_BITS = 128
const MAPPED_BITS = 96
const ALL_IPV4 = '0.0.0.0/0'

export class EntityAddresses {
  readonly #exact = new WordTable()
  readonly #exact6 = new Word4Table()
  readonly #cidrs = new PrefixTable()
  readonly #cidrs6 = new Prefix4Table()
  readonly #cidrRows = new Map<string, number>()
  /** Unresolved prefixes, each with the number of endpoints that declare it. */
  readonly #unresolved = new Map<string, number>()
  /** Addresses whose entity may be about to change. */
  readonly #doubted = new Set<string>()
  readonly #changed = new Set<string>()
  /** IPv6 CIDRs so short that in the kernel's trie they cover mapped IPv4 addresses as well. */
  #short = 0

  /** Exact addresses. */
  get hosts(): number {
    return this.#exact.size + this.#exact6.size
  }

  /** Kernel entries. */
  get size(): number {
    return this.hosts + this.#cidrRows.size + this.#unresolved.size
  }

  /** HOT: entity id of an IPv4 address, by exact address or longest CIDR. */
  find4(key: number): number {
    return this.#exact.find(key) || this.#cidrs.find(key)
  }
  /** HOT */
  find6(a: number, b: number, c: number, d: number): number {
    return this.#exact6.find(a, b, c, d) || this.#cidrs6.find(a, b, c, d)
  }
  /** HOT: by exact address only. */
  exact4(key: number): number {
    return this.#exact.find(key)
  }
  /** HOT */
  exact6(a: number, b: number, c: number, d: number): number {
    return this.#exact6.find(a, b, c, d)
  }
  /** HOT: by longest CIDR only. */
  cidr4(key: number): number {
    return this.#cidrs.find(key)
  }
  /** HOT */
  cidr6(a: number, b: number, c: number, d: number): number {
    return this.#cidrs6.find(a, b, c, d)
  }

  /** Entity id of exactly this address; 0 for none. */
  host(ip: string): number {
    return this.#host(parseAddress(ip))
  }

  /** Entity id of the longest CIDR that covers the address. */
  cidr(ip: string): number {
    return this.#cidr(parseAddress(ip), HOST_BITS)
  }

  setHost(ip: string, row: number): void {
    const addr = parseAddress(ip)
    if (isMapped(addr)) this.#exact.set(word(addr, 12), row)
    else this.#exact6.set(word(addr, 0), word(addr, 4), word(addr, 8), word(addr, 12), row)
    this.#changed.add(ip)
  }

  /** Does nothing if another entity owns it. */
  removeHost(ip: string, row: number): void {
    const addr = parseAddress(ip)
    if (this.#host(addr) !== row) return
    if (isMapped(addr)) this.#exact.delete(word(addr, 12))
    else this.#exact6.delete(word(addr, 0), word(addr, 4), word(addr, 8), word(addr, 12))
    this.#changed.add(ip)
  }

  /** Another entity may get this address soon: the kernel defers its counts until trust(). */
  doubt(ip: string): void {
    this.#doubted.add(ip)
    this.#changed.add(ip)
  }

  trust(ip: string): void {
    if (this.#doubted.delete(ip)) this.#changed.add(ip)
  }

  setCidr(text: string, row: number): void {
    const prefix = parsePrefix(text)
    if (row === 0 ? !this.#cidrRows.delete(keyOf(prefix)) : !this.#takes(prefix, row)) return
    if (isIpv4(prefix)) this.#cidrs.set(prefix, row)
    else this.#cidrs6.set(prefix, row)
    this.#changed.add(keyOf(prefix))
    // In the kernel's trie ::/0 covers mapped addresses, too; an IPv6 prefix must not name IPv4 addresses.
    if (prefix.bits < MAPPED_BITS) this.#changed.add(ALL_IPV4)
    for (const unresolved of this.#unresolved.keys()) this.#changed.add(unresolved)
  }

  /** Does nothing if another entity owns it. */
  removeCidr(text: string, row: number): void {
    const prefix = parsePrefix(text)
    if (this.#cidrRows.get(keyOf(prefix)) !== row) return
    if (prefix.bits < MAPPED_BITS) this.#short--
    this.setCidr(text, 0)
  }

  addUnresolved(text: string): void {
    const key = keyOf(parsePrefix(text))
    this.#unresolved.set(key, (this.#unresolved.get(key) ?? 0) + 1)
    this.#changed.add(key)
  }

  removeUnresolved(text: string): void {
    const key = keyOf(parsePrefix(text))
    const left = (this.#unresolved.get(key) ?? 0) - 1
    if (left > 0) this.#unresolved.set(key, left)
    else this.#unresolved.delete(key)
    this.#changed.add(key)
  }

  /** The owner of one address. */
  stateAt(addr: Uint8Array): { readonly row: number; readonly cidr: number; readonly unresolved: boolean } {
    const row = this.#host(addr)
    return { row, cidr: this.#cidr(addr, HOST_BITS), unresolved: row === 0 && this.#isUnresolved(addr) }
  }

  /** Entries not yet written to the kernel. */
  get pending(): number {
    return this.#changed.size
  }

  /** Up to `most` changed entries in their current state; they are no longer pending. */
  takeChanged(most: number): PrefixState[] {
    const taken: PrefixState[] = []
    for (const key of this.#changed) {
      if (taken.length >= most) break
      this.#changed.delete(key)
      taken.push(this.#state(key))
    }
    return taken
  }

  /** Queues an entry again that could not be written to the kernel. */
  changed(prefix: Prefix): void {
    this.#changed.add(keyOf(prefix))
  }

  /** Every entry that the kernel should have, with `hosts`. */
  states(hosts: Iterable<string>): PrefixState[] {
    const keys = new Set([...this.#cidrRows.keys(), ...hosts, ...this.#unresolved.keys(), ALL_IPV4])
    return [...keys].map(key => this.#state(key)).filter(({ present }) => present)
  }

  #takes(prefix: Prefix, row: number): boolean {
    const key = keyOf(prefix)
    const before = this.#cidrRows.get(key)
    if (before === undefined && prefix.bits < MAPPED_BITS) this.#short++
    this.#cidrRows.set(key, row)
    return before !== row
  }

  #state(key: string): PrefixState {
    const { bits, addr } = key.includes('/') ? parsePrefix(key) : { bits: HOST_BITS, addr: parseAddress(key) }
    const row = bits === HOST_BITS ? this.#host(addr) : 0
    const unresolved = row === 0 ? this.#unresolved.has(key) : this.#doubted.has(key)
    const guard = key === ALL_IPV4 && this.#short > 0
    return {
      bits,
      addr,
      row,
      cidr: this.#cidr(addr, bits),
      unresolved,
      present: row !== 0 || unresolved || guard || this.#cidrRows.has(key),
    }
  }

  #isUnresolved(addr: Uint8Array): boolean {
    for (const key of this.#unresolved.keys()) if (covers(parsePrefix(key), addr)) return true
    return false
  }

  #host(addr: Uint8Array): number {
    if (isMapped(addr)) return this.#exact.find(word(addr, 12))
    return this.#exact6.find(word(addr, 0), word(addr, 4), word(addr, 8), word(addr, 12))
  }

  #cidr(addr: Uint8Array, bits: number): number {
    if (bits >= MAPPED_BITS && isMapped(addr)) return this.#cidrs.find(word(addr, 12), bits)
    return this.#cidrs6.find(word(addr, 0), word(addr, 4), word(addr, 8), word(addr, 12), bits)
  }
}

/** Canonical text; a prefix of one address is that address. */
function keyOf(prefix: Prefix): string {
  return prefix.bits === HOST_BITS ? formatAddress(prefix.addr) : formatPrefix(prefix)
}

function covers({ bits, addr: prefix }: Prefix, addr: Uint8Array): boolean {
  for (let bit = 0; bit < bits; bit += 8) {
    const mask = bits - bit >= 8 ? 0xff : (0xff << (8 - (bits - bit))) & 0xff
    if (((prefix[bit / 8]! ^ addr[bit / 8]!) & mask) !== 0) return false
  }
  return true
}

function isIpv4({ bits, addr }: Prefix): boolean {
  return bits >= MAPPED_BITS && isMapped(addr)
}
