/**
 * worker.ts - fuzzes one target for a time, in a thread that main.ts watches.
 *
 * In:    FuzzJob as workerData.
 * Out:   a FuzzResult to the parent. Before each run the input is in the shared buffer, so that the parent has it when the
 *        run does not return.
 */
import { parentPort, workerData } from 'node:worker_threads'
import fc from 'fast-check'
import { TARGETS } from './targets.js'

export interface FuzzJob {
  readonly target: string
  readonly milliseconds: number
  readonly seed: number
  readonly shared: SharedArrayBuffer
}

/** `failure`: what went wrong, with the smallest input that shows it. */
export interface FuzzResult {
  readonly runs: number
  readonly failure?: { readonly message: string; readonly input: Uint8Array }
}

/** The shared buffer: the number of runs and the input's length as 32-bit words, then the input. */
export const SHARED = { runs: 0, length: 1, header: 8, size: 1 << 20 } as const
/** A single input may not take more processor time: the main thread would not drain the ring meanwhile. */
const SLOW_MS = 1000

async function fuzz({ target: name, milliseconds, seed, shared }: FuzzJob): Promise<FuzzResult> {
  const target = TARGETS.find(each => each.name === name)!
  const words = new Int32Array(shared, 0, 2)
  const space = new Uint8Array(shared, SHARED.header)
  const property = fc.asyncProperty(target.input, async input => {
    const kept = input.subarray(0, space.length)
    space.set(kept)
    Atomics.store(words, SHARED.length, kept.length)
    Atomics.add(words, SHARED.runs, 1)
    const before = process.cpuUsage()
    await target.run(input)
    const { user, system } = process.cpuUsage(before)
    const ms = (user + system) / 1000
    if (ms > SLOW_MS) throw new Error(`takes ${Math.round(ms)} ms`)
  })
  const details = await fc.check(property, {
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: milliseconds,
    markInterruptAsFailure: false,
    seed,
  })
  const runs = Atomics.load(words, SHARED.runs)
  // An interrupted run without a counterexample has found nothing.
  const found = details.counterexample?.[0]
  if (found === undefined) return { runs }
  const { errorInstance: error } = details
  return {
    runs,
    failure: { message: error instanceof Error ? (error.stack ?? error.message) : String(error), input: found },
  }
}

parentPort?.postMessage(await fuzz(workerData as FuzzJob))
