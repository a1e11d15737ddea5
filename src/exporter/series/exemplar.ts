// SPDX-License-Identifier: Apache-2.0
/**
 * exemplar.ts - the last connection in each bucket of a histogram series: endpoints, value and time.
 *
 * In:    addresses (16 bytes, IPv4 mapped) and ports of connections, by the slot of their series.
 * Out:   exemplar labels: at most 111 characters in names and values, of the 128 OpenMetrics allows.
 * Never: formats an address before a page needs it; stores more than one exemplar (52 bytes) for each bucket.
 */
import { formatAddress, isMapped } from '../../lib/address.js'

export interface Exemplar {
  /** `source` and `destination`, each ADDRESS:PORT, [ADDRESS]:PORT for IPv6. */
  readonly labels: readonly (readonly [name: string, value: string])[]
  /** In the metric's unit. */
  readonly value: number
  /** Milliseconds since 1970. */
  readonly timestamp: number
}

/** The endpoints of a connection; the source is the initiator. `bytes` is read at once, not stored. */
export interface Peers {
  readonly bytes: Uint8Array
  /** Offsets of 16 bytes each. */
  readonly sourceAt: number
  readonly destinationAt: number
  readonly sourcePort: number
  readonly destinationPort: number
}

const ADDRESS = 16

export class Exemplars {
  readonly #buckets: number
  readonly #blocks = new Map<number, number>()
  readonly #free: number[] = []
  #addresses = new Uint8Array(0)
  #ports = new Uint16Array(0)
  #values = new Float64Array(0)
  /** 0 where there is no exemplar. */
  #times = new Float64Array(0)

  /** `buckets`: including +Inf. */
  constructor(buckets: number) {
    this.#buckets = buckets
  }

  keep(slot: number, bucket: number, value: number, timestamp: number, peers: Peers): void {
    const at = (this.#blocks.get(slot) ?? this.#allocate(slot)) * this.#buckets + bucket
    const { bytes, sourceAt, destinationAt } = peers
    for (let i = 0; i < ADDRESS; i++) {
      this.#addresses[2 * ADDRESS * at + i] = bytes[sourceAt + i]!
      this.#addresses[2 * ADDRESS * at + ADDRESS + i] = bytes[destinationAt + i]!
    }
    this.#ports[2 * at] = peers.sourcePort
    this.#ports[2 * at + 1] = peers.destinationPort
    this.#values[at] = value
    this.#times[at] = timestamp
  }

  read(slot: number, bucket: number): Exemplar | undefined {
    const block = this.#blocks.get(slot)
    if (block === undefined) return undefined
    const at = block * this.#buckets + bucket
    const timestamp = this.#times[at]!
    if (timestamp === 0) return undefined
    const labels = [
      ['source', this.#endpoint(2 * at)],
      ['destination', this.#endpoint(2 * at + 1)],
    ] as const
    return { labels, value: this.#values[at]!, timestamp }
  }

  /** Removes the exemplars of a series. */
  remove(slot: number): void {
    const block = this.#blocks.get(slot)
    if (block === undefined) return
    this.#blocks.delete(slot)
    this.#times.fill(0, block * this.#buckets, (block + 1) * this.#buckets)
    this.#free.push(block)
  }

  #endpoint(at: number): string {
    const address = formatAddress(this.#addresses, at * ADDRESS)
    const host = isMapped(this.#addresses, at * ADDRESS) ? address : `[${address}]`
    return `${host}:${this.#ports[at]}`
  }

  #allocate(slot: number): number {
    const block = this.#free.pop() ?? this.#blocks.size
    this.#blocks.set(slot, block)
    if ((block + 1) * this.#buckets > this.#times.length) this.#grow()
    return block
  }

  #grow(): void {
    const { buffer: addresses } = this.#addresses
    const places = Math.max(16 * this.#buckets, this.#times.length * 2)
    const before = { ports: this.#ports, values: this.#values, times: this.#times }
    this.#addresses = new Uint8Array(2 * ADDRESS * places)
    this.#addresses.set(new Uint8Array(addresses))
    this.#ports = new Uint16Array(2 * places)
    this.#ports.set(before.ports)
    this.#values = new Float64Array(places)
    this.#values.set(before.values)
    this.#times = new Float64Array(places)
    this.#times.set(before.times)
  }
}
