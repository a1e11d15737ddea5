// SPDX-License-Identifier: Apache-2.0
/**
 * glob.ts - shell patterns for names, mostly of interfaces: `*`, `?`, `[abc]`, `[a-z]`, `[!a]`.
 *
 * Fail:  an Error that names the pattern and what is wrong with it.
 */

import { compileTokens, literal, type WildcardToken } from './wildcard.js'

/** The kind of name that a pattern matches, for error messages. */
export interface Named {
  readonly what: string
  /** Maximum length of a name, in characters. */
  readonly most: number
}

/** 15 is IFNAMSIZ - 1 (linux/if.h). */
const INTERFACE: Named = { what: 'interface', most: 15 }

/** Returns a test that the whole name matches. */
export function compileGlob(pattern: string, { what, most }: Named = INTERFACE): (name: string) => boolean {
  const why = fault(pattern, what, most)
  if (why !== undefined) throw refuse(pattern, what, why)
  try {
    return compileTokens(tokensOf(pattern))
  } catch (error) {
    throw error instanceof PatternFault ? refuse(pattern, what, error.message) : error
  }
}

/** What is wrong with a set in a pattern. */
class PatternFault extends Error {}

function fault(pattern: string, what: string, most: number): string | undefined {
  if (pattern === '') return 'is empty'
  if (/[\s/]/.test(pattern)) return `has a space or a slash, which no ${what} name has`
  return !/[*?[]/.test(pattern) && pattern.length > most ? `is longer than ${most} characters` : undefined
}

const ANY: WildcardToken = { many: false, accepts: () => true }
const STAR: WildcardToken = { ...ANY, many: true }

function tokensOf(pattern: string): WildcardToken[] {
  const tokens: WildcardToken[] = []
  for (let i = 0; i < pattern.length; ) {
    const char = String.fromCodePoint(pattern.codePointAt(i)!)
    if (char !== '[') {
      tokens.push(char === '*' ? STAR : char === '?' ? ANY : literal(char))
      i += char.length
      continue
    }
    // A ] that comes first is a member, as in a shell.
    const end = pattern.indexOf(']', i + (/[!^]/.test(pattern[i + 1] ?? '') ? 3 : 2))
    if (end < 0) throw new PatternFault('has a [ without its ]')
    tokens.push(setToken(pattern.slice(i + 1, end)))
    i = end + 1
  }
  return tokens
}

function setToken(set: string): WildcardToken {
  const negated = set.startsWith('!') || set.startsWith('^')
  const members = negated ? set.slice(1) : set
  for (const [, from, to] of members.matchAll(/(.)-(.)/g)) {
    if (from! > to!) throw new PatternFault(`has the range ${from}-${to}, which is empty`)
  }
  const expression = new RegExp(`^[${negated ? '^' : ''}${members.replace(/[\\\]^[]/g, '\\$&')}]$`, 'u')
  return { many: false, accepts: char => expression.test(char) }
}

function refuse(pattern: string, what: string, why: string): Error {
  return new Error(`bad ${what} pattern "${pattern}": it ${why}; allowed are a name or *, ?, [abc], [a-z], [!a]`)
}
