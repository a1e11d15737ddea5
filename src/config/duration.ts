/**
 * duration.ts - durations as Prometheus writes them, to milliseconds and back.
 *
 * In:    `5s`, `1m30s`, `100ms`, `1.5s`, `1d`.
 * Fail:  what is no duration, or not within bounds, is refused with the bounds.
 */
import { type Kind, parsed } from './kind.js'

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const

/** Milliseconds; NaN when it is none. */
function milliseconds(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)]
  if (parts.map(([part]) => part).join('') !== text || text === '') return Number.NaN
  return parts.reduce((sum, [, n, unit]) => sum + Number(n) * UNIT_MS[unit as keyof typeof UNIT_MS], 0)
}

/** A duration from `least` to `most` milliseconds, in milliseconds; `zeroIs`: what 0s means, where it is allowed besides. */
export function duration(least: number, most: number, zeroIs?: string): Kind<number> {
  const zero = zeroIs === undefined ? '' : `, or 0s for ${zeroIs}`
  const allowed = `a duration from ${showDuration(least)} to ${showDuration(most)}, like 100ms, 5s or 1m30s${zero}`
  const parse = (text: string) => {
    const ms = milliseconds(text)
    if ((ms >= least && ms <= most) || (ms === 0 && zeroIs !== undefined)) return ms
    throw new Error(`allowed: ${allowed}`)
  }
  return parsed('duration', allowed, parse, showDuration)
}

/** In its largest whole unit, up to hours. */
export function showDuration(ms: number): string {
  if (ms === 0) return '0s'
  const units = Object.entries(UNIT_MS).filter(([unit, size]) => unit !== 'd' && ms % size === 0)
  const [unit, size] = units.at(-1)!
  return `${ms / size}${unit}`
}
