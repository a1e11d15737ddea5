// SPDX-License-Identifier: Apache-2.0
/**
 * ip-cache.ts - keeps the kernel's `ip_cache` and `ip_prefixes`, address to entity, in step with the entities.
 *
 * In:    the addresses and prefixes that changed, from the entities.
 * Out:   updates and deletions in both tables, one system call a batch.
 * Fail:  publish() throws the kernel's error, most likely that a table is full; the next publish() retries what failed.
 */

import type { Entities, EntityPrefix, IpInfo } from '../identity/entities.js'
import { InfoFlag, IP_INFO, PREFIX_KEY } from '../record/abi.js'
import type { BpfObject } from './native.js'

/** Default max_entries of each table; an entry in use takes about 80 B. */
export const IP_CACHE_ENTRIES = 1 << 20
/** Entries of one batched update, which takes about a millisecond. */
const BATCH = 1024
const HOST_BITS = 128
const TABLES = ['ip_cache', 'ip_prefixes'] as const
type Table = (typeof TABLES)[number]

export class IpCache {
  readonly limit: number
  /** Entries missing from the kernel since the last update failed because a table was full. */
  refused = 0
  readonly #object: BpfObject
  readonly #entities: Entities

  constructor(object: BpfObject, entities: Entities, limit: number) {
    this.#object = object
    this.#entities = entities
    this.limit = limit
    for (const prefix of entities.prefixes()) entities.addresses.changed(prefix)
  }

  /** Entries in both tables. */
  get used(): number {
    return this.#entities.addresses.size - this.refused
  }

  /** Writes all pending changes. Each batch deletes before it inserts, to make room. Throws the kernel's error. */
  publish(): void {
    const { addresses } = this.#entities
    while (addresses.pending > 0) {
      const changed = this.#entities.takeChanged(BATCH)
      try {
        for (const map of TABLES)
          this.#write(
            map,
            changed.filter(({ bits }) => (bits === HOST_BITS) === (map === 'ip_cache')),
          )
      } catch (error) {
        for (const prefix of changed) addresses.changed(prefix)
        this.refused = addresses.pending
        throw error
      }
    }
    this.refused = 0
  }

  #write(map: Table, changed: readonly EntityPrefix[]): void {
    this.#remove(
      map,
      changed.filter(({ present: there }) => !there),
    )
    this.#insert(
      map,
      changed.filter(({ present: there }) => there),
    )
  }

  #insert(map: Table, prefixes: readonly EntityPrefix[]): void {
    if (prefixes.length === 0) return
    const values = new Uint8Array(prefixes.length * IP_INFO.size)
    const view = new DataView(values.buffer)
    prefixes.forEach((info, i) => {
      writeInfo(view, i * IP_INFO.size, info)
    })
    this.#object.update(map, keys(map, prefixes), values, prefixes.length)
  }

  #remove(map: Table, prefixes: readonly EntityPrefix[]): void {
    if (prefixes.length > 0) this.#object.remove(map, keys(map, prefixes), prefixes.length)
  }
}

/** Writes a struct ip_info. */
export function writeInfo(view: DataView, at: number, info: IpInfo): void {
  const { identity, entity, endpoint, unresolved, service, translatable } = info
  let flags = unresolved ? InfoFlag.unresolved : 0
  if (service) flags |= InfoFlag.service
  if (translatable) flags |= InfoFlag.translatable
  view.setUint32(at + IP_INFO.identity, identity, true)
  view.setUint32(at + IP_INFO.entity, entity, true)
  view.setUint16(at + IP_INFO.endpointId, endpoint, true)
  view.setUint16(at + IP_INFO.flags, flags, true)
}

function keys(map: Table, prefixes: readonly EntityPrefix[]): Uint8Array {
  if (map === 'ip_cache') return Buffer.concat(prefixes.map(({ addr }) => addr))
  const bytes = new Uint8Array(prefixes.length * PREFIX_KEY.size)
  const view = new DataView(bytes.buffer)
  prefixes.forEach(({ bits, addr }, i) => {
    view.setUint32(i * PREFIX_KEY.size + PREFIX_KEY.bits, bits, true)
    bytes.set(addr, i * PREFIX_KEY.size + PREFIX_KEY.addr)
  })
  return bytes
}
