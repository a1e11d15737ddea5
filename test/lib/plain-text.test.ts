/**
 * plain-text.test.ts - no text from outside moves a terminal's cursor or starts a line of its own.
 */
import fc from 'fast-check'
import t from 'tap'
import { nodeStatusLine } from '../../src/hubble/observe/print/node-status-text.js'
import { createPrinter } from '../../src/hubble/observe/print/printers.js'
import { plainJson, plainText } from '../../src/lib/plain-text.js'
import { redacted } from '../../src/lib/redact.js'

const EVIL = 'a\x1b[2J\x07\u009b31m\nb\rc\td\x7f\u202ee\u2028f'
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what is looked for
const CONTROL = /[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]/
const TIME = '2026-01-02T03:04:05Z'

t.test('control characters are shown by name, all other text stays', async t => {
  t.equal(plainText(EVIL), 'a^[[2J^G\\u009b31m\\nb\\rc\\td^?\\u202ee\\u2028f')
  t.equal(plainText('zürich/käse-世界 "x" \\'), 'zürich/käse-世界 "x" \\')
  const text = fc.string({ unit: 'grapheme' })
  fc.assert(fc.property(text, each => !CONTROL.test(plainText(each)) && !plainText(each).includes('\n')))
  fc.assert(fc.property(text, each => JSON.parse(plainJson(JSON.stringify(each + EVIL))) === each + EVIL))
})

t.test('no format of observe passes a control character of a flow or of a node', async t => {
  const time = (): string => TIME
  const flow = {
    time: TIME,
    node_name: EVIL,
    source: { namespace: EVIL, pod_name: EVIL },
    Summary: EVIL,
    verdict: EVIL,
  }
  const lost = { source: EVIL, num_events_lost: '1' }
  for (const format of ['compact', 'dict', 'table', 'jsonpb']) {
    const printer = createPrinter(format, { time, nodeName: true, numeric: false })!
    const text = [{ flow }, { lost_events: lost, node_name: EVIL }].map(each => printer.print(each as never)).join('')
    const all = text + printer.end()
    t.notMatch(all, CONTROL, format)
    t.notMatch(all, /^b|^f/m, `${format}: no line of its own`)
  }
  for (const state_change of ['NODE_UNAVAILABLE', 'NODE_ERROR'] as const) {
    const status = { state_change, node_names: [EVIL], message: EVIL }
    const line = nodeStatusLine({ node_status: status, node_name: EVIL, time: TIME } as never, time)
    t.notMatch(line, CONTROL)
    t.equal(line.split('\n').length, 2)
  }
})

t.test('credentials that a server echoes are not shown', async t => {
  const basic = Buffer.from('me:pass-word').toString('base64')
  const headers = { authorization: `Bearer abc-def-123`, 'X-Api-Key': 'k3y-of-mine', cookie: 'short' }
  t.equal(redacted('got abc-def-123 and k3y-of-mine, short', headers), 'got *** and ***, short')
  t.equal(
    redacted(`no user me:pass-word, pass-word, ${basic}`, { authorization: `Basic ${basic}` }),
    'no user ***, ***, ***',
  )
  t.equal(redacted('header Authorization: Bearer other.token', {}), 'header Authorization: Bearer ***')
  t.equal(redacted('sent eyJhbGciOi.eyJzdWIi.c2ln today', {}), 'sent *** today')
  t.equal(redacted('pods is forbidden: User "system:anonymous"', headers), 'pods is forbidden: User "system:anonymous"')
})
