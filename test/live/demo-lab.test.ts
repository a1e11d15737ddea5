/**
 * demo-lab.test.ts - what `weir demo` shows is there: each workload's traffic, and the blocked client's drops.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { createDemoLab, startTraffic } from '../../src/lab/demo.js'
import type { Lab } from '../../src/lab/lab.js'

const needsRoot = { skip: process.getuid?.() !== 0 && 'needs root' }
const DEADLINE_MS = 20_000

t.test('every pod of the demo has traffic, and it stops on demand', needsRoot, async t => {
  const lab = await createDemoLab()
  t.teardown(() => lab.destroy())
  const failures: Error[] = []
  const traffic = await startTraffic(lab, reason => failures.push(reason))
  t.teardown(() => traffic.stop())
  const start = await lab.allCounters()
  await until('every pod sends', async () => {
    const now = await lab.allCounters()
    return [...now].every(([name, { rx }]) => rx.packets > (start.get(name)?.rx.packets ?? 0))
  })
  await until('the firewall drops', async () => (await dropped(lab)) > 0)
  await traffic.stop()
  await traffic.stop()
  t.strictSame(failures, [])
})

t.test('the blocked client never reaches the database, and others do', needsRoot, async t => {
  const lab = await createDemoLab()
  t.teardown(() => lab.destroy())
  const database = lab.pod('database')
  await database.agent.call('tcpServe', { ports: [5432] })
  const attempt = { ports: [5432], count: 2, concurrency: 2, timeoutMs: 200 }
  for (const host of [database.ipv4, database.ipv6]) {
    const { agent } = lab.pod('client-blocked')
    t.match(await agent.call('tcpStorm', { host, ...attempt }), { succeeded: 0, errors: { ETIMEDOUT: 2 } })
    t.match(await lab.pod('api').agent.call('tcpStorm', { host, ...attempt, timeoutMs: 5_000 }), { succeeded: 2 })
  }
})

t.test('traffic that cannot go on says so once', needsRoot, async t => {
  const lab = await createDemoLab()
  t.teardown(() => lab.destroy())
  const failures: Error[] = []
  const traffic = await startTraffic(lab, reason => failures.push(reason))
  await lab.removePod('dns')
  await lab.removePod('load')
  await until('a failure is reported', async () => failures.length > 0)
  await traffic.stop()
  t.equal(failures.length, 1)
})

/** Packets that the rule for IPv4 counted before it dropped them. */
async function dropped(lab: Lab): Promise<number> {
  const { stdout } = await lab.run('node', ['nft', 'list', 'table', 'inet', 'lab'])
  return Number(/ip saddr .* counter packets (\d+)/.exec(stdout)?.[1])
}

async function until(what: string, holds: () => Promise<boolean>): Promise<void> {
  for (const deadline = Date.now() + DEADLINE_MS; !(await holds()); await sleep(20)) {
    if (Date.now() > deadline) throw new Error(`not after ${DEADLINE_MS} ms: ${what}`)
  }
}
