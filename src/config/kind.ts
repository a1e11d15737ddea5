// SPDX-License-Identifier: Apache-2.0
/**
 * kind.ts - the value types of settings, each with one check for flags, environment and file.
 *
 * In:    the value as YAML parses it; strings of flags and variables are converted to that form first.
 * Fail:  an issue with a message that says what is allowed; never an exception.
 */
import { z } from 'zod'

/** A value type; T is the type in the Config. */
export interface Kind<T> {
  /** From the value as YAML parses it to T; issues say what is allowed. */
  readonly schema: z.ZodType<T>
  /** The form in the file, where zod cannot derive a JSON schema from `schema`. */
  readonly fileSchema?: z.ZodType
  /** From the values of a flag, one per occurrence, to the form YAML would give. */
  fromFlag(values: readonly string[]): unknown
  /** From the text of an environment variable to the values of repeated flags. */
  splitVariable(text: string): readonly string[]
  /** The value as a user would write it; for docs and summaries. */
  show(value: T): string
  /** Placeholder of the value in help; undefined: the flag takes no value. */
  readonly placeholder: string | undefined
  /** Whether the flag may be repeated to add values. */
  readonly repeatable: boolean
}

/** A single value. `fromText` converts it to the form YAML would give, e.g. digits to a number. */
function scalar<T>(
  placeholder: string,
  schema: z.ZodType<T>,
  fromText: (text: string) => unknown = text => text,
  show: (value: T) => string = String,
): Kind<T> {
  return {
    schema,
    fromFlag: values => fromText(values.at(-1)!),
    splitVariable: text => [text],
    show,
    placeholder,
    repeatable: false,
  }
}

/** Text that `parse` accepts. For other text it throws an Error that says what is allowed. */
export function parsed<T>(
  placeholder: string,
  allowed: string,
  parse: (text: string) => T,
  show: (value: T) => string = String,
): Kind<T> {
  const schema = z.string({ error: `allowed: ${allowed}` }).transform((text, context) => {
    try {
      return parse(text)
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message, input: text })
      return z.NEVER
    }
  })
  return scalar(placeholder, schema, text => text, show)
}

/** Text that passes `test`. */
export function text(placeholder: string, allowed: string, test: (text: string) => boolean): Kind<string> {
  const error = `allowed: ${allowed}`
  return scalar(placeholder, z.string({ error }).refine(test, { error }))
}

/** A file path. An empty one is rejected: it usually comes from an unset shell variable. */
export const path: Kind<string> = text('file', 'the path of a file', word => word !== '' && !word.includes('\0'))

export function choice<const T extends string>(placeholder: string, values: readonly T[]): Kind<T> {
  return scalar(placeholder, z.enum(values, { error: `allowed: ${values.join(', ')}` }))
}

/** A whole number from `min` to `max` that passes `test`. */
export function integer(
  min: number,
  max: number,
  allowed = `a whole number from ${min} to ${max}`,
  test: (n: number) => boolean = () => true,
): Kind<number> {
  const error = `allowed: ${allowed}`
  const schema = z.int({ error }).min(min, { error }).max(max, { error }).refine(test, { error })
  return scalar('n', schema, word => (/^\d+$/.test(word) ? Number(word) : word))
}

/** On or off: `--NAME` and `--no-NAME`. */
export const toggle: Kind<boolean> = {
  ...scalar('', z.boolean({ error: 'allowed: true, false' }), word =>
    word === 'true' || word === 'false' ? word === 'true' : word,
  ),
  placeholder: undefined,
}

/** A list: a repeatable flag, a YAML list or single value, comma-separated in the environment. */
export function listOf<T>(kind: Kind<T>): Kind<readonly T[]> {
  const one = (value: unknown) => (Array.isArray(value) ? value : [value])
  const list = z.array(kind.schema)
  return {
    schema: z.preprocess(one, list),
    fileSchema: z.union([list, kind.schema]),
    fromFlag: values => values.map(value => kind.fromFlag([value])),
    splitVariable: commaSeparated,
    show: values => values.map(kind.show).join(','),
    placeholder: kind.placeholder,
    repeatable: true,
  }
}

/** A mapping: a repeatable flag `NAME=VALUE`, a YAML mapping, semicolon-separated in the environment. */
export function mapOf<T>(
  name: string,
  nameOf: z.ZodType<string, string>,
  kind: Kind<T>,
): Kind<Readonly<Record<string, T>>> {
  const error = `allowed: ${name.toUpperCase()}=${kind.placeholder?.toUpperCase()}`
  // zod would pass over `__proto__` in silence.
  const mapping = z.preprocess(
    (value, context) => {
      if (typeof value === 'object' && value !== null && Object.hasOwn(value, '__proto__')) {
        context.addIssue({ code: 'custom', path: ['__proto__'], message: `${error}, not __proto__`, input: value })
      }
      return value
    },
    z.record(nameOf, kind.schema, { error }),
  )
  return {
    schema: mapping,
    fileSchema: z.record(z.string(), kind.fileSchema ?? kind.schema),
    fromFlag: pairs => fromPairs(pairs, kind),
    splitVariable: variable =>
      variable
        .split(';')
        .map(pair => pair.trim())
        .filter(pair => pair !== ''),
    show: values =>
      Object.entries(values)
        .map(([key, value]) => `${key}=${kind.show(value)}`)
        .join(';'),
    placeholder: `${name}=${kind.placeholder}`,
    repeatable: true,
  }
}

/** Text without `=` is returned unchanged, so that the mapping's check rejects it and quotes it as given. */
function fromPairs(texts: readonly string[], kind: Kind<unknown>): unknown {
  const invalid = texts.find(text => text.indexOf('=') < 1)
  if (invalid !== undefined) return invalid
  const pairs = texts.map(text => [text.slice(0, text.indexOf('=')), text.slice(text.indexOf('=') + 1)] as const)
  return Object.fromEntries(
    pairs.map(([key, value]) => [key, kind.fromFlag(kind.repeatable ? kind.splitVariable(value) : [value])]),
  )
}

function commaSeparated(variable: string): readonly string[] {
  return variable
    .split(',')
    .map(value => value.trim())
    .filter(value => value !== '')
}
