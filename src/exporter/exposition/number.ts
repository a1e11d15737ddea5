// SPDX-License-Identifier: Apache-2.0
/**
 * number.ts - writes sample values as text, straight into bytes.
 *
 * In:    any double.
 * Out:   text that Go's ParseFloat reads back as the same double; integers up to 2^53 without an exponent.
 * Never: creates a string for an integer: a new string per sample would be most of a scrape's cost.
 */

/** Upper bound of the bytes writeNumber() writes: `-1.2345678901234567e-100`. */
export const NUMBER_BYTES = 25

const ZERO = 48
const MINUS = 45
const POINT = 46

/**
 * Writes `n` at `at` and returns the offset after it. `out` must have NUMBER_BYTES of room.
 * HOT: once per sample and scrape. `npm run bench scrape`
 */
export function writeNumber(out: Uint8Array, at: number, n: number): number {
  if (n >>> 0 === n) return writeUint32(out, at, n)
  if (!Number.isSafeInteger(n)) return writeOther(out, at, n)
  if (n >= 0) return writeSafeInteger(out, at, n)
  out[at] = MINUS
  return writeSafeInteger(out, at + 1, -n)
}

/** Writes milliseconds as seconds with three decimals. HOT: once per series and scrape with _created. */
export function writeSeconds(out: Uint8Array, at: number, milliseconds: number): number {
  const whole = Math.round(milliseconds)
  const seconds = Math.floor(whole / 1000)
  const rest = whole - seconds * 1000
  const point = writeNumber(out, at, seconds)
  out[point] = POINT
  out[point + 1] = ZERO + Math.floor(rest / 100)
  out[point + 2] = ZERO + (Math.floor(rest / 10) % 10)
  out[point + 3] = ZERO + (rest % 10)
  return point + 4
}

function writeUint32(out: Uint8Array, at: number, n: number): number {
  const end = at + digits(n)
  for (let p = end, rest = n; p > at; ) {
    const tens = (rest / 10) >>> 0
    out[--p] = ZERO + rest - tens * 10
    rest = tens
  }
  return end
}

/** Splits at 10^9 so that both halves are 32-bit integers, which divide five times as fast as doubles. */
function writeSafeInteger(out: Uint8Array, at: number, n: number): number {
  const high = Math.floor(n / 1e9)
  if (high === 0) return writeUint32(out, at, n)
  const middle = writeUint32(out, at, high)
  for (let p = middle + 9, rest = (n - high * 1e9) >>> 0; p > middle; ) {
    const tens = (rest / 10) >>> 0
    out[--p] = ZERO + rest - tens * 10
    rest = tens
  }
  return middle + 9
}

function digits(n: number): number {
  if (n < 1e5) return n < 10 ? 1 : n < 100 ? 2 : n < 1000 ? 3 : n < 1e4 ? 4 : 5
  return n < 1e6 ? 6 : n < 1e7 ? 7 : n < 1e8 ? 8 : n < 1e9 ? 9 : 10
}

function writeOther(out: Uint8Array, at: number, n: number): number {
  const text = numberText(n)
  for (let i = 0; i < text.length; i++) out[at + i] = text.charCodeAt(i)
  return at + text.length
}

/** The same text as a string, for values written once, such as bucket bounds. */
export function numberText(n: number): string {
  if (n === Infinity) return '+Inf'
  return n === -Infinity ? '-Inf' : String(n)
}
