// SPDX-License-Identifier: Apache-2.0
/**
 * hash.ts - the keyed hash of every open-addressing table with keys that packets can choose.
 *
 * In:    keys of 32-bit words, signed or unsigned.
 * Out:   24 bits; a table masks what it needs. Equal keys have equal hashes within a process, never across processes.
 *
 * A sender must not be able to choose addresses that share a slot, so the hash depends on random numbers that each process
 * draws. Every 16-bit half of a key is multiplied by a number of its own and the products are summed: two different keys
 * have equal sums for at most one in 2^17 draws (multiply-shift for vectors, Dietzfelbinger 1996), whatever the attacker
 * picks. Whole words would not do: the product of a word and an odd number keeps a difference in the top bit as it is, so
 * flipping that bit in two words would cancel out for every draw. The last step is nonlinear and needs no secret: it
 * breaks up sums at a constant distance, such as those of consecutive addresses.
 * Rejected: one keyed multiplication a word (the top bit again), SipHash (additions of 64 bits, which JavaScript lacks).
 */
import { hashSecret } from './hash-secret.js'

const { imul } = Math
const SECRET = hashSecret()
/** Words of the longest key that hashWords() takes. */
export const MOST_WORDS = (SECRET.length - 1) / 2
/** The same numbers as constants, which V8 compiles into the code; loads from the array cost some 2 % of a record. */
const S0 = SECRET[0]!
const S1 = SECRET[1]!
const S2 = SECRET[2]!
const S3 = SECRET[3]!
const S4 = SECRET[4]!
const S5 = SECRET[5]!
const S6 = SECRET[6]!
const S7 = SECRET[7]!
const S8 = SECRET[8]!
const S9 = SECRET[9]!
const S10 = SECRET[10]!

/** An odd number with bits all over. */
const SPREAD = 0x2c1b3c6d
/** The low bits of a product depend on the fewest bits of its factors. */
const WEAK_BITS = 8

/** HOT, as all below; the last step is repeated because V8 then inlines more of the callers. Guard: benches `reduce*`. */
export function hash1(a: number): number {
  const sum = S0 + imul(a, S1) + imul(a >>> 16, S2)
  return imul(sum ^ (sum >>> 15), SPREAD) >>> WEAK_BITS
}

export function hash2(a: number, b: number): number {
  const sum = S0 + imul(a, S1) + imul(a >>> 16, S2) + imul(b, S3) + imul(b >>> 16, S4)
  return imul(sum ^ (sum >>> 15), SPREAD) >>> WEAK_BITS
}

export function hash4(a: number, b: number, c: number, d: number): number {
  const sum =
    S0 +
    imul(a, S1) +
    imul(a >>> 16, S2) +
    imul(b, S3) +
    imul(b >>> 16, S4) +
    imul(c, S5) +
    imul(c >>> 16, S6) +
    imul(d, S7) +
    imul(d >>> 16, S8)
  return imul(sum ^ (sum >>> 15), SPREAD) >>> WEAK_BITS
}

export function hash5(a: number, b: number, c: number, d: number, e: number): number {
  const sum =
    S0 +
    imul(a, S1) +
    imul(a >>> 16, S2) +
    imul(b, S3) +
    imul(b >>> 16, S4) +
    imul(c, S5) +
    imul(c >>> 16, S6) +
    imul(d, S7) +
    imul(d >>> 16, S8) +
    imul(e, S9) +
    imul(e >>> 16, S10)
  return imul(sum ^ (sum >>> 15), SPREAD) >>> WEAK_BITS
}

/** The `count` words from `from` on; MOST_WORDS at most. */
export function hashWords(words: Uint32Array, from: number, count: number): number {
  let sum = S0
  for (let i = 0; i < count; i++) {
    const word = words[from + i]!
    sum = (sum + imul(word, SECRET[2 * i + 1]!) + imul(word >>> 16, SECRET[2 * i + 2]!)) | 0
  }
  return imul(sum ^ (sum >>> 15), SPREAD) >>> WEAK_BITS
}
