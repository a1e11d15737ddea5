/**
 * endpoint-numbers.ts - one end of a packet as a small number: ends that Hubble describes alike have the same.
 *
 * In:    entities, which may change; an address and the identity that the datapath gave it.
 * Out:   a number, a row of the memo, valid until that is cleared. With `byAddress` every address has its own as long as
 *        it is the same entity's, else every endpoint, CIDR and odd identity.
 * Never: needs more than ROWS_AN_END rows for an end.
 */
import { AddressCache, Cell, Family, UNSET } from '../../datapath/identity/address-cache.js'
import type { Entities } from '../../datapath/identity/entities.js'
import type { Cache } from '../../exporter/reduce/cache.js'

/** What a memo's row stands for, in its third word. */
const Kind = { entity: 0, ipv4: 1, ipv6High: 2, ipv6Low: 3, ipv6: 4, named: 5, address: 6 } as const
/** Kinds from here on are free for others of the memo. */
export const ENDPOINT_KINDS = 7
/** An IPv6 address takes five rows at most. */
export const ROWS_PER_ENDPOINT = 5

export class EndpointNumbers {
  /** Endpoint id of the last end found, if it is a local endpoint's; else 0. */
  endpointId = 0
  readonly #entities: Entities
  readonly #byAddress: boolean
  readonly #cache: Cache
  readonly #addresses: AddressCache

  constructor(entities: Entities, byAddress: boolean, cache: Cache) {
    this.#entities = entities
    this.#byAddress = byAddress
    this.#cache = cache
    this.#addresses = new AddressCache(entities)
  }

  /** The memo was cleared. */
  clear(): void {
    this.#addresses.clear()
  }

  /** HOT: an end without an address, as of a record that shows no packet. Guard: bench `reduce-workload`. */
  withoutAddress(identity: number): number {
    this.endpointId = 0
    return this.#entityRow(0, identity)
  }

  /** HOT: the end at the address at `at`: 4 bytes, or 16 with `ipv6`. Guard: bench `reduce-workload`. */
  at(view: DataView, at: number, ipv6: boolean, identity: number): number {
    const addresses = this.#addresses
    const place = addresses.place(view, at, ipv6, identity)
    const number = addresses.cells[place + Cell.number]!
    if (number === UNSET) return this.#resolve(place, identity)
    this.endpointId = addresses.cells[place + Cell.second]!
    return number
  }

  /** HOT: the end at an address, or without one, for its endpoint alone: it takes no row. Guard: bench `reduce-workload`. */
  lookUp(view: DataView, at: number, ipv6: boolean): void {
    this.endpointId = 0
    if (at < 0) return
    const place = this.#addresses.place(view, at, ipv6, 0)
    const { cells } = this.#addresses
    if (cells[place + Cell.second] === UNSET)
      cells[place + Cell.second] = this.#entities.endpoint(this.#entityAt(place))
    this.endpointId = cells[place + Cell.second]!
  }

  /** Who stands at the address of a place. */
  #entityAt(place: number): number {
    const { cells } = this.#addresses
    const { addresses } = this.#entities
    const d = cells[place + Cell.d]!
    if (cells[place + Cell.family] === Family.ipv4) return addresses.find4(d)
    return addresses.find6(cells[place + Cell.a]!, cells[place + Cell.b]!, cells[place + Cell.c]!, d)
  }

  #resolve(place: number, identity: number): number {
    const { cells } = this.#addresses
    const entity = this.#entityAt(place)
    const number = this.#byAddress
      ? this.#namedAddressRow(this.#addressRow(place), entity, identity)
      : this.#entityRow(entity, identity)
    this.endpointId = this.#entities.endpoint(entity)
    cells[place + Cell.number] = number
    cells[place + Cell.second] = this.endpointId
    return number
  }

  /** The row of a place's address. */
  #addressRow(place: number): number {
    const { cells } = this.#addresses
    const d = cells[place + Cell.d]!
    if (cells[place + Cell.family] === Family.ipv4) return this.#cache.entry(d, 0, Kind.ipv4)
    const high = this.#cache.entry(cells[place + Cell.a]!, cells[place + Cell.b]!, Kind.ipv6High)
    return this.#cache.entry(high, this.#cache.entry(cells[place + Cell.c]!, d, Kind.ipv6Low), Kind.ipv6)
  }

  #namedAddressRow(address: number, entity: number, identity: number): number {
    return this.#cache.entry(this.#cache.entry(address, entity, Kind.named), identity, Kind.address)
  }

  /** The datapath's identity counts where it is not 0; mostly it is what the world says too. */
  #entityRow(entity: number, identity: number): number {
    const odd = identity === this.#entities.identity(entity) ? 0 : identity
    return this.#cache.entry(entity, odd, Kind.entity)
  }
}
