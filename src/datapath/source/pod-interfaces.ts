// SPDX-License-Identifier: Apache-2.0
/**
 * pod-interfaces.ts - the pod behind each watched interface, for the kernel's table `pod_interfaces`.
 *
 * In:    the watched interfaces; host routes; source addresses in records; the entities.
 * Out:   one entry for each watched pod interface: the entity of its pod, or none while the pod is not known. Addresses of
 *        a pod without an interface any longer are in doubt for the time that a name may take.
 * Fail:  publish() throws the kernel's error; the next call writes what is missing.
 * Never: binds an interface to one pod while the addresses of several are behind it: those are named by address.
 */
import { formatAddress } from '../../lib/address.js'
import type { Entities } from '../identity/entities.js'
import { Direction, Hook, IP_INFO } from '../record/abi.js'
import type { TraceRecord } from '../record/trace-record.js'
import type { BpfObject } from './native.js'
import { FIRST_DEVICE_NUMBER } from './pod-device.js'

/** A single address behind an interface. */
export interface HostRoute {
  readonly address: string
  readonly ifindex: number
}

const MAP = 'pod_interfaces'
/** Pairs of an interface and an entity that records have shown; forgotten when there are more. */
const MOST_SEEN = 65_536
/** Addresses learned for an interface without a route. */
const MOST_LEARNED = 16
const PAIR = 2 ** 20
/** The reserved entity of what is behind a pod's interface and has no name (bpf/pod_interface.h). */
export const UNMANAGED = 3

export class PodInterfaces {
  readonly #object: BpfObject
  readonly #entities: Entities
  readonly #waitMs: number
  readonly #now: () => number
  readonly #seen = new Set<number>()
  /** Source addresses by interface. */
  readonly #learned = new Map<number, Set<string>>()
  /** Interface and pod of each address that is bound. */
  readonly #homes = new Map<string, { readonly ifindex: number; readonly pod: string }>()
  /** Addresses in doubt: the pod that had them, and until when. */
  readonly #doubts = new Map<string, { readonly pod: string; readonly untilMs: number }>()
  /** Values in the kernel, by interface. */
  readonly #written = new Map<number, string>()
  /** Entity ids by interface; 0: not known. */
  #bound: ReadonlyMap<number, number> = new Map()

  /** `waitMs`: how long the kernel defers counts for a name. `now`: a monotonic clock in ms. */
  constructor(object: BpfObject, entities: Entities, waitMs: number, now: () => number) {
    this.#object = object
    this.#entities = entities
    this.#waitMs = waitMs
    this.#now = now
  }

