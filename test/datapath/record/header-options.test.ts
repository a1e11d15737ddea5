/**
 * header-options.test.ts - finding the first malformed option of an IPv4 or TCP header.
 */
import t from 'tap'
import { MIN_IPV4_OPTION, MIN_TCP_OPTION, malformedOption } from '../../../src/datapath/record/header-options.js'

const BEFORE = 3

/** The offset of the malformed option from the first one. Other bytes precede and follow the options. */
function malformedIn(hex: string, minLength: number): number {
  const options = Buffer.from(hex.replaceAll(' ', ''), 'hex')
  const bytes = Buffer.concat([Buffer.alloc(BEFORE, 0x02), options, Buffer.alloc(8, 0x02)])
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const bad = malformedOption(view, BEFORE, BEFORE + options.length, minLength)
  return bad < 0 ? bad : bad - BEFORE
}

t.test('options that fit, padding, and bytes after the end of options are valid', async t => {
  for (const hex of ['', '01010101', '00ffffff', '02040000', '01 0303aa', '0303aa 00']) {
    t.equal(malformedIn(hex, MIN_TCP_OPTION), -1, hex)
    t.equal(malformedIn(hex, MIN_IPV4_OPTION), -1, hex)
  }
})

t.test('an option without a length byte, or with a length that is too short or too long, is malformed', async t => {
  const cases: readonly (readonly [hex: string, at: number])[] = [
    ['01010107', 3],
    ['07000000', 0],
    ['07010000', 0],
    ['07050000', 0],
    ['0303aa 07', 3],
    ['0303aa 0703', 3],
    ['01 07ff', 1],
  ]
  for (const [hex, at] of cases) t.equal(malformedIn(hex, MIN_TCP_OPTION), at, hex)
})

t.test('an option of two bytes is valid in TCP and malformed in IPv4', async t => {
  t.equal(malformedIn('0402 0101', MIN_TCP_OPTION), -1)
  t.equal(malformedIn('0101 0402', MIN_IPV4_OPTION), 2)
})
