/**
 * packet.test.ts - the packet parser: addresses, protocol and ports at every layer, and packets truncated at every byte.
 */
import t from 'tap'
import { Packet } from '../../../src/datapath/record/packet.js'
import { formatAddress, formatIpv4 } from '../../../src/lib/address.js'

const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex')

const MACS = '020000000001 020000000002'
const IPV4 = (proto: string, total = '0000', fragment = '4000') => `
  4500 ${total} 1234 ${fragment} 40${proto} 0000
  0a010203 0a040506`
const IPV6 = (next: string, payload = '0000') => `
  60000000 ${payload} ${next} 40
  fd000000 00000000 00000000 00000001
  fd000000 00000000 00000000 00000002`
const TCP = 'c350 01bb 00000001 00000002 5012 ffff 0000 0000'
const UDP = '0035 d431 0008 0000'

/** Parses a packet that lies between other bytes. */
function parse(text: string, { l3 = false, length = hex(text).length } = {}) {
  const bytes = Buffer.concat([Buffer.alloc(5, 0xee), hex(text), Buffer.alloc(60, 0xee)])
  const packet = new Packet()
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const ok = packet.parse(view, 5, length, l3)
  const address = (at: number) => {
    if (at < 0) return undefined
    return packet.ipVersion === 6 ? formatAddress(bytes, at) : formatIpv4(bytes, at)
  }
  const { end, ipVersion, protocol, fragment, srcPort, dstPort, tcpFlags, icmpType, icmpCode, transportAt, endAt } =
    packet
  const numbers = { end, ipVersion, protocol, fragment, srcPort, dstPort, tcpFlags, icmpType, icmpCode }
  return { ok, ...numbers, transportAt, endAt, src: address(packet.srcAt), dst: address(packet.dstAt) }
}

const FOUR = { ipVersion: 4, src: '10.1.2.3', dst: '10.4.5.6' }
const SIX = { ipVersion: 6, src: 'fd00::1', dst: 'fd00::2' }
const NO_L4 = { srcPort: -1, dstPort: -1, tcpFlags: -1, icmpType: -1, icmpCode: -1 }

t.test('TCP, UDP, SCTP and ICMP over IPv4 are parsed up to the transport header', async t => {
  for (const [proto, transport, expected] of [
    ['06', TCP, { protocol: 6, srcPort: 50_000, dstPort: 443, tcpFlags: 0x12, icmpType: -1, icmpCode: -1 }],
    ['11', UDP, { protocol: 17, srcPort: 53, dstPort: 54_321, tcpFlags: -1, icmpType: -1, icmpCode: -1 }],
    ['84', '0b59 0b5a 00000000 00000000', { protocol: 132, srcPort: 2905, dstPort: 2906, tcpFlags: -1 }],
    ['01', '0301 0000 00000000', { protocol: 1, icmpType: 3, icmpCode: 1, srcPort: -1, dstPort: -1 }],
  ] as const) {
    const packet = parse(`${MACS} 0800 ${IPV4(proto)} ${transport}`)
    t.match(packet, { ok: true, end: 'transport', fragment: false, transportAt: 5 + 34, ...FOUR, ...expected })
  }
})

t.test('TCP, UDP and ICMPv6 over IPv6 are parsed up to the transport header', async t => {
  for (const [next, transport, expected] of [
    ['06', TCP, { protocol: 6, srcPort: 50_000, dstPort: 443, tcpFlags: 0x12 }],
    ['11', UDP, { protocol: 17, srcPort: 53, dstPort: 54_321 }],
    ['3a', '8700 0000 00000000', { protocol: 58, icmpType: 135, icmpCode: 0 }],
  ] as const) {
    t.match(parse(`${MACS} 86dd ${IPV6(next)} ${transport}`), { ok: true, transportAt: 5 + 54, ...SIX, ...expected })
  }
})

t.test('one or two VLAN tags are skipped, three are not IP', async t => {
  for (const tags of ['8100 0064', '88a8 0064 8100 0065', '9100 0064 8100 0065']) {
    t.match(parse(`${MACS} ${tags} 0800 ${IPV4('06')} ${TCP}`), { ok: true, ...FOUR, dstPort: 443 }, tags)
  }
  t.match(parse(`${MACS} 8100 0001 8100 0002 8100 0003 0800 ${IPV4('06')} ${TCP}`), { ok: false, end: 'not-ip' })
})

t.test('packets of L3 devices start with the IP header, and its version gives the family', async t => {
  t.match(parse(`${IPV4('11')} ${UDP}`, { l3: true }), { ok: true, ...FOUR, srcPort: 53 })
  t.match(parse(`${IPV6('11')} ${UDP}`, { l3: true }), { ok: true, ...SIX, srcPort: 53 })
  t.match(parse(`20 ${IPV6('11')}`, { l3: true }), { ok: false, end: 'not-ip', ipVersion: 0 })
})

t.test('IPv4 options are skipped, and an inconsistent IP header is malformed', async t => {
  const options = `4700 0000 1234 0000 4006 0000 0a010203 0a040506 01010101 01010101 ${TCP}`
  t.match(parse(options, { l3: true }), { ok: true, ...FOUR, dstPort: 443, transportAt: 5 + 28 })
  t.match(parse(`${MACS} 0800 4400 ${IPV4('06').slice(8)} ${TCP}`), { ok: false, end: 'ip-malformed', ipVersion: 0 })
  t.match(parse(`${MACS} 0800 6500 ${IPV4('06').slice(8)} ${TCP}`), { ok: false, end: 'ip-malformed' })
  t.match(parse(`${MACS} 0800 ${IPV4('06', '0013')} ${TCP}`), { ok: false, end: 'ip-malformed' })
  t.match(parse(`${MACS} 86dd 50 ${IPV6('06').trim().slice(2)} ${TCP}`), { ok: false, end: 'ip-malformed' })
})

