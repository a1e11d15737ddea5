// SPDX-License-Identifier: Apache-2.0
/**
 * time-format.ts - the time formats of `observe`.
 *
 * In:    the time of a flow: RFC 3339 in UTC.
 * Out:   Go's layouts of the same names (hubble/pkg/time); `N/A` for text that is not a time.
 */

type Format = (date: string, clock: string, fraction: string) => string

const MONTHS = ['Jan', 'Feb', 'Mar', 'Apr', 'May', 'Jun', 'Jul', 'Aug', 'Sep', 'Oct', 'Nov', 'Dec'] as const
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'] as const
const TIME = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z$/

const FORMATS: Readonly<Record<string, Format>> = {
  YearMonthDay: date => date,
  YearMonthDayHour: (date, clock) => `${date}T${clock.slice(0, 2)}Z`,
  YearMonthDayHourMinute: (date, clock) => `${date}T${clock.slice(0, 5)}Z`,
  StampMilli: (date, clock, fraction) =>
    `${MONTHS[+date.slice(5, 7) - 1]} ${String(+date.slice(8)).padStart(2)} ${clock}.${fraction.slice(0, 3).padEnd(3, '0')}`,
  RFC3339: (date, clock) => `${date}T${clock}Z`,
  RFC3339Milli: (date, clock, fraction) => `${date}T${clock}${trimmed(fraction, 3)}Z`,
  RFC3339Micro: (date, clock, fraction) => `${date}T${clock}${trimmed(fraction, 6)}Z`,
  RFC3339Nano: (date, clock, fraction) => `${date}T${clock}${trimmed(fraction, 9)}Z`,
  RFC1123Z: (date, clock) =>
    `${DAYS[new Date(date).getUTCDay()]}, ${date.slice(8)} ${MONTHS[+date.slice(5, 7) - 1]} ${date.slice(0, 4)} ${clock} +0000`,
}

export const TIME_FORMATS: readonly string[] = Object.keys(FORMATS)
export type TimeFormatter = (time: string | undefined) => string

/** By name, ignoring case; undefined for an unknown format. */
export function timeFormatter(name: string): TimeFormatter | undefined {
  const found = TIME_FORMATS.find(known => known.toLowerCase() === name.toLowerCase())
  const format = found === undefined ? undefined : FORMATS[found]
  if (format === undefined) return undefined
  return time => {
    const [, date, clock, fraction = ''] = TIME.exec(time ?? '') ?? []
    return date === undefined || clock === undefined ? 'N/A' : format(date, clock, fraction)
  }
}

/** Truncated, not rounded; without trailing zeros. */
function trimmed(fraction: string, digits: number): string {
  const kept = fraction.slice(0, digits).replace(/0+$/, '')
  return kept === '' ? '' : `.${kept}`
}
