// SPDX-License-Identifier: Apache-2.0
/**
 * time.ts - the time of a flow as text: RFC 3339 in UTC, with 0, 3, 6 or 9 fractional digits.
 *
 * In:    Unix seconds and nanoseconds of the second.
 * Out:   the form of protobuf's JSON: as few groups of three digits as the value needs.
 */

/** `seconds` from 0 to the year 9999; `nanoseconds` below a second. */
export function flowTime(seconds: number, nanoseconds: number): string {
  const whole = new Date(seconds * 1000).toISOString().slice(0, -'.000Z'.length)
  return nanoseconds === 0 ? `${whole}Z` : `${whole}.${fraction(nanoseconds)}Z`
}

/** `ms` as from Date.now(). */
export function flowTimeOfMs(ms: number): string {
  return flowTime(Math.floor(ms / 1000), (ms % 1000) * 1_000_000)
}

function fraction(nanoseconds: number): string {
  const digits = String(nanoseconds).padStart(9, '0')
  if (digits.endsWith('000000')) return digits.slice(0, 3)
  return digits.endsWith('000') ? digits.slice(0, 6) : digits
}
