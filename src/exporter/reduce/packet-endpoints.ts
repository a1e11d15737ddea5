// SPDX-License-Identifier: Apache-2.0
/**
 * packet-endpoints.ts - numbers the addresses and ports that labels show, so that a cache key can include them.
 *
 * In:    addresses (4 bytes, or 16 with IPv4 mapped) and destination port of packets; which of these fields labels use.
 * Out:   a number from 1, the same for equal fields; the fields as text.
 * Never: grows past its limit: it is `full` then, and the caller must drop all numbers and call clear().
 */

import { word } from '../../datapath/identity/address-table.js'
import { formatAddress } from '../../lib/address.js'
import { hashWords } from '../../lib/hash.js'

/** The fields that labels use. */
export interface PacketFields {
  readonly sourceIp: boolean
  readonly destinationIp: boolean
  readonly destinationPort: boolean
  /** The Service that the initiator addressed. */
  readonly service: boolean
}

/** Services of a packet, as entity ids; 0 for none. One at most is above 0: the one that stands for the responder. */
export interface PacketServices {
  readonly source: number
  readonly destination: number
}

/** In place of an unknown offset or port. */
export const UNKNOWN = -1

const WORDS = 11
const PORT = 8
const SOURCE_SERVICE = 9
const DESTINATION_SERVICE = 10
const LIMIT = 65_536
export const NO_SERVICES: PacketServices = { source: 0, destination: 0 }
const MAPPED_PREFIX = 0xffff
const ADDRESS_BYTES = 16

export class PacketEndpoints {
  readonly #fields: PacketFields
  readonly #limit: number
  readonly #key = new Uint32Array(WORDS)
  readonly #keys: Uint32Array
  readonly #numbers: Int32Array
  #size = 0

  /** `limit`: maximum of numbers, 52 bytes each; a power of two. */
  constructor(fields: PacketFields, limit = LIMIT) {
    this.#fields = fields
    this.#limit = limit
    this.#keys = new Uint32Array((limit + 1) * WORDS)
    this.#numbers = new Int32Array(limit * 2)
  }

  /** Whether a new number does not fit. */
  get full(): boolean {
    return this.#size === this.#limit
  }

  /** Drops all numbers. */
  clear(): void {
    this.#numbers.fill(0)
    this.#size = 0
  }

  /** HOT where labels use packet fields. `long`: 16-byte addresses. Offsets and port may be UNKNOWN. Must not be full. */
  number(
    bytes: Uint8Array,
    sourceAt: number,
    destinationAt: number,
    long: boolean,
    port: number,
    services: PacketServices = NO_SERVICES,
  ): number {
    const key = this.#key
    this.#address(0, bytes, this.#fields.sourceIp ? sourceAt : UNKNOWN, long)
    this.#address(4, bytes, this.#fields.destinationIp ? destinationAt : UNKNOWN, long)
    key[PORT] = this.#fields.destinationPort ? port + 1 : 0
    key[SOURCE_SERVICE] = this.#fields.service ? services.source : 0
    key[DESTINATION_SERVICE] = this.#fields.service ? services.destination : 0
    const mask = this.#numbers.length - 1
    for (let at = hashWords(key, 0, WORDS) & mask; ; at = (at + 1) & mask) {
      const number = this.#numbers[at]!
      if (number === 0) return this.#add(at)
      if (this.#is(number)) return number
    }
  }

  /** '' if unknown or unused, as for number 0. */
  sourceIp(number: number): string {
    return this.#text(number, 0)
  }
  destinationIp(number: number): string {
    return this.#text(number, 4)
  }
  destinationPort(number: number): string {
    const port = this.#keys[number * WORDS + PORT]!
    return port === 0 ? '' : String(port - 1)
  }

  /** Entity id; 0 if unknown or unused, as for number 0. */
  sourceService(number: number): number {
    return this.#keys[number * WORDS + SOURCE_SERVICE]!
  }
  destinationService(number: number): number {
    return this.#keys[number * WORDS + DESTINATION_SERVICE]!
  }

  #address(to: number, bytes: Uint8Array, at: number, long: boolean): void {
    const key = this.#key
    const known = at >= 0
    key[to] = known && long ? word(bytes, at) : 0
    key[to + 1] = known && long ? word(bytes, at + 4) : 0
    key[to + 2] = known ? (long ? word(bytes, at + 8) : MAPPED_PREFIX) : 0
    key[to + 3] = known ? word(bytes, long ? at + 12 : at) : 0
  }

  #add(at: number): number {
    const number = ++this.#size
    this.#numbers[at] = number
    this.#keys.set(this.#key, number * WORDS)
    return number
  }

  #is(number: number): boolean {
    const first = number * WORDS
    for (let i = 0; i < WORDS; i++) if (this.#keys[first + i] !== this.#key[i]) return false
    return true
  }

  #text(number: number, from: number): string {
    const bytes = new Uint8Array(ADDRESS_BYTES)
    const view = new DataView(bytes.buffer)
    for (let i = 0; i < 4; i++) view.setUint32(4 * i, this.#keys[number * WORDS + from + i]!)
    return bytes.some(byte => byte !== 0) ? formatAddress(bytes) : ''
  }
}
