/**
 * main.ts - fuzzes what reads bytes from outside, for a bounded time.
 *
 * In:    names of targets (none: all); FUZZ_SECONDS for all of them together, default 60; FUZZ_SEED.
 * Out:   a line for each target. A failing input is written to corpus/TARGET/; commit it together with the fix.
 * Fail:  exit 1 when an input throws, takes a second of CPU time, or does not return within ten; exit 2 for an unknown target.
 */
import { setTimeout as after } from 'node:timers/promises'
import { Worker } from 'node:worker_threads'
import { corpusOf, keep } from './corpus.js'
import { TARGETS } from './targets.js'
import { type FuzzJob, type FuzzResult, SHARED } from './worker.js'

const DEFAULT_SECONDS = 60
/** An input that is in work for longer never returns. */
const HANG_MS = 10_000
/** A run ends late by its last input, and by the search for the smallest failing input. */
const SHRINK_MS = 60_000

const names = process.argv.slice(2)
const unknown = names.filter(name => !TARGETS.some(target => target.name === name))
if (unknown.length > 0) {
  console.error(`fuzz: no target ${unknown.join(', ')}; allowed: ${TARGETS.map(({ name }) => name).join(', ')}`)
  process.exit(2)
}
const chosen = TARGETS.filter(({ name }) => names.length === 0 || names.includes(name))
const seconds = Number(process.env.FUZZ_SECONDS ?? DEFAULT_SECONDS)
const seed = Number(process.env.FUZZ_SEED ?? Date.now() & 0x7fff_ffff)
for (const target of chosen) {
  for (const { name, bytes } of corpusOf(target.name)) {
    await Promise.resolve(target.run(bytes)).catch(error => fail(target.name, `corpus ${name}: ${error.stack}`))
  }
  const { runs, failure } = await fuzzed(target.name, (seconds * 1000) / chosen.length)
  if (failure === undefined) console.log(`${target.name}: ${runs} inputs, seed ${seed}`)
  else fail(target.name, `${failure.message}\n  input: ${keep(target.name, failure.input)}, seed ${seed}`)
}
process.exit()

function fail(target: string, message: string): void {
  process.exitCode = 1
  console.error(`${target}: FAILED: ${message}`)
}

/** Runs one target in a thread. A thread without progress is stopped, and its input is the failure. */
async function fuzzed(target: string, milliseconds: number): Promise<FuzzResult> {
  const shared = new SharedArrayBuffer(SHARED.header + SHARED.size)
  const job: FuzzJob = { target, milliseconds, seed, shared }
  const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: job })
  const finished = new AbortController()
  const result = new Promise<FuzzResult>((resolve, reject) => worker.once('message', resolve).once('error', reject))
  const failed = (error: Error): FuzzResult => ({
    runs: runsOf(shared),
    failure: { message: error.stack!, input: inputOf(shared) },
  })
  const watch = watched(shared, milliseconds + SHRINK_MS, finished.signal)
  const first = await Promise.race([result.catch(failed), watch])
  finished.abort()
  await worker.terminate()
  return first
}

/** Resolves when an input has been in work for too long. */
async function watched(shared: SharedArrayBuffer, maxMs: number, signal: AbortSignal): Promise<FuzzResult> {
  const end = performance.now() + maxMs
  for (let runs = -1; !signal.aborted; ) {
    await after(HANG_MS, undefined, { signal }).catch(() => undefined)
    if (runsOf(shared) === runs || performance.now() > end) break
    runs = runsOf(shared)
  }
  return { runs: runsOf(shared), failure: { message: `does not return within ${HANG_MS} ms`, input: inputOf(shared) } }
}

function runsOf(shared: SharedArrayBuffer): number {
  return Atomics.load(new Int32Array(shared, 0, 2), SHARED.runs)
}

function inputOf(shared: SharedArrayBuffer): Uint8Array {
  const length = Atomics.load(new Int32Array(shared, 0, 2), SHARED.length)
  return new Uint8Array(shared, SHARED.header).slice(0, length)
}
