// SPDX-License-Identifier: Apache-2.0
/**
 * bcrypt.ts - bcrypt comparisons in a worker thread, one at a time, with a short queue.
 *
 * Out:   compare() resolves with the result, or returns undefined at once when the queue is full.
 * Fail:  a thread that dies is a bug and ends the process.
 */
import { Worker } from 'node:worker_threads'

export interface Comparison {
  readonly password: string
  /** The user's hash, then hashes that only take time. */
  readonly hashes: readonly string[]
}

/** A comparison of cost 10 takes about 0.1 s, so the last in the queue waits for a few seconds, not minutes. */
const MAX_WAITING = 32
/** Salt and digest that match no known password. */
const UNKNOWN_DIGEST = 'QOauhQNbBCuQDKes6eFzPe/WeirHasNoSuchPassword/////////'

export class Bcrypt {
  readonly #pending: ((matches: boolean) => void)[] = []
  #worker: Worker | undefined

  /** Results arrive in the order of the calls: the thread processes one message after the other. */
  compare(comparison: Comparison): Promise<boolean> | undefined {
    if (this.#pending.length >= MAX_WAITING) return undefined
    this.#worker ??= this.#start()
    return new Promise(resolve => {
      this.#pending.push(resolve)
      this.#worker!.ref()
      this.#worker!.postMessage(comparison)
    })
  }

  /** Comparisons in the queue never resolve. */
  close(): void {
    void this.#worker?.terminate()
    this.#worker = undefined
    this.#pending.length = 0
  }

  #start(): Worker {
    const worker = new Worker(new URL('./bcrypt-worker.js', import.meta.url))
    worker.on('message', (matches: boolean) => {
      this.#pending.shift()?.(matches)
      // The thread keeps the process alive only while comparisons are pending.
      if (this.#pending.length === 0) worker.unref()
    })
    worker.on('error', error => {
      throw error
    })
    return worker
  }
}

/** The cost of a hash: it takes 2^cost rounds. */
export function costOf(hash: string): number {
  return Number(/^\$2[aby]?\$(\d\d)\$/.exec(hash)![1])
}

/**
 * The hashes to compare, 2^cost rounds in total: `hash`, padded with dummy hashes if it is cheaper; one dummy hash if there is
 * none. So response times do not reveal whether a user exists.
 */
export function comparisonsOf(hash: string | undefined, cost: number): string[] {
  if (hash === undefined) return [dummyHash(cost)]
  const own = costOf(hash)
  return [hash, ...Array.from({ length: Math.max(0, cost - own) }, (_, i) => dummyHash(own + i))]
}

function dummyHash(cost: number): string {
  return `$2b$${String(cost).padStart(2, '0')}$${UNKNOWN_DIGEST}`
}
