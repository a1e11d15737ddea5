// SPDX-License-Identifier: Apache-2.0
/**
 * backends.ts - the service that a pod is a backend of.
 *
 * In:    endpoint slices.
 * Out:   the service of a pod: the first by name where several select it, so that every node gives the same answer.
 * Never: holds a pod that is in no slice. About 100 bytes per backend.
 */
import type { SliceFacts } from '../object/endpoint-slice.js'

export class Backends {
  readonly #slices = new Map<string, SliceFacts>()
  /** Services by the pod's uid, sorted, once per slice that contains the pod. A single service, the usual case, needs no list. */
  readonly #services = new Map<string, string | readonly string[]>()
  readonly #changed: (uid: string) => void

  constructor(changed: (uid: string) => void) {
    this.#changed = changed
  }

  /** '' if there is none. */
  serviceOf(uid: string): string {
    const services = this.#services.get(uid) ?? ''
    return typeof services === 'string' ? services : services[0]!
  }

  put(slice: SliceFacts): void {
    const before = this.#slices.get(slice.key)
    this.#slices.set(slice.key, slice)
    const same = before?.service === slice.service
    const had = new Set(same ? before.uids : [])
    const has = new Set(slice.uids)
    for (const uid of before?.uids ?? []) if (!same || !has.has(uid)) this.#remove(uid, before!.service)
    for (const uid of slice.uids) if (!had.has(uid)) this.#add(uid, slice.service)
  }

  drop(key: string): void {
    const slice = this.#slices.get(key)
    this.#slices.delete(key)
    for (const uid of slice?.uids ?? []) this.#remove(uid, slice!.service)
  }

  #add(uid: string, service: string): void {
    this.#set(uid, [...this.#all(uid), service].sort())
  }

  #remove(uid: string, service: string): void {
    const rest = [...this.#all(uid)]
    const at = rest.indexOf(service)
    if (at >= 0) rest.splice(at, 1)
    this.#set(uid, rest)
  }

  #all(uid: string): readonly string[] {
    const services = this.#services.get(uid)
    if (services === undefined) return []
    return typeof services === 'string' ? [services] : services
  }

  #set(uid: string, services: readonly string[]): void {
    const before = this.serviceOf(uid)
    if (services.length === 0) this.#services.delete(uid)
    else this.#services.set(uid, services.length === 1 ? services[0]! : services)
    if (this.serviceOf(uid) !== before) this.#changed(uid)
  }
}
