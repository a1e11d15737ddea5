/**
 * record.ts - what a real Prometheus answers to every board, after minutes of a live lab.
 *
 * The lab, its traffic and its targets are those of test/live/dashboard-queries.test.ts.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Test } from 'tap'
import { fill } from '../../test/support/dashboard-json.js'
import { watchedDemo } from '../../test/support/watched-demo.js'
import { ask, type Range, type Recorded } from './answer.js'
import { VARIABLES } from './chosen.js'
import type { BoardModel } from './picture.js'

/** A few windows of the boards' rates. */
const MINUTES_MS = 150_000
const STEP = 2

export async function recordLab(boards: readonly BoardModel[]): Promise<{ range: Range; answers: Recorded }> {
  const ends: (() => unknown)[] = []
  try {
    let failure: Error | undefined
    const teardown = (end: () => unknown) => void ends.unshift(end)
    const prometheus = await watchedDemo({ teardown } as Pick<Test, 'teardown'>, reason => {
      failure = reason
    })
    await sleep(MINUTES_MS)
    if (failure !== undefined) throw failure
    const to = Math.floor(Date.now() / 1000) - 1
    const range = { from: to - MINUTES_MS / 1000 + 30, to, step: STEP }
    const answers: Record<string, Recorded[string]> = {}
    for (const board of boards) answers[board.uid] = await askAll(prometheus.url, board, range)
    return { range, answers }
  } finally {
    for (const end of ends) await end()
  }
}

async function askAll(url: string, { panels }: BoardModel, range: Range): Promise<Recorded[string]> {
  const answers: Record<string, Recorded[string][string]> = {}
  for (const { id, targets = [] } of panels) {
    answers[id] = await Promise.all(
      targets.map(({ expr, instant }) => ask(url, fill(expr, VARIABLES), instant === true, range)),
    )
  }
  return answers
}
