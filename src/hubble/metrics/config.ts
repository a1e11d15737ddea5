// SPDX-License-Identifier: Apache-2.0
/**
 * config.ts - the configuration of hubble_* metrics, and the error for a word that does not exist.
 *
 * In:    names, options and values as the user wrote them.
 * Fail:  a ConfigError names the place, the word and what is allowed.
 */
import type { Flow } from '../flow/flow.js'

/** `sourceContext=pod|dns` is a name with two values, `any-drop` a name without values. */
export interface OptionConfig {
  readonly name: string
  readonly values: readonly string[]
}

/** Selects the flows that a metric counts. */
export interface MetricFilter {
  /** KeyField bits: the parts of a record that the result depends on. */
  readonly keyFields: number
  accepts(flow: Flow): boolean
}

/** One metric to count. */
export interface MetricConfig {
  readonly name: string
  readonly options: readonly OptionConfig[]
  /** Without a filter every flow counts. */
  readonly filter?: MetricFilter
}

/** The configuration is refused. */
export class ConfigError extends Error {}

/** `drop: sourceContext: unknown context "pods"; allowed: ...`; `where` may be empty. */
export function unknownWord(where: string, what: string, word: string, allowed: readonly string[]): ConfigError {
  const place = where === '' ? '' : `${where}: `
  return new ConfigError(`${place}unknown ${what} "${word}"; allowed: ${allowed.join(', ')}`)
}

/** The allowed word equal to `word` but for case: Hubble ignores the case of options and contexts. */
export function oneOf<Word extends string>(where: string, what: string, word: string, allowed: readonly Word[]): Word {
  const lower = word.toLowerCase()
  const found = allowed.find(known => known.toLowerCase() === lower)
  if (found === undefined) throw unknownWord(where, what, word, allowed)
  return found
}
