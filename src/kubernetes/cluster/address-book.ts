/**
 * address-book.ts - whose an address is, when several say that it is theirs.
 *
 * In:    claims: who, with what right, since when.
 * Out:   one owner an address, and who has to be told anew when it changes.
 *        Events of different kinds come in no order, and a list mixes old and new: rights and times decide, so a new
 *        pod on an old pod's address has it as soon as it is seen, and an old pod's late event takes nothing back.
 * Never: holds an address that nobody claims. About 100 bytes an address that one claims.
 */

/** Who says so is believed in this order. */
export const Priority = { gateway: 0, pod: 1, service: 2, node: 3, apiserver: 4, thisNode: 5 } as const
export type Priority = (typeof Priority)[keyof typeof Priority]

export interface Claimant {
  readonly key: string
  /** Pods: when its kubelet took it and when it was made, in s; the later one has the address. */
  readonly started?: number
  readonly created?: number
  readonly terminating?: boolean
}

interface Claim {
  readonly claimant: Claimant
  readonly priority: Priority
}

export class AddressBook {
  /** The best claim first; what one pod alone claims, which is nearly every address, needs no list and no claim. */
  readonly #claims = new Map<string, Claimant | readonly Claim[]>()

  get size(): number {
    return this.#claims.size
  }

  isOwner(ip: string, key: string): boolean {
    return this.#owner(ip)?.claimant.key === key
  }

  /** Add a claim, or make it anew; `changed` gets the keys of the old and the new owner, if there is a new one. */
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

  /** Take a claim away. */
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

  /** The loser first: who reads on in order sees the address go before it comes. */
  #notify(before: Claim | undefined, after: Claim | undefined, changed: (key: string) => void): void {
    if (before?.claimant.key === after?.claimant.key) return
    if (before !== undefined) changed(before.claimant.key)
    if (after !== undefined) changed(after.claimant.key)
  }
}

function isList(claims: Claimant | readonly Claim[]): claims is readonly Claim[] {
  return Array.isArray(claims)
}

/** The best first. Of those that differ in nothing the one that came later stays first. */
function bestFirst(a: Claim, b: Claim): number {
  const [x, y] = [a.claimant, b.claimant]
  return (
    b.priority - a.priority ||
    (y.started ?? 0) - (x.started ?? 0) ||
    (y.created ?? 0) - (x.created ?? 0) ||
    Number(x.terminating ?? false) - Number(y.terminating ?? false)
  )
}
