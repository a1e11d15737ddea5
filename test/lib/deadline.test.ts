/**
 * deadline.test.ts - a promise is waited for up to a limit.
 */
import t from 'tap'
import { resolvesWithin, within } from '../../src/lib/deadline.js'

const never = new Promise<string>(() => {})

t.test('a result in time is returned, a late one is replaced', async t => {
  t.equal(await within(10_000, Promise.resolve('done'), 'late'), 'done')
  t.equal(await within(1, never, 'late'), 'late')
  t.equal(await within(-1, never, 'late'), 'late', 'a limit in the past')
})

t.test('a limit longer than a timer can wait is no limit', async t => {
  t.equal(await within(2 ** 40, Promise.resolve('done'), 'late'), 'done')
})

t.test('a rejection in time is passed on', async t => {
  await t.rejects(within(10_000, Promise.reject(new Error('broken')), 'late'), { message: 'broken' })
})

t.test('resolvesWithin() says whether the promise resolved in time', async t => {
  t.equal(await resolvesWithin(Promise.resolve(), 10_000), true)
  t.equal(await resolvesWithin(never, 1), false)
})
