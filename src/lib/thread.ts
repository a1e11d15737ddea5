/**
 * thread.ts - a worker thread from a program of ours, built or from source.
 */
import { existsSync } from 'node:fs'
import { Worker, type WorkerOptions } from 'node:worker_threads'

/** `program` is where the built file would be: `new URL('../datapath/worker.js', import.meta.url)`. */
export function startThread(program: URL, options: WorkerOptions = {}): Worker {
  if (existsSync(program)) return new Worker(program, options)
  // From source it is TypeScript, and a thread has no loader unless it registers one.
  const source = program.href.replace(/\.js$/, '.ts')
  const begin = `import('${import.meta.resolve('tsx/esm/api')}').then(tsx => (tsx.register(), import('${source}')))`
  return new Worker(begin, { ...options, eval: true })
}
