/**
 * plain-output.test.ts - what commands print of names and arguments passes no control character to the terminal.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { weir } from '../support/command.js'

const EVIL = 'a\x1b[2J\x07\u009b31m\nb\rc\td\x7f\u202ee\u2028f'
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/

t.test('identity and error lines pass no control character', async t => {
  const file = join(t.testdir(), 'inventory.json')
  writeFileSync(file, JSON.stringify({ identities: { 777: [EVIL] } }))
  const { stdout } = weir(['identity', 'list', '--inventory', file])
  t.match(stdout, /777 +a\^\[\[2J/)
  t.notMatch(stdout, CONTROL)
  for (const args of [
    ['identity', 'list', '--inventory', `/${EVIL}`],
    ['check-config', '--log.level', EVIL],
    ['observe', `--${EVIL}`],
    [EVIL],
  ]) {
    const { code, stderr } = weir(args)
    t.not(code, 0)
    t.notMatch(stderr, CONTROL, `error of ${args.length} arguments`)
    t.equal(stderr.trimEnd().split('\n').length, 1)
  }
})
