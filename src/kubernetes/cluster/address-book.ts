// SPDX-License-Identifier: Apache-2.0
/**
 * address-book.ts - decides which object owns an address when several claim it.
 *
 * In:    claims: object, priority, start time.
 * Out:   one owner per address, and the keys of both owners when it changes.
 *        Events of different kinds arrive in any order, and a list mixes old and new objects. Priorities and times decide: a new
 *        pod takes an old pod's address as soon as it is seen, and a late event of the old pod does not take it back.
 * Never: holds an address without a claim. About 100 bytes for an address with one.
 */

/** Claims of each kind, weakest first. */
export const Priority = { gateway: 0, pod: 1, service: 2, node: 3, apiserver: 4, thisNode: 5 } as const
export type Priority = (typeof Priority)[keyof typeof Priority]

export interface Claimant {
  readonly key: string
  /** Pods: when the kubelet accepted it and when it was created, in seconds; the later pod gets the address. */
  readonly started?: number
  readonly created?: number
  readonly terminating?: boolean
}

interface Claim {
  readonly claimant: Claimant
  readonly priority: Priority
}

export class AddressBook {
  /** Claims by address, best first. Nearly every address is claimed by one pod only and needs neither list nor claim. */
  readonly #claims = new Map<string, Claimant | readonly Claim[]>()

  isOwner(ip: string, key: string): boolean {
    return this.#owner(ip)?.claimant.key === key
  }

  /** Adds or updates a claim. Calls `changed` with the keys of the previous and the new owner, if the owner changes. */
  claim(ip: string, claimant: Claimant, priority: Priority, changed: (key: string) => void): void {
    if (priority === Priority.pod && !this.#claims.has(ip)) {
      this.#claims.set(ip, claimant)
      changed(claimant.key)
      return
    }
    const before = this.#owner(ip)
    const all = [...this.#all(ip)]
    const at = all.findIndex(claim => claim.claimant.key === claimant.key)
    if (at < 0) all.unshift({ claimant, priority })
    else all[at] = { claimant, priority }
    this.#store(ip, all.sort(bestFirst))
    this.#notify(before, this.#owner(ip), changed)
  }

  /** Removes a claim. */
  release(ip: string, key: string, changed: (key: string) => void): void {
    const all = this.#all(ip)
    const left = all.filter(claim => claim.claimant.key !== key)
    this.#store(ip, left)
    this.#notify(all[0], left[0], changed)
  }

  #owner(ip: string): Claim | undefined {
    return this.#all(ip)[0]
  }

  #all(ip: string): readonly Claim[] {
    const claims = this.#claims.get(ip)
    if (claims === undefined) return []
    return isList(claims) ? claims : [{ claimant: claims, priority: Priority.pod }]
  }

  #store(ip: string, claims: readonly Claim[]): void {
    const [first, ...others] = claims
    if (first === undefined) this.#claims.delete(ip)
    else this.#claims.set(ip, first.priority === Priority.pod && others.length === 0 ? first.claimant : claims)
  }

  /** The previous owner first, so that a reader sees the address removed before it is added. */
  #notify(before: Claim | undefined, after: Claim | undefined, changed: (key: string) => void): void {
    if (before?.claimant.key === after?.claimant.key) return
    if (before !== undefined) changed(before.claimant.key)
    if (after !== undefined) changed(after.claimant.key)
  }
}

function isList(claims: Claimant | readonly Claim[]): claims is readonly Claim[] {
  return Array.isArray(claims)
}

/** Best claim first. Among equal claims the one that arrived last stays first. */
function bestFirst(a: Claim, b: Claim): number {
  const [x, y] = [a.claimant, b.claimant]
  return (
    b.priority - a.priority ||
    (y.started ?? 0) - (x.started ?? 0) ||
    (y.created ?? 0) - (x.created ?? 0) ||
    Number(x.terminating ?? false) - Number(y.terminating ?? false)
  )
}
