// SPDX-License-Identifier: Apache-2.0
/**
 * pod-netns.ts - the network namespace behind each pod interface, for the kernel's table `pod_netns`.
 *
 * In:    namespace ids by interface, before the programs are attached there.
 * Out:   one entry each, so that the programs find the pod's sockets (bpf/initiator.h).
 * Fail:  an interface without an entry (the table is full) is one whose pod has unknown sockets: an older connection
 *        there has an initiator by its ports, or none.
 */
import type { BpfObject } from './native.js'

const MAP = 'pod_netns'
const BYTES = 4

export class PodNetns {
  readonly #object: BpfObject
  /** Ids in the kernel, by interface. */
  readonly #written = new Map<number, number>()

  constructor(object: BpfObject) {
    this.#object = object
  }

  /** Undefined: no pod's interface. */
  set(ifindex: number, id: number | undefined): void {
    if (this.#written.get(ifindex) === id) return
    try {
      if (id === undefined) this.#object.remove(MAP, bytesOf(ifindex), 1)
      else this.#object.update(MAP, bytesOf(ifindex), bytesOf(id), 1)
    } catch (error) {
      if ((error as NodeJS.ErrnoException).syscall === undefined) throw error
      return
    }
    if (id === undefined) this.#written.delete(ifindex)
    else this.#written.set(ifindex, id)
  }
}

function bytesOf(value: number): Uint8Array {
  const bytes = new Uint8Array(BYTES)
  new DataView(bytes.buffer).setInt32(0, value, true)
  return bytes
}
