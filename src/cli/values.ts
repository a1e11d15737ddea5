// SPDX-License-Identifier: Apache-2.0
/**
 * values.ts - parsers for values of flags that are not settings, with the same checks as settings.
 *
 * Fail:  InvalidArgumentError: commander adds the flag's name and exits with code 2.
 */
import { InvalidArgumentError } from 'commander'
import { duration } from '../config/duration.js'
import { integer, type Kind, path } from '../config/kind.js'

/** Receives the exit code of a command when it has finished. */
export type End = (code: number) => void

/** A commander parser for a value type. */
export function parserOf<T>(kind: Kind<T>): (text: string) => T {
  return text => {
    const result = kind.schema.safeParse(kind.fromFlag([text]))
    if (result.success) return result.data
    throw new InvalidArgumentError(sentence(result.error.issues[0]!.message))
  }
}

export const file = parserOf(path)

export function integerBetween(min: number, max: number): (text: string) => number {
  return parserOf(integer(min, max))
}

/** Bounds and result in milliseconds. */
export function durationBetween(min: number, max: number): (text: string) => number {
  return parserOf(duration(min, max))
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`
}
