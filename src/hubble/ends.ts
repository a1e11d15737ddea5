/**
 * ends.ts - one end of a packet as a small number: ends that Hubble describes alike have the same.
 *
 * In:    the world's prefixes; an address and the identity that the datapath gave it.
 * Out:   a number, dense, valid until forget(). With `byAddress` every address has its own, else every endpoint,
 *        CIDR and odd identity.
 * Never: grows past `most`: then `full` says so, and the owner must forget() it together with all that holds its numbers.
 */
import { isMapped } from '../datapath/address.js'
import { Prefix4Table, PrefixTable, Word4Table, WordTable, word } from '../datapath/address-table.js'
import type { Entities, EntityPrefix } from '../datapath/entities.js'
import { Memo } from '../exporter/memo.js'

const MAPPED_PREFIX = 0xffff
const HOST_BITS = 128
const MAPPED_BITS = 96
/** What a memo's row stands for, in its third word. */
const Kind = { entity: 0, ipv4: 1, ipv6High: 2, ipv6Low: 3, ipv6: 4, address: 5 } as const
/** An IPv6 address takes four rows at most. */
const ROWS_AN_END = 4

export class Ends {
  /** Entity of the last end found: a row of Entities. */
  entity = 0
  readonly #count: number
  readonly #identities: Uint32Array
  readonly #byAddress: boolean
  readonly #most: number
  readonly #memo: Memo
  readonly #exact: WordTable
  readonly #exact6: Word4Table
  readonly #cidrs: PrefixTable
  readonly #cidrs6: Prefix4Table

  constructor(entities: Entities, byAddress: boolean, most = 131_072) {
    this.#count = entities.count
    this.#identities = Uint32Array.from({ length: entities.count }, (_, entity) => entities.identity(entity))
    this.#byAddress = byAddress
    this.#most = most
    this.#memo = new Memo(0, most)
    const { hosts, hosts6, cidrs, cidrs6 } = split(entities.prefixes())
    this.#exact = new WordTable(hosts.length)
    for (const { addr, entity } of hosts) this.#exact.set(word(addr, 12), entity)
    this.#exact6 = new Word4Table(hosts6.length)
    for (const { addr, entity } of hosts6) {
      this.#exact6.set(word(addr, 0), word(addr, 4), word(addr, 8), word(addr, 12), entity)
    }
    this.#cidrs = new PrefixTable(cidrs, cidrs.map(entityOf))
    this.#cidrs6 = new Prefix4Table(cidrs6, cidrs6.map(entityOf))
  }

  /** No room for two more ends. */
  get full(): boolean {
    return this.#memo.size + 2 * ROWS_AN_END > this.#most
  }

  forget(): void {
    this.#memo.clear()
  }

  /** HOT: an end without an address, as of a record that shows no packet. Guard: bench `hubble`. */
  nowhere(identity: number): number {
    this.entity = 0
    return this.#of(0, identity)
  }

  /** HOT: the end at the address at `at`: 4 bytes, or 16 with `ipv6`. Guard: bench `hubble`. */
  at(bytes: Uint8Array, at: number, ipv6: boolean, identity: number): number {
    const a = word(bytes, at)
    if (!ipv6) return this.#ipv4(a, identity)
    const b = word(bytes, at + 4)
    const c = word(bytes, at + 8)
    const d = word(bytes, at + 12)
    if (a === 0 && b === 0 && c === MAPPED_PREFIX) return this.#ipv4(d, identity)
    this.entity = this.#exact6.find(a, b, c, d) || this.#cidrs6.find(a, b, c, d)
    if (!this.#byAddress) return this.#of(this.entity, identity)
    const high = this.#memo.row(a >>> 0, b >>> 0, Kind.ipv6High)
    return this.#addressed(this.#memo.row(high, this.#memo.row(c >>> 0, d >>> 0, Kind.ipv6Low), Kind.ipv6), identity)
  }

  #ipv4(address: number, identity: number): number {
    this.entity = this.#exact.find(address) || this.#cidrs.find(address)
    if (!this.#byAddress) return this.#of(this.entity, identity)
    return this.#addressed(this.#memo.row(address >>> 0, 0, Kind.ipv4), identity)
  }

  #addressed(address: number, identity: number): number {
    return this.#count + this.#memo.row(address, identity, Kind.address)
  }

  /** The datapath's identity counts where it is not 0; mostly it is what the world says too. */
  #of(entity: number, identity: number): number {
    if (identity === 0 || identity === this.#identities[entity]) return entity
    return this.#count + this.#memo.row(entity, identity, Kind.entity)
  }
}

function split(prefixes: readonly EntityPrefix[]) {
  const isIpv4 = ({ bits, addr }: EntityPrefix) => bits >= MAPPED_BITS && isMapped(addr)
  const isHost = ({ bits }: EntityPrefix) => bits === HOST_BITS
  const four = prefixes.filter(isIpv4)
  const six = prefixes.filter(prefix => !isIpv4(prefix))
  const isCidr = (prefix: EntityPrefix) => !isHost(prefix)
  return {
    hosts: four.filter(isHost),
    hosts6: six.filter(isHost),
    cidrs: four.filter(isCidr),
    cidrs6: six.filter(isCidr),
  }
}

function entityOf(prefix: EntityPrefix): number {
  return prefix.entity
}
