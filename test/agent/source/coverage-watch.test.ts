/**
 * coverage-watch.test.ts - pods without a watched interface are logged once, after a minute.
 */
import t, { type Test } from 'tap'
import { CoverageWatch } from '../../../src/agent/source/coverage-watch.js'
import type { PodInterfaces } from '../../../src/datapath/source/pod-interfaces.js'
import type { LineLog } from '../../../src/lib/log-limit.js'

const MINUTE_MS = 60_000

function watchOf(t: Test, remedy?: string) {
  const pods = { uncovered: [] as string[] }
  const lines: object[] = []
  const coverage = () => ({ local: 5, covered: 5 - pods.uncovered.length, uncovered: pods.uncovered })
  const log = { warn: (fields: object) => lines.push(fields) } as unknown as LineLog
  const watch = new CoverageWatch({ coverage } as unknown as PodInterfaces, () => remedy, log)
  t.teardown(() => watch.stop())
  return { watch, pods, lines }
}

t.test('each pod is logged once, after a minute without an interface', async t => {
  const { watch, pods, lines } = watchOf(t)
  pods.uncovered = ['mac/a']
  watch.check(0)
  pods.uncovered = ['mac/a', 'mac/b']
  watch.check(MINUTE_MS - 1)
  t.strictSame(lines, [])
  watch.check(MINUTE_MS)
  watch.check(MINUTE_MS + 1)
  t.strictSame(lines, [{ pods: 1, first: ['mac/a'] }])
  watch.check(2 * MINUTE_MS)
  t.strictSame(lines.slice(1), [{ pods: 1, first: ['mac/b'] }])
})

t.test('the line has what to do about it, if something can be done', async t => {
  const { watch, pods, lines } = watchOf(t, 'set --pod-end')
  pods.uncovered = ['mac/a']
  for (const ms of [0, MINUTE_MS]) watch.check(ms)
  t.strictSame(lines, [{ pods: 1, first: ['mac/a'], remedy: 'set --pod-end' }])
})

t.test('a pod that had an interface meanwhile gets another minute', async t => {
  const { watch, pods, lines } = watchOf(t)
  pods.uncovered = ['mac/a']
  watch.check(0)
  pods.uncovered = []
  watch.check(MINUTE_MS / 2)
  pods.uncovered = ['mac/a']
  watch.check(MINUTE_MS)
  t.strictSame(lines, [])
  watch.check(2 * MINUTE_MS)
  t.equal(lines.length, 1)
})

t.test('the status names them', async t => {
  const { watch, pods } = watchOf(t)
  t.equal(watch.status, '5 of 5')
  pods.uncovered = ['mac/a', 'mac/b']
  t.equal(watch.status, '3 of 5; no interface: mac/a, mac/b')
})
