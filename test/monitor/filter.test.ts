/**
 * filter.test.ts - which messages the monitor prints.
 */
import t from 'tap'
import { type MonitorTextOptions, monitorText } from '../support/monitor-text.js'
import { DROP_3, hex, patched, TRACE_2, VERDICT_40 } from '../support/records.js'

const SOURCE = 0x1234
/** dst_id 7. */
const TRACE = TRACE_2
/** dst_id 0x30003; filters compare the low 16 bits. */
const DROP = DROP_3
/** remote identity 0x10001. */
const VERDICT = VERDICT_40
const SOCK = hex('07 01 01 00 bb01 0000 0100000000000000 0200000000000000 0a000001 000000000000000000000000')
const DEBUG = hex('02 08 3412 78563412 01000000 02000000 03000000')

const passes = (record: Uint8Array, filter: MonitorTextOptions['filter']) =>
  monitorText(record, { verbosity: 'debug', filter: filter ?? {} }) !== ''

t.test('without filters everything is printed', async t => {
  for (const record of [TRACE, DROP, VERDICT, SOCK, DEBUG]) t.ok(passes(record, {}))
})

t.test('a type filter admits the types that it names', async t => {
  t.ok(passes(TRACE, { types: ['trace'] }))
  t.ok(passes(DROP, { types: ['trace', 'drop'] }))
  t.notOk(passes(VERDICT, { types: ['trace', 'drop'] }))
  t.notOk(passes(DEBUG, { types: ['policy-verdict'] }))
})

t.test('socket traces pass every filter', async t => {
  t.ok(passes(SOCK, { types: ['drop'], from: [1], to: [1], relatedTo: [1] }))
})

t.test('from compares the source, to the destination', async t => {
  t.ok(passes(TRACE, { from: [1, SOURCE] }))
  t.notOk(passes(TRACE, { from: [7] }))
  t.ok(passes(TRACE, { to: [7] }))
  t.notOk(passes(TRACE, { to: [SOURCE] }))
  t.ok(passes(DROP, { to: [3] }))
  t.ok(passes(VERDICT, { to: [1] }))
  t.ok(passes(DEBUG, { to: [0] }), 'the destination of a debug message is 0')
})

t.test('related-to compares both, and a message must pass all filters', async t => {
  t.ok(passes(TRACE, { relatedTo: [7] }))
  t.ok(passes(TRACE, { relatedTo: [SOURCE] }))
  t.notOk(passes(TRACE, { relatedTo: [8] }))
  t.ok(passes(TRACE, { types: ['trace'], from: [SOURCE], to: [7], relatedTo: [7] }))
  t.notOk(passes(TRACE, { types: ['trace'], from: [SOURCE], to: [8], relatedTo: [7] }))
})

t.test('an undecodable record is printed despite filters', async t => {
  t.match(monitorText(patched(TRACE, 14, 9), { filter: { types: ['drop'] } }), 'cannot decode')
})
