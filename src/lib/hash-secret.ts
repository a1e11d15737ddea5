// SPDX-License-Identifier: Apache-2.0
/**
 * hash-secret.ts - the random numbers that key the hash of this process's tables (hash.ts).
 *
 * Never: logs or sends them. Anyone who knows them can choose addresses that all fall into one slot of a table.
 */
import { randomFillSync } from 'node:crypto'

const secret = new Int32Array(129)
randomFillSync(secret)

/** hash.ts reads this once, when it is loaded. */
export function hashSecret(): Int32Array {
  return secret
}

/** For tests, before they import hash.ts: numbers that follow from `seed`. */
export function seedHash(seed: number): void {
  let state = seed | 0
  for (let i = 0; i < secret.length; i++) {
    state = (state + 0x9e3779b9) | 0
    let mixed = Math.imul(state ^ (state >>> 16), 0x85ebca6b)
    mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2ae35)
    secret[i] = mixed ^ (mixed >>> 16)
  }
}
