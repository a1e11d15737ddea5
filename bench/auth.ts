/**
 * auth.ts - what a wrong password costs, for a user that exists and one that does not, and what the main thread notices.
 *
 * Out:   the ratio of the two medians, known by unknown; 1 is what nobody can tell apart.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { hashSync } from 'bcryptjs'
import { BasicAuth } from '../src/web/basic-auth.js'
import { median } from './median.js'

export const name = 'auth'
export const unit = 'known / unknown'
export const notes: string[] = []

const ROUNDS = 21
/** The users' own costs: the cheaper one is filled up. */
const COSTS = { alice: 8, carol: 10 } as const
const NS_PER_MS = 1e6

export async function run(): Promise<number> {
  const users = new Map(Object.entries(COSTS).map(([user, cost]) => [user, hashSync('right', cost)]))
  const auth = new BasicAuth()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const took: Record<string, number[]> = { alice: [], carol: [], nobody: [] }
  let n = 0
  const attempt = async (user: string) => {
    const header = `Basic ${Buffer.from(`${user}:wrong ${n++}`).toString('base64')}`
    const begun = performance.now()
    if ((await auth.authenticate(header, users)) !== 'rejected') throw new Error(`${user} came in`)
    return performance.now() - begun
  }
  try {
    await attempt('nobody')
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
  return of('alice') / of('nobody')
}
