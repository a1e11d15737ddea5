/**
 * glob.ts - interface name patterns: `*`, `?`, `[abc]`, `[a-z]`, `[!a]`.
 *
 * Fail:  an Error that names the pattern and what is wrong with it.
 */

/** IFNAMSIZ - 1 (linux/if.h): the most bytes of an interface's name. */
const NAME_MAX = 15

/** A test for names; the whole name must match. */
export function compileGlob(pattern: string): (name: string) => boolean {
  if (pattern === '') throw refuse(pattern, 'is empty')
  if (/[\s/]/.test(pattern)) throw refuse(pattern, 'has a space or a slash, which no interface name has')
  if (!/[*?[]/.test(pattern) && pattern.length > NAME_MAX)
    throw refuse(pattern, `is longer than ${NAME_MAX} characters`)
  const expression = new RegExp(`^${translate(pattern)}$`, 'u')
  return name => expression.test(name)
}

function translate(pattern: string): string {
  let out = ''
  for (let i = 0; i < pattern.length; i++) {
    const char = pattern[i]!
    if (char === '*') out += '.*'
    else if (char === '?') out += '.'
    else if (char !== '[') out += quote(char)
    else {
      // A ] that comes first is a member, as in a shell.
      const end = pattern.indexOf(']', i + (/[!^]/.test(pattern[i + 1] ?? '') ? 3 : 2))
      if (end < 0) throw refuse(pattern, 'has a [ without its ]')
      out += translateSet(pattern, pattern.slice(i + 1, end))
      i = end
    }
  }
  return out
}

function translateSet(pattern: string, set: string): string {
  const negated = set.startsWith('!') || set.startsWith('^')
  const members = negated ? set.slice(1) : set
  for (const [, from, to] of members.matchAll(/(.)-(.)/g)) {
    if (from! > to!) throw refuse(pattern, `has the range ${from}-${to}, which is empty`)
  }
  return `[${negated ? '^' : ''}${members.replace(/[\\\]^[]/g, '\\$&')}]`
}

function quote(char: string): string {
  return /[.+^${}()|\\\]]/.test(char) ? `\\${char}` : char
}

function refuse(pattern: string, why: string): Error {
  return new Error(`bad interface pattern "${pattern}": it ${why}; allowed are a name or *, ?, [abc], [a-z], [!a]`)
}
