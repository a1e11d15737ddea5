/**
 * values.ts - words of flags that are no settings, checked as settings are.
 *
 * Fail:  InvalidArgumentError: the command line's parser adds the flag's name, and the exit code is 2.
 */
import { InvalidArgumentError } from 'commander'
import { duration } from '../config/duration.js'
import { integer, type Kind, path } from '../config/kind.js'

/** A parser of the command line for a kind of values. */
export function parserOf<T>(kind: Kind<T>): (word: string) => T {
  return word => {
    const result = kind.schema.safeParse(kind.fromFlag([word]))
    if (result.success) return result.data
    throw new InvalidArgumentError(sentence(result.error.issues[0]!.message))
  }
}

export const file = parserOf(path)

export function integerBetween(least: number, most: number): (word: string) => number {
  return parserOf(integer(least, most))
}

/** In milliseconds. */
export function durationBetween(least: number, most: number): (word: string) => number {
  return parserOf(duration(least, most))
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}
