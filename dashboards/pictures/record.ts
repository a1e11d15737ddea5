/**
 * record.ts - runs the lab for some minutes with a real Prometheus, then queries it for every board.
 *
 * The lab, its traffic and its targets are those of test/live/dashboard-queries.test.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { fill } from '../../test/support/dashboard-json.js'
import { watchedDemo } from '../../test/support/watched-demo.js'
import { query, type Range, type Recorded } from './answer.js'
import type { BoardModel } from './picture.js'
import { VARIABLES } from './selection.js'

/** Several times the window of the boards' rates. */
const MINUTES_MS = 150_000
const STEP = 2

export async function recordLab(boards: readonly BoardModel[]): Promise<{ range: Range; answers: Recorded }> {
  const teardowns: (() => unknown)[] = []
  try {
    let failure: Error | undefined
    const teardown = (callback: () => unknown) => void teardowns.unshift(callback)
    const prometheus = await watchedDemo({ teardown } as Pick<Test, 'teardown'>, reason => {
      failure = reason
    })
    await sleep(MINUTES_MS)
    if (failure !== undefined) throw failure
    const to = Math.floor(Date.now() / 1000) - 1
    const range = { from: to - MINUTES_MS / 1000 + 30, to, step: STEP }
    const answers: Record<string, Recorded[string]> = {}
    for (const board of boards) answers[board.uid] = await queryAll(prometheus.url, board, range)
    return { range, answers }
  } finally {
    for (const callback of teardowns) await callback()
  }
}

async function queryAll(url: string, { panels }: BoardModel, range: Range): Promise<Recorded[string]> {
  const answers: Record<string, Recorded[string][string]> = {}
  for (const { id, targets = [] } of panels) {
    answers[id] = await Promise.all(
      targets.map(({ expr, instant }) => query(url, fill(expr, VARIABLES), instant === true, range)),
    )
  }
  return answers
}
