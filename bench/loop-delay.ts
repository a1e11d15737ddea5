/**
 * loop-delay.ts - the longest delay of events in this thread's event loop.
 *
 * Out:   the larger of the lateness of a 10 ms timer (as the drain timer) and the time of a message from another thread to
 *        its handler (a ring's watermark also arrives as an event that the loop polls). `own` excludes CPU steal: the time
 *        this thread was runnable without a CPU, from the kernel's scheduler statistics.
 */
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'

const TIMER_MS = 10

/** The longest delay until `work` is done, in total and without waits for a CPU. */
export async function longestDelay(work: Promise<unknown>): Promise<{ own: number; all: number }> {
  const longest = { own: 0, all: 0 }
  const seen = [{ at: performance.now(), waited: waitedMs() }]
  let due = performance.now() + TIMER_MS
  const record = (delay: number) => {
    const now = { at: performance.now(), waited: waitedMs() }
    const before = seen.findLast(({ at }) => at <= now.at - delay) ?? now
    longest.all = Math.max(longest.all, delay)
    longest.own = Math.max(longest.own, delay - (now.waited - before.waited))
    seen.push(now)
  }
  const timer = setInterval(() => {
    const now = performance.now()
    record(now - due)
    due = now + TIMER_MS
  }, TIMER_MS)
  const sender = new Worker(
    `const { parentPort } = require('node:worker_threads')
     setInterval(() => parentPort.postMessage(performance.timeOrigin + performance.now()), 2)`,
    { eval: true },
  )
  sender.on('message', (sent: number) => record(performance.timeOrigin + performance.now() - sent))
  await work
  clearInterval(timer)
  await sender.terminate()
  return longest
}

/** Milliseconds this thread was runnable without a CPU since its start (Documentation/scheduler/sched-stats.rst). */
function waitedMs(): number {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6
}
