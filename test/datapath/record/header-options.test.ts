/**
 * header-options.test.ts - finding the options of IPv4, TCP, hop-by-hop and Geneve headers, and a malformed one.
 */
import t from 'tap'
import {
  eachOption,
  geneveOptionSize,
  hopByHopOptionSize,
  MIN_IPV4_OPTION,
  MIN_TCP_OPTION,
  malformedOption,
} from '../../../src/datapath/record/header-options.js'

const BEFORE = 3

/** Other bytes precede and follow the options. */
function optionsOf(hex: string) {
  const options = Buffer.from(hex.replaceAll(' ', ''), 'hex')
  const bytes = Buffer.concat([Buffer.alloc(BEFORE, 0x02), options, Buffer.alloc(8, 0x02)])
  return { view: new DataView(bytes.buffer, bytes.byteOffset, bytes.length), end: BEFORE + options.length }
}

/** The offset of the malformed option from the first one. */
function malformedIn(hex: string, minLength: number): number {
  const { view, end } = optionsOf(hex)
  const bad = malformedOption(view, BEFORE, end, minLength)
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

t.test('each option is visited once, up to the end of options, and padding starts after it', async t => {
  const visit = (hex: string) => {
    const { view, end } = optionsOf(hex)
    const visited: number[][] = []
    const padding = eachOption(view, BEFORE, end, (kind, at, length) => visited.push([kind, at - BEFORE, length]))
    return { visited, padding: padding - BEFORE }
  }
  t.strictSame(visit('01 0303aa 0402'), {
    visited: [
      [1, 0, 1],
      [3, 1, 3],
      [4, 4, 2],
    ],
    padding: 6,
  })
  t.strictSame(visit('01 00 0707'), {
    visited: [
      [1, 0, 1],
      [0, 1, 1],
    ],
    padding: 2,
  })
  t.strictSame(visit(''), { visited: [], padding: 0 })
})

t.test('a hop-by-hop or Geneve option that is truncated is larger than the bytes that remain', async t => {
  const hopByHop = (hex: string) => {
    const { view, end } = optionsOf(hex)
    return hopByHopOptionSize(view, BEFORE, end)
  }
  const geneve = (hex: string) => {
    const { view, end } = optionsOf(hex)
    return geneveOptionSize(view, BEFORE, end)
  }
  t.equal(hopByHop('0000'), 1, 'Pad1')
  t.equal(hopByHop('0102 0000'), 4)
  t.equal(hopByHop('0105 0000'), 7)
  t.equal(hopByHop('00'), 2)
  t.equal(geneve('01020300'), 4)
  t.equal(geneve('010203e1 00000000'), 8)
  t.equal(geneve('010203ff'), 64)
  t.equal(geneve('010203'), 4)
})
