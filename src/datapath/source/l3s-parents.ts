// SPDX-License-Identifier: Apache-2.0
/**
 * l3s-parents.ts - counts what ipvlan devices of mode L3S receive, at their parents.
 *
 * The kernel delivers such packets above the network layer of the parent, so they pass no hook of the device. Those between
 * two devices of one parent do, and do not pass the parent.
 *
 * In:    the attached devices, with their addresses.
 * Out:   the table `l3s_addresses`; a TCX link at the ingress of each parent.
 */
import { parseAddress } from '../../lib/address.js'
import type { BpfObject } from './native.js'

export interface L3sDevice {
  readonly number: number
  /** An interface of the node. */
  readonly parent: number
  readonly addresses: readonly string[]
}

export const L3S_PROGRAM = 'weir_l3s_in'
const MAP = 'l3s_addresses'

export class L3sParents {
  readonly #object: BpfObject
  readonly #netns: string
  readonly #nextNumber: () => number
  /** Number of the link, by parent. */
  readonly #links = new Map<number, number>()
  /** Number of the device, by address, as in the kernel. */
  readonly #written = new Map<string, number>()

  constructor(object: BpfObject, netns: string, nextNumber: () => number) {
    this.#object = object
    this.#netns = netns
    this.#nextNumber = nextNumber
  }

  /** Attaches where a device needs it, and detaches where none does any more. Failed attaches are tried by the next call. */
  async update(
    devices: readonly L3sDevice[],
    onError: (error: NodeJS.ErrnoException, name: string) => void,
  ): Promise<void> {
    this.#writeAddresses(devices)
    const parents = new Set(devices.map(({ parent }) => parent))
    parents.delete(0)
    for (const [parent, number] of this.#links) {
      if (parents.has(parent) && this.#object.isPodEndAttached(number)) continue
      this.#links.delete(parent)
      void this.#object.detachPodEnd(number)
    }
    for (const parent of parents) {
      if (this.#links.has(parent)) continue
      const number = this.#nextNumber()
      try {
        await this.#object.attachPodEnd(number, this.#netns, parent, L3S_PROGRAM)
        this.#links.set(parent, number)
      } catch (error) {
        onError(error as NodeJS.ErrnoException, `interface ${parent}, parent of ipvlan devices`)
      }
    }
  }

  #writeAddresses(devices: readonly L3sDevice[]): void {
    const wanted = new Map<string, number>()
    for (const { number, addresses } of devices) for (const address of addresses) wanted.set(address, number)
    for (const address of [...this.#written.keys()]) {
      if (wanted.has(address)) continue
      this.#object.remove(MAP, parseAddress(address), 1)
      this.#written.delete(address)
    }
    for (const [address, number] of wanted) {
      if (this.#written.get(address) === number) continue
      this.#object.update(MAP, parseAddress(address), new Uint8Array(Uint32Array.of(number).buffer), 1)
      this.#written.set(address, number)
    }
  }
}
