// SPDX-License-Identifier: Apache-2.0
/**
 * expression.ts - regular expressions of filters, in the syntax of Go's regexp package, as Hubble takes them.
 *
 * Out:   a test in time proportional to the text's length.
 * Fail:  throws an Error that names the expression and what is wrong with it.
 */
import { RE2JS } from 're2js'
import { check } from './check.js'

/** Of all filters of a request. */
const MAX_EXPRESSIONS = 16
const MAX_EXPRESSION = 512
/** `x{1000}` is compiled to a thousand copies. */
const MAX_REPEATS = 1000

/** Throws if compiling the expressions would take too long. */
export function checkExpressions(texts: readonly string[]): void {
  check('regular expressions', texts.length, MAX_EXPRESSIONS)
  for (const text of texts) check('characters in a regular expression', text.length, MAX_EXPRESSION)
  check('repetitions in all regular expressions', repeats(texts.join('\n')), MAX_REPEATS)
}

/** A test whether any of the expressions is found in a text. */
export function compileExpressions(texts: readonly string[]): (text: string) => boolean {
  const expressions = texts.map(compile)
  return text => expressions.some(expression => expression.test(text))
}

function compile(text: string): RE2JS {
  try {
    return RE2JS.compile(text)
  } catch (error) {
    throw new Error(`"${text}" is not a regular expression: ${(error as Error).message}`)
  }
}

/** The sum of all repeat counts. */
function repeats(text: string): number {
  let sum = 0
  for (const [, min, max = ''] of text.matchAll(/\{(\d+)(?:,(\d*))?\}/g)) sum += Math.max(Number(min), Number(max))
  return sum
}
