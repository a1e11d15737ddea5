// SPDX-License-Identifier: Apache-2.0
/**
 * device-parents.ts - what the parents of pods' interfaces need to know: which addresses are their children's.
 *
 * A parent that is an uplink does not count the packets of its children again. A parent of ipvlan devices of mode L3S gets
 * a program: the kernel delivers what they receive above the network layer of the parent, so it passes no hook of theirs.
 *
 * In:    the attached interfaces, with their addresses.
 * Out:   the table `device_addresses`; a TCX link at the ingress of each parent of L3S devices.
 */
import { parseAddress } from '../../lib/address.js'
import type { BpfObject } from './native.js'
import type { PodDevice } from './pod-device.js'

export interface Child extends Pick<PodDevice, 'parent' | 'l3s' | 'addresses'> {
  readonly number: number
}

export const L3S_PROGRAM = 'weir_l3s_in'
const MAP = 'device_addresses'

export class DeviceParents {
  readonly #object: BpfObject
  readonly #netns: string
  readonly #nextNumber: () => number
  /** Number of the link, by parent. */
  readonly #links = new Map<number, number>()
  /** By address, as in the kernel. */
  readonly #written = new Map<string, string>()

  /** `netns`: a path of the node's namespace. */
  constructor(object: BpfObject, netns: string, nextNumber: () => number) {
    this.#object = object
    this.#netns = netns
    this.#nextNumber = nextNumber
  }

  /** Attaches where a child needs it, and detaches where none does any more. The next call tries again what failed. */
  async update(
    children: readonly Child[],
    onError: (error: NodeJS.ErrnoException, name: string) => void,
  ): Promise<void> {
    this.#writeAddresses(children)
    const parents = new Set(children.flatMap(({ l3s, parent }) => (l3s && parent !== 0 ? [parent] : [])))
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

  #writeAddresses(children: readonly Child[]): void {
    const wanted = new Map<string, Uint8Array>()
    for (const child of children) for (const address of child.addresses) wanted.set(address, entryOf(child))
    for (const address of [...this.#written.keys()]) {
      if (wanted.has(address)) continue
      this.#object.remove(MAP, parseAddress(address), 1)
      this.#written.delete(address)
    }
    for (const [address, value] of wanted) {
      const text = value.join()
      if (this.#written.get(address) === text) continue
      this.#object.update(MAP, parseAddress(address), value, 1)
      this.#written.set(address, text)
    }
  }
}

/** struct device_address of bpf/pod_device.h. */
function entryOf({ number, parent, l3s }: Child): Uint8Array {
  return new Uint8Array(Uint32Array.of(number, parent, l3s ? 1 : 0).buffer)
}
