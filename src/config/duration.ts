// SPDX-License-Identifier: Apache-2.0
/**
 * duration.ts - durations in Prometheus notation, to milliseconds and back.
 *
 * In:    `5s`, `1m30s`, `100ms`, `1.5s`, `1d`.
 * Fail:  text that is not a duration or out of bounds is rejected; the message gives the bounds.
 */
import { type Kind, parsed } from './kind.js'

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Milliseconds; NaN if `text` is not a duration. */
function milliseconds(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)]
  if (parts.map(([part]) => part).join('') !== text || text === '') return Number.NaN
  return parts.reduce((sum, [, n, unit]) => sum + Number(n) * UNIT_MS[unit as keyof typeof UNIT_MS], 0)
}

/** A duration from `min` to `max`, all in milliseconds; `zeroIs`: the meaning of 0s, where that is allowed as well. */
export function duration(min: number, max: number, zeroIs?: string): Kind<number> {
  const zero = zeroIs === undefined ? '' : `, or 0s for ${zeroIs}`
  const allowed = `a duration from ${showDuration(min)} to ${showDuration(max)}, like 100ms, 5s or 1m30s${zero}`
  const parse = (text: string) => {
    const ms = milliseconds(text)
    if ((ms >= min && ms <= max) || (ms === 0 && zeroIs !== undefined)) return ms
    throw new Error(`allowed: ${allowed}`)
  }
  return parsed('duration', allowed, parse, showDuration)
}

/** In the largest unit that gives a whole number, up to hours. */
export function showDuration(ms: number): string {
  if (ms === 0) return '0s'
  const units = Object.entries(UNIT_MS).filter(([unit, size]) => unit !== 'd' && ms % size === 0)
  const [unit, size] = units.at(-1)!
  return `${ms / size}${unit}`
}
