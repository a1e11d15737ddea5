// SPDX-License-Identifier: Apache-2.0
/**
 * bcrypt-worker.ts - compares passwords with bcrypt hashes in a thread of its own, because the main thread drains the ring.
 *
 * In:    one Comparison per message.
 * Out:   one message each, in order: whether the password matches the first hash.
 */
import { parentPort } from 'node:worker_threads'
import { compareSync } from 'bcryptjs'
import type { Comparison } from './bcrypt.js'

parentPort!.on('message', ({ password, hashes }: Comparison) => {
  const results = hashes.map(hash => compareSync(password, hash))
  parentPort!.postMessage(results[0])
})
