/**
 * glob.test.ts - interface patterns choose whole names, and a bad one is refused by name.
 */
import t from 'tap'
import { compileGlob } from '../../src/lib/glob.js'

const CASES: readonly [pattern: string, yes: readonly string[], no: readonly string[]][] = [
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
  // What a regular expression would take for its own.
  ['eth0.1', ['eth0.1'], ['eth0x1']],
  ['a+(b)|{2}$^', ['a+(b)|{2}$^'], ['aab', 'b']],
  ['x]', ['x]'], ['x']],
  ['日?', ['日本', '日𝔘'], ['日', '本日']],
]

for (const [pattern, yes, no] of CASES) {
  t.test(`${pattern} matches what it says and nothing else`, async t => {
    const matches = compileGlob(pattern)
    for (const name of yes) t.ok(matches(name), name)
    for (const name of no) t.notOk(matches(name), `not ${name}`)
  })
}

const REFUSED: readonly [pattern: string, why: RegExp][] = [
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

for (const [pattern, why] of REFUSED) {
  t.test(`${JSON.stringify(pattern)} is refused: ${why.source}`, async t => {
    t.throws(() => compileGlob(pattern), why)
    t.throws(() => compileGlob(pattern), { message: new RegExp(`^bad interface pattern "${escaped(pattern)}": `) })
  })
}

t.test('a name of 15 characters is the longest there is, a pattern may be longer', async t => {
  t.ok(compileGlob('fifteen-letters')('fifteen-letters'))
  t.ok(compileGlob('fifteen-[a-z]etters')('fifteen-letters'))
})

function escaped(text: string): string {
  return text.replace(/[[\]\\^$.*+?(){}|]/g, '\\$&')
}
