/**
 * time.test.ts - time formats, and the times that --since and --until take.
 */
import t from 'tap'
import { flowTime, flowTimeOfMs } from '../../../src/hubble/flow/time.js'
import { instantOf, parseInstant } from '../../../src/hubble/observe/instant.js'
import { TIME_FORMATS, timeFormatter } from '../../../src/hubble/observe/print/time-format.js'

const TIME = '2026-02-03T04:05:06.007089Z'

t.test('every format writes the time as Go does', async t => {
  const want: Record<string, string> = {
    YearMonthDay: '2026-02-03',
    YearMonthDayHour: '2026-02-03T04Z',
    YearMonthDayHourMinute: '2026-02-03T04:05Z',
    StampMilli: 'Feb  3 04:05:06.007',
    RFC3339: '2026-02-03T04:05:06Z',
    RFC3339Milli: '2026-02-03T04:05:06.007Z',
    RFC3339Micro: '2026-02-03T04:05:06.007089Z',
    RFC3339Nano: '2026-02-03T04:05:06.007089Z',
    RFC1123Z: 'Tue, 03 Feb 2026 04:05:06 +0000',
  }
  t.strictSame(Object.fromEntries(TIME_FORMATS.map(name => [name, timeFormatter(name)!(TIME)])), want)
})

t.test('trailing zeros of a fraction are omitted, except by StampMilli', async t => {
  const format = (name: string, time: string) => timeFormatter(name)!(time)
  t.equal(format('RFC3339Milli', '2026-02-03T04:05:06.120Z'), '2026-02-03T04:05:06.12Z')
  t.equal(format('RFC3339Milli', '2026-02-03T04:05:06.0004Z'), '2026-02-03T04:05:06Z')
  t.equal(format('RFC3339Micro', '2026-02-03T04:05:06.1234569Z'), '2026-02-03T04:05:06.123456Z')
  t.equal(format('StampMilli', '2026-12-31T23:59:59Z'), 'Dec 31 23:59:59.000')
})

t.test('format names ignore case, an unknown name has no format, and an invalid time prints N/A', async t => {
  t.equal(timeFormatter('rfc3339')!(TIME), '2026-02-03T04:05:06Z')
  t.equal(timeFormatter('iso'), undefined)
  t.equal(timeFormatter('RFC3339')!(undefined), 'N/A')
  t.equal(timeFormatter('RFC3339')!('yesterday'), 'N/A')
})

t.test('a flow time has no more groups of three fractional digits than needed', async t => {
  t.equal(flowTime(1_700_000_000, 0), '2023-11-14T22:13:20Z')
  t.equal(flowTime(1_700_000_000, 10_000_000), '2023-11-14T22:13:20.010Z')
  t.equal(flowTime(1_700_000_000, 1_000), '2023-11-14T22:13:20.000001Z')
  t.equal(flowTime(1_700_000_000, 1), '2023-11-14T22:13:20.000000001Z')
  t.equal(flowTimeOfMs(1_700_000_000_123), '2023-11-14T22:13:20.123Z')
})

t.test('instants sort as times do', async t => {
  const times = [
    '2026-01-01T00:00:00Z',
    '2026-01-01T00:00:00.000000001Z',
    '2026-01-01T00:00:00.5Z',
    '2026-01-01T00:00:01Z',
  ]
  const instants = times.map(time => instantOf(time)!)
  t.strictSame([...instants].reverse().sort(), instants)
  t.equal(instantOf(undefined), undefined)
})

t.test('--since takes a duration ago or a time', async t => {
  const now = Date.parse('2026-01-31T12:00:00.000Z')
  const cases: [string, string][] = [
    ['5m', '2026-01-31T11:55:00.000000000Z'],
    ['1h30m', '2026-01-31T10:30:00.000000000Z'],
    ['1.5s', '2026-01-31T11:59:58.500000000Z'],
    ['250ms', '2026-01-31T11:59:59.750000000Z'],
    ['0', '2026-01-31T12:00:00.000000000Z'],
    ['-1m', '2026-01-31T12:01:00.000000000Z'],
    ['2026-01-31', '2026-01-31T00:00:00.000000000Z'],
    ['2026-01-31T10Z', '2026-01-31T10:00:00.000000000Z'],
    ['2026-01-31T10:20Z', '2026-01-31T10:20:00.000000000Z'],
    ['2026-01-31T10:20:30Z', '2026-01-31T10:20:30.000000000Z'],
    ['2026-01-31T10:20:30.123456789+01:00', '2026-01-31T09:20:30.123456789Z'],
    ['2026-01-31T10+01:00', '2026-01-31T09:00:00.000000000Z'],
    ['Sat, 31 Jan 2026 10:20:30 +0100', '2026-01-31T09:20:30.000000000Z'],
  ]
  for (const [text, want] of cases) t.equal(parseInstant(text, now), want, text)
})

t.test('an invalid time is refused with what is allowed', async t => {
  for (const text of [
    '',
    'yesterday',
    '5',
    '5 m',
    '5m!',
    '2026-13-01',
    '2026-01-31T25Z',
    '2026-01-31 10:20',
    '2026-01-31T10',
  ]) {
    t.throws(() => parseInstant(text, 0), /is not a time; allowed: 5m/, text)
  }
})

t.test('a date that does not exist is refused with the reason', async t => {
  for (const [text, reason] of [
    ['2026-02-30', /month 2 of 2026 has 28 days/],
    ['2024-02-30T10Z', /month 2 of 2024 has 29 days/],
    ['2026-04-31T10:20:30+01:00', /month 4 of 2026 has 30 days/],
    ['2026-01-00', /month 1 of 2026 has 31 days/],
    ['2026-00-10', /there is no month 00/],
    ['2026-13-10', /there is no month 13/],
    ['Mon, 30 Feb 2026 10:20:30 +0100', /month 2 of 2026 has 28 days/],
    ['2026-01-31T24Z', /is not a time; allowed/],
    ['99999999999h', /is not a time; allowed/],
  ] as const)
    t.throws(() => parseInstant(text, Date.parse('2026-01-31T12:00:00Z')), reason, text)
  t.equal(parseInstant('2024-02-29', 0), '2024-02-29T00:00:00.000000000Z')
})
