/**
 * bcrypt.ts - bcrypt comparisons: one at a time, in a thread that starts with the first, and few that wait.
 *
 * Out:   compare() resolves with the answer, or undefined at once when too many wait.
 * Fail:  a thread that dies is a bug and ends the process.
 */
import { Worker } from 'node:worker_threads'

export interface Comparison {
  readonly password: string
  /** The one that counts, then those that only take time. */
  readonly hashes: readonly string[]
}

/** A comparison of cost 10 takes about 0.1 s: the last in the queue waits for a few seconds, not for minutes. */
const MAX_WAITING = 32
/** Salt and digest of no known password. */
const NOBODY = 'QOauhQNbBCuQDKes6eFzPe/WeirHasNoSuchPassword/////////'

export class Bcrypt {
  readonly #waiting: ((fits: boolean) => void)[] = []
  #worker: Worker | undefined

  /** Answers come in the order of the questions: the thread takes one message after the other. */
  compare(comparison: Comparison): Promise<boolean> | undefined {
    if (this.#waiting.length >= MAX_WAITING) return undefined
    this.#worker ??= this.#start()
    return new Promise(resolve => {
      this.#waiting.push(resolve)
      this.#worker!.ref()
      this.#worker!.postMessage(comparison)
    })
  }

  /** What waits is never answered. */
  close(): void {
    void this.#worker?.terminate()
    this.#worker = undefined
    this.#waiting.length = 0
  }

  #start(): Worker {
    const worker = new Worker(new URL('./bcrypt-worker.js', import.meta.url))
    worker.on('message', (fits: boolean) => {
      this.#waiting.shift()?.(fits)
      // It keeps the process alive while somebody waits.
      if (this.#waiting.length === 0) worker.unref()
    })
    worker.on('error', error => {
      throw error
    })
    return worker
  }
}

/** Two to this power are the rounds of a hash. */
export function costOf(hash: string): number {
  return Number(/^\$2[aby]?\$(\d\d)\$/.exec(hash)![1])
}

/**
 * The comparisons that take 2^cost rounds in all: `hash`, then hashes of nobody that fill up what a cheaper one leaves;
 * without a hash one of nobody. So nobody can tell a user that exists from one that does not by the time it takes.
 */
export function comparisonsOf(hash: string | undefined, cost: number): string[] {
  if (hash === undefined) return [nobody(cost)]
  const own = costOf(hash)
  return [hash, ...Array.from({ length: Math.max(0, cost - own) }, (_, i) => nobody(own + i))]
}

function nobody(cost: number): string {
  return `$2b$${String(cost).padStart(2, '0')}$${NOBODY}`
}
