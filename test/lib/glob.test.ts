/**
 * glob.test.ts - interface patterns match whole names, and errors name the bad pattern.
 */
import t from 'tap'
import { compileGlob } from '../../src/lib/glob.js'

const CASES: readonly [pattern: string, matching: readonly string[], other: readonly string[]][] = [
  ['eth0', ['eth0'], ['eth', 'eth00', 'xeth0', 'ETH0']],
  ['lxc*', ['lxc', 'lxc1', 'lxc_health'], ['lx', 'xlxc1']],
  ['*', ['a', 'eth0.100'], []],
  ['*0', ['eth0', '0'], ['eth01']],
  ['e*h*0', ['eth0', 'eh0', 'ethh00'], ['eth1']],
  ['eth?', ['eth0', 'eth?'], ['eth', 'eth10']],
  ['veth[0-3]', ['veth0', 'veth3'], ['veth4', 'veth', 'veth0-3', 'veth-']],
  ['veth[a-cx]', ['vetha', 'vethc', 'vethx'], ['vethd', 'veth-']],
  ['veth[!0-3]', ['veth4', 'vethx'], ['veth0', 'veth', 'veth44']],
  ['veth[^03]', ['veth1', 'veth^'], ['veth0', 'veth3']],
  ['x[-a]', ['x-', 'xa'], ['xb']],
  ['x[a-]', ['x-', 'xa'], ['xb']],
  ['x[]a]', ['x]', 'xa'], ['x', 'x[', 'xb]']],
  ['x[!]a]', ['xb', 'x['], ['x]', 'xa', 'xb]']],
  ['x[a!]', ['xa', 'x!'], ['xb']],
  ['x[*?]', ['x*', 'x?'], ['xa']],
  ['x[\\]', ['x\\'], ['xa', 'x']],
  ['x[[]', ['x['], ['xa']],
  // Characters with a meaning in regular expressions.
  ['eth0.1', ['eth0.1'], ['eth0x1']],
  ['a+(b)|{2}$^', ['a+(b)|{2}$^'], ['aab', 'b']],
  ['x]', ['x]'], ['x']],
  ['日?', ['日本', '日𝔘'], ['日', '本日']],
]

for (const [pattern, matching, other] of CASES) {
  t.test(`${pattern} matches the expected names only`, async t => {
    const matches = compileGlob(pattern)
    for (const name of matching) t.ok(matches(name), name)
    for (const name of other) t.notOk(matches(name), `not ${name}`)
  })
}

const REFUSED: readonly [pattern: string, reason: RegExp][] = [
  ['', /is empty/],
  ['eth 0', /space or a slash/],
  ['eth\n', /space or a slash/],
  ['a/b', /space or a slash/],
  ['sixteen-letters-', /longer than 15/],
  ['eth[0-3', /\[ without its \]/],
  ['eth[]', /\[ without its \]/],
  ['eth[!]', /\[ without its \]/],
  ['eth[3-0]', /range 3-0, which is empty/],
]

for (const [pattern, reason] of REFUSED) {
  t.test(`${JSON.stringify(pattern)} is refused: ${reason.source}`, async t => {
    t.throws(() => compileGlob(pattern), reason)
    t.throws(() => compileGlob(pattern), { message: new RegExp(`^bad interface pattern "${escaped(pattern)}": `) })
  })
}

t.test('a name has at most 15 characters, but a pattern may be longer', async t => {
  t.ok(compileGlob('fifteen-letters')('fifteen-letters'))
  t.ok(compileGlob('fifteen-[a-z]etters')('fifteen-letters'))
})

function escaped(text: string): string {
  return text.replace(/[[\]\\^$.*+?(){}|]/g, '\\$&')
}

t.test('a pattern with many stars matches in linear time', async t => {
  const matches = compileGlob(`${'*a'.repeat(30)}b`, { what: 'namespace', most: 63 })
  const start = performance.now()
  t.equal(matches('a'.repeat(63)), false)
  t.equal(matches(`${'a'.repeat(62)}b`), true)
  t.ok(performance.now() - start < 200)
})
