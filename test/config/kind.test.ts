/**
 * kind.test.ts - the value types of settings: accepted values, and messages that say what is allowed.
 */
import { InvalidArgumentError } from 'commander'
import fc from 'fast-check'
import t, { type Test } from 'tap'
import { z } from 'zod'
import { durationBetween, integerBetween, parserOf } from '../../src/cli/values.js'
import { duration, showDuration } from '../../src/config/duration.js'
import { choice, integer, type Kind, listOf, mapOf, path, toggle } from '../../src/config/kind.js'
import { SETTINGS } from '../../src/config/schema.js'
import type { Setting } from '../../src/config/setting.js'

/** The parsed flag values, or the error message. */
function read<T>(kind: Kind<T>, ...values: string[]): T | string {
  const result = kind.schema.safeParse(kind.fromFlag(values))
  return result.success ? result.data : result.error.issues[0]!.message
}

function rejects(t: Test, kind: Kind<unknown>, values: readonly string[], allowed: RegExp): void {
  for (const value of values) {
    const result = kind.schema.safeParse(kind.fromFlag([value]))
    t.notOk(result.success, JSON.stringify(value))
    t.match(result.error?.issues[0]?.message, allowed, value)
  }
}

t.test('a duration is one or more numbers with units, within bounds', async t => {
  const kind = duration(100, 3_600_000)
  for (const [text, ms] of [
    ['100ms', 100],
    ['5s', 5000],
    ['1.5s', 1500],
    ['1m30s', 90_000],
    ['1h', 3_600_000],
    ['59m59s999ms', 3_599_999],
  ] as const) {
    t.equal(read(kind, text), ms, text)
  }
  const bad = [
    '',
    '5',
    's',
    '5x',
    '-5s',
    ' 5s',
    '5s ',
    '5 s',
    '1e3s',
    '99ms',
    '1h1ms',
    '5s5',
    '.5s',
    'Infinitys',
    '５s',
  ]
  rejects(t, kind, [...bad, '0s'], /^allowed: a duration from 100ms to 1h, like [^;]*$/)
  rejects(t, duration(10, 60_000), ['2m'], /10ms to 1m/)
  t.equal(read(duration(1000, 60_000, 'never'), '0s'), 0)
  rejects(t, duration(1000, 60_000, 'never'), ['1ms'], /, or 0s for never$/)
})

t.test('a duration is shown in the largest whole unit, and that text parses to the same value', async t => {
  t.strictSame([0, 1, 1500, 60_000, 5_400_000, 86_400_000].map(showDuration), [
    '0s',
    '1ms',
    '1500ms',
    '1m',
    '90m',
    '24h',
  ])
  const kind = duration(1, 1e9)
  const again = fc.property(fc.integer({ min: 1, max: 1e9 }), ms => read(kind, showDuration(ms)) === ms)
  t.doesNotThrow(() => fc.assert(again, { seed: 1 }), 'seed 1')
})

t.test('a whole number is digits, within bounds', async t => {
  const kind = integer(1, 16_777_216)
  t.equal(read(kind, '1'), 1)
  t.equal(read(kind, '16777216'), 16_777_216)
  rejects(t, kind, ['', '0', '16777217', '-1', '1.5', '1e3', '0x10', ' 1', '9'.repeat(400)], /1 to 16777216/)
  t.notOk(kind.schema.safeParse('1').success, 'a string in the file is not a number')
})

t.test('a choice takes its listed values, a path any non-empty text, a switch true or false', async t => {
  t.equal(read(choice('mode', ['a', 'b']), 'b'), 'b')
  rejects(t, choice('mode', ['a', 'b']), ['', 'A', 'c'], /^allowed: a, b$/)
  t.equal(read(path, '-'), '-')
  rejects(t, path, ['', 'a\0b'], /path of a file/)
  t.strictSame([read(toggle, 'true'), read(toggle, 'false')], [true, false])
  rejects(t, toggle, ['', 'yes', '1', 'TRUE'], /^allowed: true, false$/)
})

t.test('the last occurrence of a single-value flag wins, and a list collects all', async t => {
  t.equal(read(integer(1, 9), '1', '2'), 2)
  const list = listOf(integer(1, 9))
  t.strictSame(read(list, '1', '2'), [1, 2])
  t.strictSame(list.splitVariable(' 1, 2,'), ['1', '2'])
  t.equal(list.show([1, 2]), '1,2')
  t.strictSame(list.schema.parse(3), [3], 'the file may have a single value')
  t.strictSame(list.schema.safeParse([1, 99]).error?.issues[0]?.path, [1], 'the path of the invalid element')
})

t.test('a mapping collects NAME=VALUE pairs', async t => {
  const color = z.string().refine(word => /^(red|blue)$/.test(word), { error: 'allowed: red, blue' })
  const map = mapOf('color', color, listOf(integer(1, 9)))
  t.strictSame(read(map, 'red=1', 'blue=2,3'), { red: [1], blue: [2, 3] })
  t.strictSame(map.splitVariable('red=1; blue=2,3'), ['red=1', 'blue=2,3'])
  t.equal(map.show({ red: [1], blue: [2, 3] }), 'red=1;blue=2,3')
  rejects(t, map, ['red', '=1', ''], /^allowed: COLOR=N$/)
  const invalid = map.schema.safeParse(map.fromFlag(['green=1'])).error?.issues[0]
  t.equal(invalid?.code, 'invalid_key')
  rejects(t, map, ['red=x'], /whole number from 1 to 9/)
})

t.test('flags that are not settings use the same checks, with messages for the command line', async t => {
  t.equal(durationBetween(1, 86_400_000)('24h'), 86_400_000)
  t.throws(() => durationBetween(1, 86_400_000)('25h'), { message: /^Allowed: a duration from 1ms to 24h.*\.$/ })
  t.equal(integerBetween(0, 9)('9'), 9)
  t.throws(() => integerBetween(0, 9)('10'), InvalidArgumentError)
  t.throws(() => parserOf(choice('x', ['a']))('b'), { message: 'Allowed: a.' })
})

t.test('no text for any setting makes its check throw', async t => {
  const kinds = Object.values(SETTINGS as Record<string, Setting<unknown>>).map(({ kind }) => kind)
  const tries = fc.property(fc.string({ unit: 'binary' }), word => {
    for (const kind of kinds) {
      kind.schema.safeParse(kind.fromFlag([word]))
      kind.schema.safeParse(kind.fromFlag(kind.splitVariable(word)))
      kind.schema.safeParse({ [word]: word })
    }
  })
  t.doesNotThrow(() => fc.assert(tries, { seed: 20_260_101, numRuns: 500 }), 'seed 20260101')
  for (const native of [null, undefined, Number.NaN, [], [null], {}, [[]]]) {
    for (const kind of kinds) t.doesNotThrow(() => kind.schema.safeParse(native))
  }
})
