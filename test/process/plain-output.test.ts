/**
 * plain-output.test.ts - what commands print of names and arguments passes no control character to the terminal.
 */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { statusText } from '../../src/cli/status.js'
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

t.test('the status of a server passes no control character', async t => {
  const status = { num_unavailable_nodes: 1, num_connected_nodes: 0, unavailable_nodes: [EVIL], version: EVIL }
  const text = statusText(status as never, [[EVIL, EVIL]])
  t.notMatch(text, CONTROL)
  t.match(text, /- a\^\[\[2J/)
  t.equal(text.split('\n').length, 10)
})
