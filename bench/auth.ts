/**
 * auth.ts - the time to reject a wrong password, for known and unknown users, and the delay of the main thread meanwhile.
 *
 * Out:   the ratio of the medians, known to unknown user. At 1 the time does not reveal which users exist.
 */
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { hashSync } from 'bcryptjs'
import { BasicAuth } from '../src/web/basic-auth.js'
import { median } from './median.js'

export const name = 'auth'
export const unit = 'known / unknown'
export const notes: string[] = []

const ROUNDS = 21
/** bcrypt costs of the users. The cheaper check is padded to the time of the other. */
const COSTS = { alice: 8, carol: 10 } as const
const NS_PER_MS = 1e6

export async function run(): Promise<number> {
  const users = new Map(Object.entries(COSTS).map(([user, cost]) => [user, hashSync('right', cost)]))
  const auth = new BasicAuth()
  const delay = monitorEventLoopDelay({ resolution: 1 })
  const times: Record<string, number[]> = { alice: [], carol: [], mallory: [] }
  let n = 0
  const attempt = async (user: string) => {
    const header = `Basic ${Buffer.from(`${user}:wrong ${n++}`).toString('base64')}`
    const started = performance.now()
    if ((await auth.authenticate(header, users)) !== 'rejected') throw new Error(`${user} was accepted`)
    return performance.now() - started
  }
  try {
    await attempt('mallory')
    delay.enable()
    for (let i = 0; i < ROUNDS; i++) for (const user of Object.keys(times)) times[user]!.push(await attempt(user))
    delay.disable()
  } finally {
    auth.close()
  }
  const of = (user: string) => median(times[user]!)
  notes.length = 0
  notes.push(
    Object.keys(times)
      .map(user => `${user} ${of(user).toFixed(0)} ms`)
      .join(', '),
  )
  notes.push(`longest delay of the main thread meanwhile: ${(delay.max / NS_PER_MS).toFixed(1)} ms`)
  return of('alice') / of('mallory')
}
