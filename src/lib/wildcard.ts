// SPDX-License-Identifier: Apache-2.0
/**
 * wildcard.ts - matches names against wildcard patterns, in time proportional to the product of their lengths.
 *
 * In:    a pattern as tokens, one for each character or wildcard.
 * Never: backtracks, as a regular expression with several stars would.
 */

/** Matches one character, or with `many` any number of them. */
export interface WildcardToken {
  readonly many: boolean
  /** `char` is a code point. */
  accepts(char: string): boolean
}

/** Returns a test that the whole name matches. */
export function compileTokens(tokens: readonly WildcardToken[]): (name: string) => boolean {
  return name => {
    // By position in the pattern: whether the part before it matches the name so far.
    let reached = start(tokens)
    for (const char of name) reached = after(tokens, reached, char)
    return reached[tokens.length] === 1
  }
}

export function literal(char: string): WildcardToken {
  return { many: false, accepts: each => each === char }
}

function start(tokens: readonly WildcardToken[]): Uint8Array {
  const reached = new Uint8Array(tokens.length + 1)
  reached[0] = 1
  return withEmptyMatches(tokens, reached)
}

function after(tokens: readonly WildcardToken[], reached: Uint8Array, char: string): Uint8Array {
  const next = new Uint8Array(tokens.length + 1)
  for (let i = 0; i < tokens.length; i++) {
    const token = tokens[i]!
    if (reached[i] === 1 && token.accepts(char)) next[token.many ? i : i + 1] = 1
  }
  return withEmptyMatches(tokens, next)
}

/** A token for many characters also matches none. */
function withEmptyMatches(tokens: readonly WildcardToken[], reached: Uint8Array): Uint8Array {
  for (let i = 0; i < tokens.length; i++) if (reached[i] === 1 && tokens[i]!.many) reached[i + 1] = 1
  return reached
}
