/**
 * address.test.ts - parsing and formatting of addresses and prefixes.
 */
import { isIPv4 } from 'node:net'
import fc from 'fast-check'
import t from 'tap'
import { formatAddress, formatIpv4, formatPrefix, isMapped, parseAddress, parsePrefix } from '../../src/lib/address.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')

t.test('an address is parsed to 16 bytes in network order', async t => {
  for (const [text, bytes] of [
    ['10.1.2.3', '00000000000000000000ffff0a010203'],
    ['255.255.255.255', '00000000000000000000ffffffffffff'],
    ['::', '00000000000000000000000000000000'],
    ['::1', '00000000000000000000000000000001'],
    ['1::', '00010000000000000000000000000000'],
    ['fd00:a0::0', 'fd0000a0000000000000000000000000'],
    ['2001:DB8:1:2:3:4:5:6', '20010db8000100020003000400050006'],
    ['1:2:3::7:8', '00010002000300000000000000070008'],
    ['::ffff:10.1.2.3', '00000000000000000000ffff0a010203'],
    ['64:ff9b::192.0.2.33', '0064ff9b0000000000000000c0000221'],
  ] as const) {
    t.equal(hex(parseAddress(text)), bytes, text)
  }
})

t.test('a text that is not an address is refused with the text and the allowed forms', async t => {
  for (const text of [
    '',
    '10.0.0',
    '10.0.0.256',
    '010.0.0.1',
    '1.2.3.4.5',
    ':::',
    '1::2::3',
    '12345::',
    'fe80::1%eth0',
    'web',
    ' ::1',
  ]) {
    t.throws(() => parseAddress(text), { message: `"${text}" is not an address; allowed: an IPv4 address` }, text)
  }
})

t.test('IPv6 text follows RFC 5952', async t => {
  for (const [text, written] of [
    ['2001:DB8::0001', '2001:db8::1'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1'],
    ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
    ['1:0:0:2:0:0:0:3', '1:0:0:2::3'],
    ['0:0:0:0:0:0:0:0', '::'],
    ['0:0:0:0:0:0:0:1', '::1'],
    ['fd00:0:0:0:0:0:0:0', 'fd00::'],
    ['::ffff:192.0.2.1', '192.0.2.1'],
  ] as const) {
    t.equal(formatAddress(parseAddress(text)), written, text)
  }
})

t.test('an address is formatted from any offset', async t => {
  const bytes = Uint8Array.of(9, ...parseAddress('fd00::2'), ...parseAddress('10.9.8.7'))
  t.equal(formatAddress(bytes, 1), 'fd00::2')
  t.equal(formatAddress(bytes, 17), '10.9.8.7')
  t.equal(formatIpv4(bytes, 29), '10.9.8.7')
  t.equal(isMapped(bytes, 1), false)
  t.equal(isMapped(bytes, 17), true)
})

t.test('formatting and parsing any address gives the same address', async () => {
  fc.assert(
    fc.property(
      fc.uint8Array({ minLength: 16, maxLength: 16 }),
      bytes => hex(parseAddress(formatAddress(bytes))) === hex(bytes),
    ),
  )
  fc.assert(fc.property(fc.ipV4(), text => formatAddress(parseAddress(text)) === text))
  fc.assert(
    fc.property(fc.ipV6(), text => {
      const bytes = parseAddress(text)
      return hex(parseAddress(formatAddress(bytes))) === hex(bytes)
    }),
  )
})

t.test('the bits of an IPv4 prefix count from the mapped address, and host bits are cleared', async t => {
  for (const [text, bits, addr, written] of [
    ['10.0.0.0/8', 104, '00000000000000000000ffff0a000000', '10.0.0.0/8'],
    ['10.1.2.3/8', 104, '00000000000000000000ffff0a000000', '10.0.0.0/8'],
    ['10.1.2.3/32', 128, '00000000000000000000ffff0a010203', '10.1.2.3/32'],
    ['10.255.255.255/9', 105, '00000000000000000000ffff0a800000', '10.128.0.0/9'],
    ['0.0.0.0/0', 96, '00000000000000000000ffff00000000', '0.0.0.0/0'],
    ['::/0', 0, '00000000000000000000000000000000', '::/0'],
    ['fd00:1:2:3:4::/64', 64, 'fd000001000200030000000000000000', 'fd00:1:2:3::/64'],
    ['fd00::1/128', 128, 'fd000000000000000000000000000001', 'fd00::1/128'],
    ['ffff::/3', 3, 'e0000000000000000000000000000000', 'e000::/3'],
  ] as const) {
    const prefix = parsePrefix(text)
    t.equal(prefix.bits, bits, text)
    t.equal(hex(prefix.addr), addr, text)
    t.equal(formatPrefix(prefix), written, text)
  }
})

t.test('a text that is not a prefix is refused with the text and the allowed form', async t => {
  for (const text of [
    '',
    '10.0.0.0',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0.0/-1',
    '10.0.0.0/08',
    '::/129',
    '::/x',
    '/8',
    'fe80::%1/64',
    '10.0.0.0/8/8',
  ]) {
    t.throws(() => parsePrefix(text), { message: `"${text}" is not a prefix; allowed: ADDRESS/BITS` }, text)
  }
})

t.test('a dotted text is an IPv4 address if and only if Node accepts it', async t => {
  const part = fc.oneof(
    fc.nat(300).map(String),
    fc.constantFrom('', '00', '01', '256', '1e1', ' 1', '-1', '+1', '1x', '٣'),
  )
  const check = fc.property(fc.array(part, { minLength: 3, maxLength: 5 }), parts => {
    const text = parts.join('.')
    if (!isIPv4(text)) return throws(() => parseAddress(text))
    return hex(parseAddress(text)) === `${'0'.repeat(20)}ffff${hex(Uint8Array.from(parts.map(Number)))}`
  })
  t.doesNotThrow(() => fc.assert(check, { numRuns: 2_000 }))
})

function throws(body: () => unknown): boolean {
  try {
    body()
    return false
  } catch {
    return true
  }
}