t.test('bytes beyond the IP length are not part of the packet', async t => {
  t.match(parse(`${MACS} 0800 ${IPV4('11', '0016')} ${UDP}`), {
    ok: false,
    end: 'transport-short',
    ...FOUR,
    protocol: 17,
    endAt: 5 + 36,
  })
  t.match(parse(`${MACS} 86dd ${IPV6('11', '0002')} ${UDP}`), { ok: false, end: 'transport-short', ...SIX })
  t.match(parse(`${MACS} 0800 ${IPV4('11', '05dc')} ${UDP}`), { ok: true, endAt: 5 + 42 })
})

t.test('IPv6 extension headers are skipped', async t => {
  const hopByHop = (next: string) => `${next}00 0104 00000000`
  const routing = (next: string) => `${next}02 0400 00000000 0000000000000000 0000000000000000`
  const auth = (next: string) => `${next}04 0000 0000000000000000 0000000000000000 00000000`
  const options = (next: string) => `${next}01 0104 00000000 0000000000000000`
  t.match(
    parse(`${IPV6('00')} ${hopByHop('2b')} ${routing('33')} ${auth('3c')} ${options('06')} ${TCP}`, { l3: true }),
    {
      ok: true,
      ...SIX,
      protocol: 6,
      dstPort: 443,
      transportAt: 5 + 40 + 8 + 24 + 24 + 16,
    },
  )
  t.match(parse(`${IPV6('87')} ${options('3b')}`, { l3: true }), { ok: false, end: 'transport-other', protocol: 59 })
  t.match(parse(`${IPV6('32')} ${UDP}`, { l3: true }), { end: 'transport-other', protocol: 50 })
  t.match(parse(`${IPV6('3c')} ${options('06').slice(0, 9)}`, { l3: true }), {
    end: 'extension-short',
    ...SIX,
    protocol: 60,
  })
  t.match(parse(`${IPV6('00')} ${hopByHop('00').repeat(9)}`, { l3: true }), { end: 'ip-malformed', ...SIX })
})

t.test('the first fragment has ports, later fragments have none', async t => {
  t.match(parse(`${IPV4('11', '0000', '2000')} ${UDP}`, { l3: true }), { ok: true, fragment: true, srcPort: 53 })
  t.match(parse(`${IPV4('11', '0000', '00b9')} ${UDP}`, { l3: true }), {
    ok: false,
    end: 'fragment',
    fragment: true,
    ...FOUR,
    protocol: 17,
    ...NO_L4,
  })
  t.match(parse(`${IPV6('2c')} 1100 0001 00000001 ${UDP}`, { l3: true }), { ok: true, fragment: true, srcPort: 53 })
  t.match(parse(`${IPV6('2c')} 1100 05a8 00000001 ${UDP}`, { l3: true }), {
    ok: false,
    end: 'fragment',
    fragment: true,
    ...SIX,
    protocol: 17,
    ...NO_L4,
  })
  t.match(
    parse(`${IPV6('2c')} 1100 0000 00000001 ${UDP}`, { l3: true }),
    { ok: true, fragment: false, srcPort: 53 },
    'an atomic fragment',
  )
})

t.test('other protocols have their number and no ports', async t => {
  t.match(parse(`${IPV4('2f')} 00000800`, { l3: true }), {
    ok: false,
    end: 'transport-other',
    ...FOUR,
    protocol: 47,
    ...NO_L4,
  })
  t.match(parse(`${MACS} 0806 0001`), { ok: false, end: 'not-ip', ipVersion: 0, protocol: -1 })
})

t.test('a truncated packet has the fields captured before the truncation', async t => {
  const text = `${MACS} 8100 0064 0800 ${IPV4('06', '0028')} ${TCP}`
  for (let length = 0; length <= hex(text).length; length++) {
    const packet = parse(text, { length })
    const end =
      length === 0
        ? 'empty'
        : length < 18
          ? 'ethernet-short'
          : length < 38
            ? 'ip-short'
            : length < 52
              ? 'transport-short'
              : 'transport'
    t.equal(packet.end, end, `${length} bytes`)
    t.equal(packet.ok, end === 'transport')
    t.equal(packet.src, length < 38 ? undefined : '10.1.2.3')
    t.equal(packet.dst, length < 38 ? undefined : '10.4.5.6')
    t.equal(packet.protocol, length < 38 ? -1 : 6)
    t.equal(packet.dstPort, length < 42 ? -1 : 443)
    t.equal(packet.tcpFlags, length < 52 ? -1 : 0x12)
  }
  t.match(parse(`${IPV6('3a')} 80 00`, { l3: true, length: 41 }), {
    end: 'transport-short',
    ...SIX,
    protocol: 58,
    icmpType: -1,
  })
  t.match(parse(IPV6('3a'), { l3: true, length: 39 }), { end: 'ip-short', ipVersion: 0, src: undefined })
})

const FIELDS = [
  'end',
  'ipVersion',
  'srcAt',
  'dstAt',
  'protocol',
  'fragment',
  'srcPort',
  'dstPort',
  'tcpFlags',
  'icmpType',
  'icmpCode',
  'transportAt',
] as const

t.test('parsing clears every field of the previous packet', async t => {
  const packet = new Packet()
  const bytes = hex(`${IPV4('06')} ${TCP}`)
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length)
  const fields = () => FIELDS.map(name => packet[name])
  packet.parse(view, 0, 0, true)
  const empty = fields()
  t.equal(packet.parse(view, 0, bytes.length, true), true)
  t.notSame(fields(), empty)
  packet.parse(view, 0, 0, true)
  t.same(fields(), empty)
})
