/**
 * ends.ts - one end of a packet as a small number: ends that Hubble describes alike have the same.
 *
 * In:    entities, which may change; an address and the identity that the datapath gave it.
 * Out:   a number, dense, valid until forget(). With `byAddress` every address has its own as long as it is the same entity's, else every endpoint,
 *        CIDR and odd identity.
 * Never: grows past `most`: then `full` says so, and the owner must forget() it together with all that holds its numbers.
 */
import { word } from '../datapath/address-table.js'
import type { Entities } from '../datapath/entities.js'
import { Memo } from '../exporter/memo.js'

const MAPPED_PREFIX = 0xffff
/** What a memo's row stands for, in its third word. */
const Kind = { entity: 0, ipv4: 1, ipv6High: 2, ipv6Low: 3, ipv6: 4, named: 5, address: 6 } as const
/** An IPv6 address takes five rows at most. */
const ROWS_AN_END = 5
/** Above all entities. */
const OFFSET = 0x4000_0000

export class Ends {
  /** Entity of the last end found: a row of Entities. */
  entity = 0
  readonly #entities: Entities
  readonly #byAddress: boolean
  readonly #most: number
  readonly #memo: Memo

  constructor(entities: Entities, byAddress: boolean, most = 131_072) {
    this.#entities = entities
    this.#byAddress = byAddress
    this.#most = most
    this.#memo = new Memo(0, most)
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
    this.entity = this.#entities.addresses.find6(a, b, c, d)
    if (!this.#byAddress) return this.#of(this.entity, identity)
    const high = this.#memo.row(a >>> 0, b >>> 0, Kind.ipv6High)
    return this.#addressed(this.#memo.row(high, this.#memo.row(c >>> 0, d >>> 0, Kind.ipv6Low), Kind.ipv6), identity)
  }

  #ipv4(address: number, identity: number): number {
    this.entity = this.#entities.addresses.find4(address)
    if (!this.#byAddress) return this.#of(this.entity, identity)
    return this.#addressed(this.#memo.row(address >>> 0, 0, Kind.ipv4), identity)
  }

  #addressed(address: number, identity: number): number {
    const named = this.#memo.row(address, this.entity, Kind.named)
    return OFFSET + this.#memo.row(named, identity, Kind.address)
  }

  /** The datapath's identity counts where it is not 0; mostly it is what the world says too. */
  #of(entity: number, identity: number): number {
    if (identity === 0 || identity === this.#entities.identity(entity)) return entity
    return OFFSET + this.#memo.row(entity, identity, Kind.entity)
  }
}
