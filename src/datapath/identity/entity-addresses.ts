/**
 * entity-addresses.ts - whose each address is: exact addresses, then the longest CIDR; and what the kernel's trie should hold.
 *
 * In:    addresses and prefixes that rows come to have and lose; prefixes in which an unknown address may soon have a name.
 * Out:   the row of an address; entries of the trie that changed, each as it is now.
 * Never: keeps a change twice: what changed and changed back before the kernel was told is one entry.
 */
import { formatAddress, formatPrefix, isMapped, type Prefix, parseAddress, parsePrefix } from '../../lib/address.js'
import { Prefix4Table, PrefixTable, Word4Table, WordTable, word } from './address-table.js'

/** What one entry of the trie should be. */
export interface PrefixState extends Prefix {
  /** 0 for none. */
  readonly row: number
  /** The row of the longest CIDR that covers it, itself included. */
  readonly cidr: number
  /** A name may come for what is in it. */
  readonly waits: boolean
  /** Whether the trie has it at all. */
  readonly there: boolean
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
  /** Prefixes that wait, by how many say so. */
  readonly #waits = new Map<string, number>()
  readonly #changed = new Set<string>()
  /** CIDRs that in the trie cover mapped addresses too. */
  #short = 0

  /** Exact addresses. */
  get hosts(): number {
    return this.#exact.size + this.#exact6.size
  }

  /** Entries of the trie. */
  get size(): number {
    return this.hosts + this.#cidrRows.size + this.#waits.size
  }

  /** HOT: row of an IPv4 address, by its own or the longest CIDR. */
  find4(key: number): number {
    return this.#exact.find(key) || this.#cidrs.find(key)
  }
  /** HOT */
  find6(a: number, b: number, c: number, d: number): number {
    return this.#exact6.find(a, b, c, d) || this.#cidrs6.find(a, b, c, d)
  }
  /** HOT: by its own address alone. */
  exact4(key: number): number {
    return this.#exact.find(key)
  }
  /** HOT */
  exact6(a: number, b: number, c: number, d: number): number {
    return this.#exact6.find(a, b, c, d)
  }
  /** HOT: by the longest CIDR alone. */
  cidr4(key: number): number {
    return this.#cidrs.find(key)
  }
  /** HOT */
  cidr6(a: number, b: number, c: number, d: number): number {
    return this.#cidrs6.find(a, b, c, d)
  }

  /** Row of exactly this address; 0 for none. */
  host(ip: string): number {
    return this.#host(parseAddress(ip))
  }

  /** Row of the longest CIDR that covers the address. */
  cidr(ip: string): number {
    return this.#cidr(parseAddress(ip), HOST_BITS)
  }

  setHost(ip: string, row: number): void {
    const addr = parseAddress(ip)
    if (isMapped(addr)) this.#exact.set(word(addr, 12), row)
    else this.#exact6.set(word(addr, 0), word(addr, 4), word(addr, 8), word(addr, 12), row)
    this.#changed.add(ip)
  }

  /** Nothing when it is another's. */
  removeHost(ip: string, row: number): void {
    const addr = parseAddress(ip)
    if (this.#host(addr) !== row) return
    if (isMapped(addr)) this.#exact.delete(word(addr, 12))
    else this.#exact6.delete(word(addr, 0), word(addr, 4), word(addr, 8), word(addr, 12))
    this.#changed.add(ip)
  }

  setCidr(text: string, row: number): void {
    const prefix = parsePrefix(text)
    if (row === 0 ? !this.#cidrRows.delete(keyOf(prefix)) : !this.#takes(prefix, row)) return
    if (isIpv4(prefix)) this.#cidrs.set(prefix, row)
    else this.#cidrs6.set(prefix, row)
    this.#changed.add(keyOf(prefix))
    // In the trie ::/0 also covers mapped addresses; IPv6 prefixes must not name IPv4 addresses.
    if (prefix.bits < MAPPED_BITS) this.#changed.add(ALL_IPV4)
    for (const waits of this.#waits.keys()) this.#changed.add(waits)
  }

  /** Nothing when it is another's. */
  removeCidr(text: string, row: number): void {
    const prefix = parsePrefix(text)
    if (this.#cidrRows.get(keyOf(prefix)) !== row) return
    if (prefix.bits < MAPPED_BITS) this.#short--
    this.setCidr(text, 0)
  }

  addWait(text: string): void {
    const key = keyOf(parsePrefix(text))
    this.#waits.set(key, (this.#waits.get(key) ?? 0) + 1)
    this.#changed.add(key)
  }

  removeWait(text: string): void {
    const key = keyOf(parsePrefix(text))
    const left = (this.#waits.get(key) ?? 0) - 1
    if (left > 0) this.#waits.set(key, left)
    else this.#waits.delete(key)
    this.#changed.add(key)
  }

  /** Entries to be told to the kernel. */
  get pending(): number {
    return this.#changed.size
  }

  /** Of what changed, the first `most`, each as it is now; they count as told. */
  takeChanged(most: number): PrefixState[] {
    const taken: PrefixState[] = []
    for (const key of this.#changed) {
      if (taken.length >= most) break
      this.#changed.delete(key)
      taken.push(this.#state(key))
    }
    return taken
  }

  /** The kernel does not have it after all. */
  changed(prefix: Prefix): void {
    this.#changed.add(keyOf(prefix))
  }

  /** All that the trie should hold, besides `hosts`. */
  states(hosts: Iterable<string>): PrefixState[] {
    const keys = new Set([...this.#cidrRows.keys(), ...hosts, ...this.#waits.keys(), ALL_IPV4])
    return [...keys].map(key => this.#state(key)).filter(({ there }) => there)
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
    const waits = row === 0 && this.#waits.has(key)
    const guard = key === ALL_IPV4 && this.#short > 0
    return {
      bits,
      addr,
      row,
      cidr: this.#cidr(addr, bits),
      waits,
      there: row !== 0 || waits || guard || this.#cidrRows.has(key),
    }
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

function isIpv4({ bits, addr }: Prefix): boolean {
  return bits >= MAPPED_BITS && isMapped(addr)
}
