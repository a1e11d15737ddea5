/**
 * bcrypt-worker.ts - compares passwords with bcrypt hashes, off the thread that drains the ring.
 *
 * In:    a Comparison a message.
 * Out:   whether the password fits its first hash, a message each, in order.
 */
import { parentPort } from 'node:worker_threads'
import { compareSync } from 'bcryptjs'
import type { Comparison } from './bcrypt.js'

parentPort!.on('message', ({ password, hashes }: Comparison) => {
  const results = hashes.map(hash => compareSync(password, hash))
  parentPort!.postMessage(results[0])
})
