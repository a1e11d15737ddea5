/**
 * kind.ts - kinds of values that a setting can have, each with its one check for flags, environment and file.
 *
 * In:    what YAML gives for a key; the words of flags and variables are brought to that form first.
 * Fail:  an issue whose message says what is allowed; never an exception.
 */
import { z } from 'zod'

/** A kind of values; T is what the parts of Weir are given. */
export interface Kind<T> {
  /** From what YAML gives to T; its issues say what is allowed. */
  readonly schema: z.ZodType<T>
  /** What the file may have, where `schema` does not tell it to a JSON schema. */
  readonly fileSchema?: z.ZodType
  /** From the words of a flag, one each time it was given, to what YAML would give. */
  fromFlag(words: readonly string[]): unknown
  /** From an environment variable's text to the words of flags. */
  splitVariable(text: string): readonly string[]
  /** As a user would write the value; for docs and summaries. */
  show(value: T): string
  /** What stands for the value in help; undefined: the flag takes none. */
  readonly placeholder: string | undefined
  /** Whether the flag may be given several times, each time for one more. */
  readonly repeatable: boolean
}

/** A kind that is one word. `fromWord` makes what YAML would give, e.g. a number of digits. */
function scalar<T>(
  placeholder: string,
  schema: z.ZodType<T>,
  fromWord: (word: string) => unknown = word => word,
  show: (value: T) => string = String,
): Kind<T> {
  return {
    schema,
    fromFlag: words => fromWord(words.at(-1)!),
    splitVariable: text => [text],
    show,
    placeholder,
    repeatable: false,
  }
}

/** Text that `parse` takes; the message of the Error that it throws otherwise says what is allowed. */
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
  return scalar(placeholder, schema, word => word, show)
}

/** Text that fulfils `test`. */
export function text(placeholder: string, allowed: string, test: (text: string) => boolean): Kind<string> {
  const error = `allowed: ${allowed}`
  return scalar(placeholder, z.string({ error }).refine(test, { error }))
}

/** The path of a file; that of none is a slip, like an unset variable. */
export const path: Kind<string> = text('file', 'the path of a file', word => word !== '' && !word.includes('\0'))

export function choice<const T extends string>(placeholder: string, values: readonly T[]): Kind<T> {
  return scalar(placeholder, z.enum(values, { error: `allowed: ${values.join(', ')}` }))
}

/** A whole number within bounds, for which `test` holds. */
export function integer(
  least: number,
  most: number,
  allowed = `a whole number from ${least} to ${most}`,
  test: (n: number) => boolean = () => true,
): Kind<number> {
  const error = `allowed: ${allowed}`
  const schema = z.int({ error }).min(least, { error }).max(most, { error }).refine(test, { error })
  return scalar('n', schema, word => (/^\d+$/.test(word) ? Number(word) : word))
}

/** On or off: `--NAME` and `--no-NAME`. */
export const toggle: Kind<boolean> = {
  ...scalar('', z.boolean({ error: 'allowed: true, false' }), word =>
    word === 'true' || word === 'false' ? word === 'true' : word,
  ),
  placeholder: undefined,
}

/** Several of a kind: a repeatable flag, a list in YAML (or one alone), comma-separated in the environment. */
export function listOf<T>(kind: Kind<T>): Kind<readonly T[]> {
  const one = (value: unknown) => (Array.isArray(value) ? value : [value])
  const list = z.array(kind.schema)
  return {
    schema: z.preprocess(one, list),
    fileSchema: z.union([list, kind.schema]),
    fromFlag: words => words.map(word => kind.fromFlag([word])),
    splitVariable: commaSeparated,
    show: values => values.map(kind.show).join(','),
    placeholder: kind.placeholder,
    repeatable: true,
  }
}

/** Values by name: a repeatable flag `NAME=VALUE`, a mapping in YAML, separated by semicolons in the environment. */
export function mapOf<T>(
  name: string,
  nameOf: z.ZodType<string, string>,
  kind: Kind<T>,
): Kind<Readonly<Record<string, T>>> {
  const error = `allowed: ${name.toUpperCase()}=${kind.placeholder?.toUpperCase()}`
  const mapping = z.record(nameOf, kind.schema, { error })
  return {
    schema: mapping,
    fileSchema: z.record(z.string(), kind.fileSchema ?? kind.schema),
    fromFlag: words => fromPairs(words, kind),
    splitVariable: variable =>
      variable
        .split(';')
        .map(word => word.trim())
        .filter(word => word !== ''),
    show: values =>
      Object.entries(values)
        .map(([key, value]) => `${key}=${kind.show(value)}`)
        .join(';'),
    placeholder: `${name}=${kind.placeholder}`,
    repeatable: true,
  }
}

/** A word without `=` makes the whole no mapping, so that it is refused as it was written. */
function fromPairs(words: readonly string[], kind: Kind<unknown>): unknown {
  const odd = words.find(word => word.indexOf('=') < 1)
  if (odd !== undefined) return odd
  const pairs = words.map(word => [word.slice(0, word.indexOf('=')), word.slice(word.indexOf('=') + 1)] as const)
  return Object.fromEntries(
    pairs.map(([key, value]) => [key, kind.fromFlag(kind.repeatable ? kind.splitVariable(value) : [value])]),
  )
}

function commaSeparated(variable: string): readonly string[] {
  return variable
    .split(',')
    .map(word => word.trim())
    .filter(word => word !== '')
}
