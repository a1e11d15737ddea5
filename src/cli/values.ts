/**
 * values.ts - the words of a flag to a value, or a refusal that says what is allowed.
 *
 * Fail:  InvalidArgumentError: the command line's parser adds the flag's name, and the exit code is 2.
 */
import { InvalidArgumentError } from 'commander'
import { compileGlob } from '../datapath/glob.js'
import { parseListenAddress } from '../exporter/listen-address.js'

const UNIT_MS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const
/** 16 MiB a CPU with pages of 4 KiB. */
const MOST_PAGES = 4096

/** A duration as Prometheus writes it, in milliseconds: `5s`, `1m30s`, `100ms`; NaN when it is none. */
function duration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h)/g)]
  if (parts.map(([part]) => part).join('') !== text || text === '') return Number.NaN
  return parts.reduce((sum, [, n, unit]) => sum + Number(n) * UNIT_MS[unit as keyof typeof UNIT_MS], 0)
}

/** A duration within bounds, in milliseconds. */
export function durationBetween(least: number, most: number): (text: string) => number {
  return text => {
    const ms = duration(text)
    if (ms >= least && ms <= most) return ms
    throw new InvalidArgumentError(
      `Allowed: a duration from ${shown(least)} to ${shown(most)}, like 100ms, 5s or 1m30s.`,
    )
  }
}

export function integerBetween(least: number, most: number): (text: string) => number {
  return text => {
    const n = Number(text)
    if (!/^\d+$/.test(text) || n < least || n > most) {
      throw new InvalidArgumentError(`Allowed: a whole number from ${least} to ${most}.`)
    }
    return n
  }
}

/** Pages of a ring: perf wants a power of two. */
export function ringPages(text: string): number {
  const pages = /^\d{1,4}$/.test(text) ? Number(text) : 0
  if (pages >= 1 && pages <= MOST_PAGES && (pages & (pages - 1)) === 0) return pages
  throw new InvalidArgumentError(`Allowed: a power of two from 1 to ${MOST_PAGES}.`)
}

/** A path; that of no file is a slip, like an unset variable. */
export function file(text: string): string {
  if (text !== '' && !text.includes('\0')) return text
  throw new InvalidArgumentError('Allowed: the path of a file.')
}

/** A repeatable pattern. */
export function globs(text: string, previous: readonly string[]): readonly string[] {
  try {
    compileGlob(text)
  } catch (error) {
    // The option and the pattern are named already.
    throw new InvalidArgumentError(sentence((error as Error).message.replace(/^.*?": /, '')))
  }
  return [...previous, text]
}

export function listenAddress(text: string): string {
  try {
    parseListenAddress(text)
  } catch (error) {
    throw new InvalidArgumentError(sentence((error as Error).message.replace(/^.*?': expected/, 'Allowed:')))
  }
  return text
}

export function urlPath(text: string): string {
  if (!/^\/[\w./-]+$/.test(text) || text.startsWith('/-/')) {
    throw new InvalidArgumentError('Allowed: a path like /metrics, but not / and not below /-/.')
  }
  return text
}

/** `live`, or `replay:FILE`. */
export function source(text: string): { kind: 'live' } | { kind: 'replay'; file: string } {
  if (text === 'live') return { kind: 'live' }
  if (text.startsWith('replay:') && text.length > 'replay:'.length)
    return { kind: 'replay', file: text.slice('replay:'.length) }
  throw new InvalidArgumentError('Allowed: live, or replay:FILE.')
}

/** Milliseconds in their largest whole unit. */
function shown(ms: number): string {
  const units = Object.entries(UNIT_MS).filter(([, size]) => ms % size === 0)
  const [unit, size] = units.at(-1)!
  return `${ms / size}${unit}`
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}
