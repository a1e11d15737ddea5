// SPDX-License-Identifier: Apache-2.0
/**
 * endpoint-numbers.ts - a packet's source or destination as a small number; endpoints with equal labels in Hubble share
 * it.
 *
 * In:    entities, which may change; an address, and the identity that the datapath gave it.
 * Out:   a number: the index of a cache entry, valid until the cache is cleared. With `byAddress` each address has its
 *        own number while it belongs to the same entity; else each entity has one, and another for each other identity
 *        that the datapath gave it.
 * Never: takes more than ENTRIES_PER_ENDPOINT cache entries for an endpoint.
 */
import { AddressCache, Cell, Family, UNSET } from '../../datapath/identity/address-cache.js'
import type { Entities } from '../../datapath/identity/entities.js'
import type { Cache } from '../../exporter/reduce/cache.js'

/** Kind of a cache entry, in the third word of its key. */
const Kind = { entity: 0, ipv4: 1, ipv6High: 2, ipv6Low: 3, ipv6: 4, named: 5, address: 6 } as const
/** Kinds from this one on are free for other users of the cache. */
export const ENDPOINT_KINDS = 7
/** An IPv6 address takes at most five. */
export const ENTRIES_PER_ENDPOINT = 5

export class EndpointNumbers {
  /** Endpoint id of the last address looked up; 0 if it is no local endpoint. */
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

  /** To be called when the cache is cleared. */
  clear(): void {
    this.#addresses.clear()
  }

  /** HOT: an endpoint without address, as in a record without a packet. Guard: bench `reduce-workload`. */
  withoutAddress(identity: number): number {
    this.endpointId = 0
    return this.#entityEntry(0, identity)
  }

  /** HOT: the endpoint with the address at `at`: 4 bytes, or 16 with `ipv6`. Guard: bench `reduce-workload`. */
  at(view: DataView, at: number, ipv6: boolean, identity: number): number {
    const addresses = this.#addresses
    const place = addresses.place(view, at, ipv6, identity)
    const number = addresses.cells[place + Cell.number]!
    if (number === UNSET) return this.#resolve(place, identity)
    this.endpointId = addresses.cells[place + Cell.second]!
    return number
  }

  /**
   * HOT: sets `endpointId` alone, for an address or none (-1). Takes no cache entry. Guard: bench `reduce-workload`.
   */
  lookUp(view: DataView, at: number, ipv6: boolean): void {
    this.endpointId = 0
    if (at < 0) return
    const place = this.#addresses.place(view, at, ipv6, 0)
    const { cells } = this.#addresses
    if (cells[place + Cell.second] === UNSET)
      cells[place + Cell.second] = this.#entities.endpoint(this.#entityAt(place))
    this.endpointId = cells[place + Cell.second]!
  }

  /** The entity with the address of a place. */
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
      ? this.#namedAddressEntry(this.#addressEntry(place), entity, identity)
      : this.#entityEntry(entity, identity)
    this.endpointId = this.#entities.endpoint(entity)
    cells[place + Cell.number] = number
    cells[place + Cell.second] = this.endpointId
    return number
  }

  /** The cache entry of a place's address. */
  #addressEntry(place: number): number {
    const { cells } = this.#addresses
    const d = cells[place + Cell.d]!
    if (cells[place + Cell.family] === Family.ipv4) return this.#cache.entry(d, 0, Kind.ipv4)
    const high = this.#cache.entry(cells[place + Cell.a]!, cells[place + Cell.b]!, Kind.ipv6High)
    return this.#cache.entry(high, this.#cache.entry(cells[place + Cell.c]!, d, Kind.ipv6Low), Kind.ipv6)
  }

  #namedAddressEntry(address: number, entity: number, identity: number): number {
    return this.#cache.entry(this.#cache.entry(address, entity, Kind.named), identity, Kind.address)
  }

  /** The datapath's identity wins unless it is 0; usually it equals the entity's own. */
  #entityEntry(entity: number, identity: number): number {
    const other = identity === this.#entities.identity(entity) ? 0 : identity
    return this.#cache.entry(entity, other, Kind.entity)
  }
}
