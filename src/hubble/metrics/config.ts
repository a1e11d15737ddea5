/**
 * config.ts - what is asked of hubble_* metrics, and the refusal of what does not exist.
 *
 * In:    names, options and values as somebody wrote them.
 * Fail:  Unknown names the place, the word and what is allowed.
 */
import type { Flow } from '../flow/flow.js'

/** `sourceContext=pod|dns` is a name and two values; `any-drop` is a name and none. */
export interface OptionConfig {
  readonly name: string
  readonly values: readonly string[]
}

/** Which flows count. */
export interface MetricFilter {
  /** Bits of Needs: what of a record the answer depends on. */
  readonly keyFields: number
  accepts(flow: Flow): boolean
}

/** One metric to keep. */
export interface MetricConfig {
  readonly name: string
  readonly options: readonly OptionConfig[]
  /** Without it every flow counts. */
  readonly filter?: MetricFilter
}

/** Refused configuration. */
export class ConfigError extends Error {}

/** `drop: sourceContext: unknown context "pods"; allowed: ...`; `where` may be empty. */
export function unknownWord(where: string, what: string, word: string, allowed: readonly string[]): ConfigError {
  const place = where === '' ? '' : `${where}: `
  return new ConfigError(`${place}unknown ${what} "${word}"; allowed: ${allowed.join(', ')}`)
}

/** The allowed word that `word` is, whatever its case, as Hubble takes its options and contexts. */
export function oneOf<Word extends string>(where: string, what: string, word: string, allowed: readonly Word[]): Word {
  const lower = word.toLowerCase()
  const found = allowed.find(known => known.toLowerCase() === lower)
  if (found === undefined) throw unknownWord(where, what, word, allowed)
  return found
}