  /** HOT: learns the address of the interface's pod from packets that the pod sent. */
  see(record: TraceRecord): void {
    if (!record.hasExtension || record.hook !== Hook.pod || record.direction !== Direction.aToB) return
    const pair = record.ifindex * PAIR + record.aEntity
    if (this.#seen.has(pair)) return
    if (this.#seen.size >= MOST_SEEN) this.#seen.clear()
    this.#seen.add(pair)
    if (!this.#entities.isPod(record.aEntity) && record.aEntity !== UNMANAGED) return
    const learned = this.#learned.get(record.ifindex) ?? new Set()
    if (learned.size < MOST_LEARNED) learned.add(formatAddress(record.bytes, record.aAt))
    this.#learned.set(record.ifindex, learned)
  }

  /** Brings bindings and doubts up to date. Call it before the addresses are published. */
  update(interfaces: ReadonlySet<number>, routes: Iterable<HostRoute>): void {
    const addresses = this.#addressesByInterface(interfaces, routes)
    this.#settleDoubts()
    this.#doubtHomeless(addresses)
    const bound = new Map<number, number>()
    for (const ifindex of interfaces) bound.set(ifindex, this.#bind(ifindex, addresses.get(ifindex) ?? []))
    this.#bound = bound
  }

  /** Writes what changed to the kernel. Call it after the addresses were published. */
  publish(): void {
    for (const ifindex of [...this.#written.keys()]) {
      if (this.#bound.has(ifindex)) continue
      this.#object.remove(MAP, keyOf(ifindex), 1)
      this.#written.delete(ifindex)
    }
    for (const [ifindex, entity] of this.#bound) {
      const value = this.#value(entity)
      const text = value.join()
      if (this.#written.get(ifindex) === text) continue
      this.#object.update(MAP, keyOf(ifindex), value, 1)
      this.#written.set(ifindex, text)
    }
  }

  /** NAMESPACE/POD behind an interface; '' while it is not known. */
  podBehind(ifindex: number): string {
    return this.#podOf(this.#bound.get(ifindex) ?? 0)
  }

  /**
   * Of the local pods with an address, how many have a watched interface, and the names (NAMESPACE/POD) of those that have
   * none. A bridge CNI shows a pod's interface only once the pod sends: while interfaces are left that have sent nothing, as
   * many pods count as covered.
   */
  coverage(): { readonly local: number; readonly covered: number; readonly uncovered: readonly string[] } {
    const known = new Set<string>()
    let unidentified = 0
    for (const [ifindex, entity] of this.#bound) {
      if (entity !== 0) known.add(this.#podOf(entity))
      else if (ifindex < FIRST_DEVICE_NUMBER && !this.#isStranger(ifindex)) unidentified++
    }
    const local = [...new Set([...this.#entities.localPods()].map(entity => this.#podOf(entity)))]
    const rest = local.filter(pod => !known.has(pod)).sort()
    const missing = Math.max(0, rest.length - unidentified)
    return { local: local.length, covered: local.length - missing, uncovered: missing === 0 ? [] : rest }
  }

  /** Routes are exact; learned addresses count for interfaces without a route, and without a route elsewhere. */
  #addressesByInterface(interfaces: ReadonlySet<number>, routes: Iterable<HostRoute>): Map<number, string[]> {
    const all = new Map<number, string[]>()
    const routed = new Set<string>()
    const add = (ifindex: number, address: string) => {
      const list = all.get(ifindex)
      if (list === undefined) all.set(ifindex, [address])
      else list.push(address)
    }
    for (const { address, ifindex } of routes) {
      if (!interfaces.has(ifindex)) continue
      routed.add(address)
      add(ifindex, address)
    }
    const withRoute = new Set(all.keys())
    for (const [ifindex, learned] of this.#learned) {
      if (!interfaces.has(ifindex)) this.#forget(ifindex)
      else if (!withRoute.has(ifindex)) for (const each of learned) if (!routed.has(each)) add(ifindex, each)
    }
    return all
  }

  /** What sends behind the interface is no pod of this node: a container, or the network behind a bridge. */
  #isStranger(ifindex: number): boolean {
    const learned = this.#learned.get(ifindex)
    if (learned === undefined) return false
    return ![...learned].some(address => this.#entities.isLocalPod(this.#entities.addresses.host(address)))
  }

  #forget(ifindex: number): void {
    this.#learned.delete(ifindex)
    this.#seen.clear() // the number may be used again
  }

  /** Ends the doubt about addresses that another pod has by now, or that no pod has, and after the wait. */
  #settleDoubts(): void {
    const now = this.#now()
    for (const [address, { pod, untilMs }] of this.#doubts) {
      const owner = this.#podOf(this.#entities.addresses.host(address))
      if (owner === pod && now < untilMs) continue
      this.#doubts.delete(address)
      this.#entities.addresses.trust(address)
    }
  }

  /** An address that has left its interface may be another pod's before the old pod's object is gone. */
  #doubtHomeless(addresses: ReadonlyMap<number, readonly string[]>): void {
    for (const [address, { ifindex, pod }] of this.#homes) {
      if (addresses.get(ifindex)?.includes(address)) continue
      this.#homes.delete(address)
      if (this.#podOf(this.#entities.addresses.host(address)) !== pod) continue
      this.#doubts.set(address, { pod, untilMs: this.#now() + this.#waitMs })
      this.#entities.addresses.doubt(address)
    }
  }

  /** The entity of the pod that all addresses belong to; 0 if there is none. */
  #bind(ifindex: number, addresses: readonly string[]): number {
    let bound = 0
    for (const address of addresses) {
      const entity = this.#entities.addresses.host(address)
      if (this.#doubts.has(address)) return 0
      if (!this.#entities.isLocalPod(entity)) continue
      if (bound !== 0 && this.#podOf(bound) !== this.#podOf(entity)) return 0
      bound = entity
    }
    if (bound === 0) return 0
    const pod = this.#podOf(bound)
    for (const address of addresses)
      if (this.#podOf(this.#entities.addresses.host(address)) === pod) this.#homes.set(address, { ifindex, pod })
    return bound
  }

  /** '' for anything but a local pod. A pod of an inventory may have no name. */
  #podOf(entity: number): string {
    if (!this.#entities.isLocalPod(entity)) return ''
    return `${this.#entities.namespace(entity)}/${this.#entities.pod(entity) || entity}`
  }

  #value(entity: number): Uint8Array {
    const value = new Uint8Array(IP_INFO.size)
    if (entity === 0) return value
    const view = new DataView(value.buffer)
    view.setUint32(IP_INFO.identity, this.#entities.identity(entity), true)
    view.setUint32(IP_INFO.entity, entity, true)
    view.setUint16(IP_INFO.endpointId, this.#entities.endpoint(entity), true)
    return value
  }
}

function keyOf(ifindex: number): Uint8Array {
  return new Uint8Array(Uint32Array.of(ifindex).buffer)
}
