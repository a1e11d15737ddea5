// SPDX-License-Identifier: Apache-2.0
/**
 * suspect.ts - the evidence that packets of one direction bypass an interface, and the verdict.
 *
 * Out:   `bypassed` becomes true with several distinct connections, so that no single forged packet does it, and false
 *        again when complete connections were seen and no evidence for a while.
 * Never: grows: it keeps the keys of the connections that count, and no more.
 */

/** Distinct connections, or repeated evidence of a long one, that make the verdict. */
export const PROOFS = 3
/** Milliseconds within which they must come. */
const WINDOW_MS = 600_000
/** Milliseconds without evidence, and complete handshakes in this time, that end it. */
export const CLEAR_MS = 300_000
const CLEAR_HANDSHAKES = 3

export class Suspect {
  bypassed = false
  /** Pieces of evidence since the start. */
  proofs = 0
  #recent: { readonly key: number; readonly ms: number }[] = []
  #lastMs = 0
  #handshakes = 0

  /** Returns whether this is new evidence: a connection counts once. */
  prove(key: number, ms: number): boolean {
    this.#lastMs = ms
    this.#handshakes = 0
    if (this.#recent.some(proof => proof.key === key && ms - proof.ms < WINDOW_MS)) return false
    this.#recent = [...this.#recent.slice(1 - PROOFS), { key, ms }]
    this.proofs++
    if (this.#recent.length === PROOFS && ms - this.#recent[0]!.ms < WINDOW_MS) this.bypassed = true
    return true
  }

  /** A complete handshake was seen at the interface. */
  handshake(): void {
    this.#handshakes++
  }

  /** Ends the verdict when it is out of date. */
  review(ms: number): void {
    if (!this.bypassed || ms - this.#lastMs < CLEAR_MS || this.#handshakes < CLEAR_HANDSHAKES) return
    this.bypassed = false
    this.#recent = []
  }
}
