/**
 * log-limit.test.ts - lines that a peer causes: the first few of a kind, then how many were held back.
 */
import t from 'tap'
import { LogLimit } from '../src/exporter/log-limit.js'

const limited = (options = {}) => {
  const lines: [Record<string, unknown>, string][] = []
  const limit = new LogLimit({ warn: (fields, message) => void lines.push([fields, message]) }, options)
  t.teardown(() => limit.close())
  return { lines, limit }
}

t.test('the first lines of a kind are told, the others counted and told once an interval', async t => {
  const { lines, limit } = limited({ lines: 2 })
  for (let i = 0; i < 10; i++) limit.warn('a', { i }, 'happened')
  limit.warn('b', {}, 'another')
  t.strictSame(lines.splice(0), [
    [{ i: 0 }, 'happened'],
    [{ i: 1 }, 'happened'],
    [{}, 'another'],
  ])
  limit.flush()
  t.match(lines.splice(0), [[{ kind: 'a', suppressed: 8 }, /held back/]])
  limit.flush()
  t.equal(lines.length, 0)
  limit.warn('a', {}, 'again')
  t.equal(lines.length, 1)
})

t.test('kinds are bounded: those beyond share one', async t => {
  const { lines, limit } = limited({ lines: 1, kinds: 3 })
  for (let i = 0; i < 100; i++) limit.warn(`kind ${i}`, {}, 'happened')
  t.equal(lines.length, 3)
  limit.flush()
  t.match(lines.at(-1), [{ kind: 'other', suppressed: 97 }])
})

t.test('what was held back is told at the end', async t => {
  const { lines, limit } = limited({ lines: 1 })
  limit.warn('a', {}, 'happened')
  limit.warn('a', {}, 'happened')
  limit.close()
  t.match(lines.at(-1), [{ suppressed: 1 }])
})
