// SPDX-License-Identifier: Apache-2.0
/**
 * web-scalar.ts - parses scalars of the web config file from their text.
 *
 * In:    text. YAML's type guesses are off because Go's types decide in the toolkit: a user named 123 or yes is a text.
 * Fail:  a zod issue; its message says what is allowed.
 */
import { z } from 'zod'

const TRUE = /^(y|Y|yes|Yes|YES|true|True|TRUE|on|On|ON)$/
const FALSE = /^(n|N|no|No|NO|false|False|FALSE|off|Off|OFF|)$/
const UNIT_MS = { ns: 1e-6, us: 1e-3, µs: 1e-3, ms: 1, s: 1000, m: 60_000, h: 3_600_000 } as const
const DURATION = /(\d+\.?\d*|\.\d+)(ns|us|µs|ms|s|m|h)/g

export const text = z.string({ error: 'text' })

/** YAML 1.1's booleans, as the toolkit's parser accepts them. */
export function flag(fallback: boolean) {
  const word = z.string({ error: 'true or false' }).refine(value => TRUE.test(value) || FALSE.test(value), {
    error: 'true or false',
  })
  return word.transform(value => TRUE.test(value)).default(fallback)
}

export const wholeNumber = z
  .string({ error: 'a whole number from 0' })
  .regex(/^\d{1,9}$/, { error: 'a whole number from 0 to 999999999' })
  .transform(Number)

/** Go's time.ParseDuration, in milliseconds. A number without a unit means nanoseconds in Go and is refused, except 0. */
export const goDuration = z
  .string({ error: 'a duration like 500ms or 1m30s' })
  .refine(value => value === '0' || (value !== '' && value.replace(DURATION, '') === ''), {
    error: 'a duration like 500ms or 1m30s',
  })
  .transform(value =>
    [...value.matchAll(DURATION)].reduce(
      (sum, [, n, unit]) => sum + Number(n) * UNIT_MS[unit as keyof typeof UNIT_MS],
      0,
    ),
  )

/** One of these words. */
export function oneOf<const Word extends string>(words: readonly Word[]) {
  return z.enum(words, { error: words.join(', ') })
}

/** A key without a value (YAML's null) takes its default. */
export function orAbsent<Schema extends z.ZodType>(schema: Schema) {
  return z.preprocess(value => (value === '' || value === '~' || value === 'null' ? undefined : value), schema)
}

/** A map with exactly these keys; all defaults when missing or empty. */
export function section<Shape extends z.core.$ZodLooseShape>(shape: Shape) {
  const keys = Object.keys(shape).join(', ')
  const object = z.strictObject(shape, {
    error: issue => (issue.code === 'unrecognized_keys' ? keys : `a map with ${keys}`),
  })
  return orAbsent(object.prefault({} as never))
}
