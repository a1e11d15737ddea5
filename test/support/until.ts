/**
 * until.ts - wait for a condition, by asking again.
 *
 * Fail:  an Error that names what did not come true before the deadline; what the condition throws, at once.
 */
import { setTimeout as sleep } from 'node:timers/promises'

const DEADLINE_MS = 15_000
const PAUSE_MS = 10

/** Resolves with the first answer that is not false, undefined or an empty string. */
export async function until<T>(
  what: string,
  ask: () => T | Promise<T>,
  deadlineMs = DEADLINE_MS,
): Promise<Exclude<T, false | undefined | ''>> {
  for (const deadline = Date.now() + deadlineMs; ; await sleep(PAUSE_MS)) {
    const answer = await ask()
    if (answer !== false && answer !== undefined && answer !== '') return answer as Exclude<T, false | undefined | ''>
    if (Date.now() > deadline) throw new Error(`not after ${deadlineMs} ms: ${what}`)
  }
}
