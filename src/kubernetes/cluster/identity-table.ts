/**
 * identity-table.ts - identity numbers for pods, from their labels or as Cilium gave them.
 *
 * In:    the labels of a pod and its namespace; Cilium's numbers where there are some.
 * Out:   one number for equal labels, stable while anybody has them, never given to other labels in this process.
 * Never: keeps an identity that nobody has. Own numbers begin above those of Cilium's first 127 clusters
 *        (ClusterID << 16), so that neither is taken for the other.
 */

/** One set of labels, shared by all who have it. */
export interface Identity {
  readonly number: number
  readonly labels: readonly string[]
  /** Whether the main thread knows it. */
  published: boolean
  users: number
}

export const FIRST_OWN = 0x80_0000

export class IdentityTable {
  readonly #byLabels = new Map<string, Identity>()
  readonly #byNumber = new Map<number, Identity>()
  readonly #onForgotten: (identity: number) => void
  #nextNumber: number

  /** `next`: the first number to give, when an earlier table gave others already. */
  constructor(onForgotten: (identity: number) => void, nextNumber = FIRST_OWN) {
    this.#onForgotten = onForgotten
    this.#nextNumber = nextNumber
  }

  get size(): number {
    return this.#byNumber.size
  }
  /** Whom the next labels get. */
  get nextNumber(): number {
    return this.#nextNumber
  }

  /** The identity of these labels, with one user more. */
  useLabels(labels: readonly string[]): Identity {
    const key = JSON.stringify(labels)
    const known = this.#byLabels.get(key)
    if (known !== undefined) return addUser(known)
    const identity = { number: this.#nextNumber++, labels, published: false, users: 1 }
    this.#byLabels.set(key, identity)
    this.#byNumber.set(identity.number, identity)
    return identity
  }

  /** The identity that Cilium gave this number, with one user more; the first to tell its labels decides them. */
  useNumber(number: number, labels: readonly string[]): Identity {
    const known = this.#byNumber.get(number)
    if (known !== undefined) return addUser(known)
    const identity = { number, labels, published: false, users: 1 }
    this.#byNumber.set(number, identity)
    return identity
  }

  /** One user less. */
  release(identity: Identity): void {
    identity.users--
    if (identity.users > 0) return
    this.#byNumber.delete(identity.number)
    if (identity.number >= FIRST_OWN) this.#byLabels.delete(JSON.stringify(identity.labels))
    if (identity.published) this.#onForgotten(identity.number)
  }
}

function addUser(identity: Identity): Identity {
  identity.users++
  return identity
}
