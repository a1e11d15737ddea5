/**
 * log-limit.test.ts - log lines that clients cause: the first few of each kind, then the number suppressed.
 */
import t from 'tap'
import { LogLimit } from '../../src/lib/log-limit.js'

const limited = (options = {}) => {
  const lines: [Record<string, unknown>, string][] = []
  const keep = (fields: Readonly<Record<string, unknown>>, message: string) => void lines.push([fields, message])
  const limit = new LogLimit({ info: keep, warn: keep, error: keep }, options)
  t.teardown(() => limit.close())
  return { lines, limit }
}

t.test(
  'the first lines of a kind are logged; the others are counted, and the count is logged once per interval',
  async t => {
    const { lines, limit } = limited({ lines: 2 })
    for (let i = 0; i < 10; i++) limit.warn({ i }, 'happened')
    limit.error({}, 'another')
    t.strictSame(lines.splice(0), [
      [{ i: 0 }, 'happened'],
      [{ i: 1 }, 'happened'],
      [{}, 'another'],
    ])
    limit.flush()
    t.match(lines.splice(0), [[{ kind: 'happened', suppressed: 8 }, /were suppressed/]])
    limit.flush()
    t.equal(lines.length, 0)
    limit.info({}, 'happened')
    t.equal(lines.length, 1, 'a new interval')
  },
)

t.test('a line keeps its level, and all levels of a kind share one limit', async t => {
  const levels: string[] = []
  const keep = (level: string) => () => void levels.push(level)
  const limit = new LogLimit({ info: keep('info'), warn: keep('warn'), error: keep('error') }, { lines: 2 })
  t.teardown(() => limit.close())
  limit.error({}, 'a')
  limit.info({}, 'a')
  limit.warn({}, 'a')
  limit.warn({}, 'b')
  t.strictSame(levels, ['error', 'info', 'warn'])
})

t.test('the number of kinds is bounded, and further kinds share one count', async t => {
  const { lines, limit } = limited({ lines: 1, kinds: 3 })
  for (let i = 0; i < 100; i++) limit.warn({}, `kind ${i}`)
  t.equal(lines.length, 3)
  limit.flush()
  t.match(lines.at(-1), [{ kind: 'other', suppressed: 97 }])
})

t.test('closing logs the number of suppressed lines', async t => {
  const { lines, limit } = limited({ lines: 1 })
  limit.warn({}, 'happened')
  limit.warn({}, 'happened')
  limit.close()
  t.match(lines.at(-1), [{ suppressed: 1 }])
})
