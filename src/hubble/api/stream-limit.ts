// SPDX-License-Identifier: Apache-2.0
/**
 * stream-limit.ts - limits open streams, in total and for each peer.
 *
 * In:    the peer's address; '' for clients of the unix socket, which are limited in total only.
 */

export class StreamLimit {
  /** Open streams. */
  open = 0
  readonly #max: number
  readonly #maxPerPeer: number
  readonly #byPeer = new Map<string, number>()

  constructor(max: number, maxPerPeer: number) {
    this.#max = max
    this.#maxPerPeer = maxPerPeer
  }

  /** Counts one more stream. Returns why there can be none, or undefined. */
  enter(peer: string): string | undefined {
    const ofPeer = this.#byPeer.get(peer) ?? 0
    if (this.open >= this.#max) return `the limit of ${this.#max} streams is reached`
    if (peer !== '' && ofPeer >= this.#maxPerPeer)
      return `the limit of ${this.#maxPerPeer} streams of one client address is reached`
    this.open++
    if (peer !== '') this.#byPeer.set(peer, ofPeer + 1)
    return undefined
  }

  /** Call once for each stream that entered. */
  leave(peer: string): void {
    this.open--
    if (peer === '') return
    const left = this.#byPeer.get(peer)! - 1
    if (left === 0) this.#byPeer.delete(peer)
    else this.#byPeer.set(peer, left)
  }
}
