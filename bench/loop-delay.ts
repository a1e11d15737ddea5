/**
 * loop-delay.ts - how long what comes to this thread's event loop waits there, at most.
 *
 * Out:   the longest of: a 10 ms timer's lateness (the drain timer), and the way of a message from another thread to its
 *        handler (a ring's watermark reaches Weir the same way: as an event that the loop polls). `own` is without the
 *        time that this thread was ready and other processes had the CPU: the kernel tells it.
 */
import { readFileSync } from 'node:fs'
import { Worker } from 'node:worker_threads'

const TIMER_MS = 10

/** The longest delay while `work` lasts: in all, and without the waits for a CPU. */
export async function longestDelay(work: Promise<unknown>): Promise<{ own: number; all: number }> {
  const late = { own: 0, all: 0 }
  const seen = [{ at: performance.now(), waited: waitedMs() }]
  let due = performance.now() + TIMER_MS
  const tell = (delay: number) => {
    const now = { at: performance.now(), waited: waitedMs() }
    const before = seen.findLast(({ at }) => at <= now.at - delay) ?? now
    late.all = Math.max(late.all, delay)
    late.own = Math.max(late.own, delay - (now.waited - before.waited))
    seen.push(now)
  }
  const timer = setInterval(() => {
    const now = performance.now()
    tell(now - due)
    due = now + TIMER_MS
  }, TIMER_MS)
  const sender = new Worker(
    `const { parentPort } = require('node:worker_threads')
     setInterval(() => parentPort.postMessage(performance.timeOrigin + performance.now()), 2)`,
    { eval: true },
  )
  sender.on('message', (sent: number) => tell(performance.timeOrigin + performance.now() - sent))
  await work
  clearInterval(timer)
  await sender.terminate()
  return late
}

/** How long this thread was ready to run and had no CPU, since it began (Documentation/scheduler/sched-stats.rst). */
function waitedMs(): number {
  return Number(readFileSync(`/proc/self/task/${process.pid}/schedstat`, 'utf8').split(' ')[1]) / 1e6
}
