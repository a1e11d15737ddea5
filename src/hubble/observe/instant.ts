// SPDX-License-Identifier: Apache-2.0
/**
 * instant.ts - points in time that compare as text.
 *
 * In:    the time of a flow; values of --since and --until: a duration ago (`5m`, `1h30m`), or a time in any of
 *        --time-format's formats that has a year.
 * Out:   an Instant: RFC 3339 in UTC with nine digits, so that `<` means earlier.
 */

declare const instant: unique symbol
export type Instant = string & { readonly [instant]: true }

const UNITS_NS: Readonly<Record<string, number>> = {
  ns: 1,
  us: 1e3,
  µs: 1e3,
  ms: 1e6,
  s: 1e9,
  m: 60e9,
  h: 3600e9,
}
const ALLOWED = '5m, 1h30m, 2026-01-31, 2026-01-31T10Z, 2026-01-31T10:20Z, 2026-01-31T10:20:30.123+01:00'
const ZONE = '(Z|[+-]\\d\\d:\\d\\d)'
const DATE_FORMS = new RegExp(`^\\d{4}-\\d\\d-\\d\\d(?:T\\d\\d(?::\\d\\d(?::\\d\\d(?:\\.(\\d{1,9}))?)?)?${ZONE})?$`)
const RFC1123Z = /^\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d [+-]\d{4}$/

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec']
/** The years 0 to 9999: the texts of others do not compare. */
const MIN_MS = Date.parse('0000-01-01T00:00:00Z')
const MAX_MS = Date.parse('9999-12-31T23:59:59Z')

/** Undefined for a flow without a time. */
export function instantOf(time: string | undefined): Instant | undefined {
  if (time === undefined) return undefined
  const dot = time.indexOf('.')
  const whole = dot < 0 ? time.slice(0, -1) : time.slice(0, dot)
  const fraction = dot < 0 ? '' : time.slice(dot + 1, -1)
  return `${whole}.${fraction.padEnd(9, '0')}Z` as Instant
}

/** Throws an Error that says what is allowed; `nowMs` is Date.now(). */
export function parseInstant(text: string, nowMs: number): Instant {
  const ago = durationMs(text)
  if (ago !== undefined) return fromMs(nowMs - ago, '', text)
  if (RFC1123Z.test(text)) {
    const [, day, month, year] = text.split(' ')
    checkDate(year!, String(MONTHS.indexOf(month!) + 1), day!, text)
    return fromMs(Date.parse(text), '', text)
  }
  const [whole, fraction = ''] = DATE_FORMS.exec(text) ?? []
  if (whole === undefined || /T24/.test(text)) throw refusal(text)
  checkDate(text.slice(0, 4), text.slice(5, 7), text.slice(8, 10), text)
  // Date parses hours only together with minutes.
  const hoursOnly = text.replace(/^(\d{4}-\d\d-\d\dT\d\d)(Z|[+-])/, '$1:00$2').replace(/\.\d+/, '')
  return fromMs(Date.parse(hoursOnly), fraction, text)
}

/** Date.parse() takes February 30 for March 2. */
function checkDate(year: string, month: string, day: string, text: string): void {
  const days = new Date(Date.UTC(Number(year), Number(month), 0)).getUTCDate()
  if (Number(month) < 1 || Number(month) > 12) throw refusal(text, `; there is no month ${month}`)
  if (Number(day) < 1 || Number(day) > days) throw refusal(text, `; month ${Number(month)} of ${year} has ${days} days`)
}

/** `fraction`: digits to use in place of the milliseconds. */
function fromMs(ms: number, fraction: string, text: string): Instant {
  if (!(ms >= MIN_MS && ms <= MAX_MS)) throw refusal(text)
  const iso = new Date(ms).toISOString()
  return instantOf(fraction === '' ? iso : `${iso.slice(0, -'.000Z'.length)}.${fraction}Z`)!
}

/** Go's durations; a leading minus means the future. */
function durationMs(text: string): number | undefined {
  const [, sign, rest = ''] = /^([+-]?)(.+)$/.exec(text) ?? []
  const parts = [...rest.matchAll(/(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)/g)]
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== rest) return rest === '0' ? 0 : undefined
  const ns = parts.reduce((sum, [, n, unit]) => sum + Number(n) * UNITS_NS[unit!]!, 0)
  return (sign === '-' ? -ns : ns) / 1e6
}

function refusal(text: string, reason = ''): Error {
  return new Error(`"${text}" is not a time; allowed: ${ALLOWED}${reason}`)
}
