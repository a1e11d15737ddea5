/**
 * values.ts - the words of a flag to a value, or a refusal that says what is allowed.
 *
 * Fail:  InvalidArgumentError: the command line's parser adds the flag's name, and the exit code is 2.
 */
import { InvalidArgumentError } from 'commander'
import { compileGlob } from '../datapath/glob.js'
import { parseListenAddress } from '../exporter/listen-address.js'

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const

/** A duration as Prometheus writes it, in milliseconds: `5s`, `1m30s`, `100ms`. */
export function duration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
  const whole = parts.map(([part]) => part).join('')
  if (parts.length === 0 || whole !== text)
    throw new InvalidArgumentError('Allowed are durations like 100ms, 5s, 1m30s, 1h.')
  const ms = parts.reduce((sum, [, n, unit]) => sum + Number(n) * UNIT_MS[unit as keyof typeof UNIT_MS], 0)
  return ms
}

/** A duration within bounds, in milliseconds. */
export function durationBetween(least: number, most: number): (text: string) => number {
  return text => {
    const ms = duration(text)
    if (ms < least || ms > most) throw new InvalidArgumentError(`Allowed are ${least}ms to ${most / 1000}s.`)
    return ms
  }
}

export function integerBetween(least: number, most: number): (text: string) => number {
  return text => {
    const n = Number(text)
    if (!/^\d+$/.test(text) || n < least || n > most) {
      throw new InvalidArgumentError(`Allowed are whole numbers from ${least} to ${most}.`)
    }
    return n
  }
}

/** Pages of a ring: perf wants a power of two. */
export function ringPages(text: string): number {
  const pages = integerBetween(1, 4096)(text)
  if ((pages & (pages - 1)) !== 0) throw new InvalidArgumentError('Allowed are powers of two from 1 to 4096.')
  return pages
}

/** A repeatable pattern. */
export function globs(text: string, previous: readonly string[]): readonly string[] {
  try {
    compileGlob(text)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
  return [...previous, text]
}

export function listenAddress(text: string): string {
  try {
    parseListenAddress(text)
  } catch (error) {
    throw new InvalidArgumentError((error as Error).message)
  }
  return text
}

export function urlPath(text: string): string {
  if (!/^\/[\w./-]+$/.test(text) || text.startsWith('/-/')) {
    throw new InvalidArgumentError('Allowed are paths like /metrics, not / and not below /-/.')
  }
  return text
}

/** `live`, or `replay:FILE`. */
export function source(text: string): { kind: 'live' } | { kind: 'replay'; file: string } {
  if (text === 'live') return { kind: 'live' }
  if (text.startsWith('replay:') && text.length > 'replay:'.length)
    return { kind: 'replay', file: text.slice('replay:'.length) }
  throw new InvalidArgumentError('Allowed are live and replay:FILE.')
}
