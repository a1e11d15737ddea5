/**
 * auth.ts - time to check a wrong password for a known and an unknown user, and its effect on the main thread.
 *
 * Out:   the ratio of the two medians, known to unknown; at 1 a client cannot distinguish them.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { hashSync } from 'bcryptjs'
import { BasicAuth } from '../src/web/basic-auth.js'
import { median } from './median.js'

export const name = 'auth'
export const unit = 'known / unknown'
export const notes: string[] = []

const ROUNDS = 21
/** Costs of the users' hashes; dummy hashes pad the cheaper one. */
const COSTS = { alice: 8, carol: 10 } as const
const NS_PER_MS = 1e6

export async function run(): Promise<number> {
  const users = new Map(Object.entries(COSTS).map(([user, cost]) => [user, hashSync('right', cost)]))
  const auth = new BasicAuth()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const took: Record<string, number[]> = { alice: [], carol: [], unknown: [] }
  let n = 0
  const attempt = async (user: string) => {
    const header = `Basic ${Buffer.from(`${user}:wrong ${n++}`).toString('base64')}`
    const begun = performance.now()
    if ((await auth.authenticate(header, users)) !== 'rejected') throw new Error(`${user} was accepted`)
    return performance.now() - begun
  }
  try {
    await attempt('unknown')
    delay.enable()
    for (let i = 0; i < ROUNDS; i++) for (const user of Object.keys(took)) took[user]!.push(await attempt(user))
    delay.disable()
  } finally {
    auth.close()
  }
  const of = (user: string) => median(took[user]!)
  notes.length = 0
  notes.push(
    Object.keys(took)
      .map(user => `${user} ${of(user).toFixed(0)} ms`)
      .join(', '),
  )
  notes.push(`longest wait of the main thread meanwhile: ${(delay.max / NS_PER_MS).toFixed(1)} ms`)
  return of('alice') / of('unknown')
}
