// SPDX-License-Identifier: Apache-2.0
/**
 * identity-table.ts - identity numbers of pods: allocated by label set, or Cilium's own.
 *
 * In:    the labels of a pod and its namespace; Cilium's numbers where it runs.
 * Out:   one number per label set, stable while it has a user, never reused for other labels in this process.
 * Never: keeps an identity without a user. Own numbers start above those of Cilium's first 127 clusters (ClusterID << 16), so that
 *        the two cannot be confused.
 */

/** A label set and its number, shared by all its users. */
export interface Identity {
  readonly number: number
  readonly labels: readonly string[]
  /** Whether it was sent to the main thread. */
  published: boolean
  users: number
}

export const FIRST_OWN = 0x80_0000

export class IdentityTable {
  readonly #byLabels = new Map<string, Identity>()
  readonly #byNumber = new Map<number, Identity>()
  readonly #onForgotten: (identity: number) => void
  #nextNumber: number

  /** `nextNumber`: the first number to allocate, when an earlier table allocated lower ones. */
  constructor(onForgotten: (identity: number) => void, nextNumber = FIRST_OWN) {
    this.#onForgotten = onForgotten
    this.#nextNumber = nextNumber
  }

  /** The number of the next new label set. */
  get nextNumber(): number {
    return this.#nextNumber
  }

  /** The identity of these labels. Adds a user. */
  useLabels(labels: readonly string[]): Identity {
    const key = JSON.stringify(labels)
    const known = this.#byLabels.get(key)
    if (known !== undefined) return addUser(known)
    const identity = { number: this.#nextNumber++, labels, published: false, users: 1 }
    this.#byLabels.set(key, identity)
    this.#byNumber.set(identity.number, identity)
    return identity
  }

  /** The identity with Cilium's number. Adds a user. The labels of the first call count. */
  useNumber(number: number, labels: readonly string[]): Identity {
    const known = this.#byNumber.get(number)
    if (known !== undefined) return addUser(known)
    const identity = { number, labels, published: false, users: 1 }
    this.#byNumber.set(number, identity)
    return identity
  }

  /** Removes a user. */
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
