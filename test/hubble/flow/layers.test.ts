/**
 * layers.test.ts - packets decoded header by header as Hubble's decoder does: where it stops, and what it refuses.
 */
import t from 'tap'
import { Layers, type PacketFlags } from '../../../src/hubble/flow/layers/layers.js'
import { ETHERTYPE, ethernet, ipv4, ipv6, options, tcp, udp } from '../../support/ethernet.js'

const V4 = { src: '10.0.0.1', dst: '10.0.1.2' }
const V6 = { src: 'fd00::1', dst: 'fd00::2' }
const MACS = { src: '02:00:00:00:00:01', dst: '02:00:00:00:00:0a' }
const SYN = tcp(40_000, 443, 0x02)
const ETHERNET: PacketFlags = { l3Device: false, ipv6: false }
const L3: PacketFlags = { l3Device: true, ipv6: false }
const L3V6: PacketFlags = { l3Device: true, ipv6: true }
const hex = (text: string) => Buffer.from(text.replaceAll(' ', ''), 'hex')

function read(packet: Uint8Array, flags: PacketFlags): Layers {
  const layers = new Layers()
  // Bytes before and after the packet must not matter.
  const bytes = Buffer.concat([Buffer.alloc(3, 0xee), packet, Buffer.alloc(64, 0xee)])
  const copy = new Uint8Array(bytes)
  layers.read(new DataView(copy.buffer), copy, 3, packet.length, flags)
  return layers
}

const error = (packet: Uint8Array, flags = L3) => read(packet, flags).error
const frame = (type: number, payload: Uint8Array) => ethernet(MACS, type, payload)
const patched = (packet: Buffer, at: number, ...bytes: number[]) => {
  const copy = Buffer.from(packet)
  copy.set(bytes, at)
  return copy
}

t.test('Ethernet, IPv4 and TCP give addresses, ports, flags and a summary', async t => {
  const layers = read(frame(ETHERTYPE.ipv4, ipv4(V4, 6, SYN)), ETHERNET)
  t.match(layers, {
    ethernet: { source: MACS.src, destination: MACS.dst },
    ip: { source: '10.0.0.1', destination: '10.0.1.2', ipVersion: 'IPv4' },
    l4: { TCP: { source_port: 40_000, destination_port: 443, flags: { SYN: true } } },
    summary: 'TCP Flags: SYN',
  })
})

t.test("TCP flags are in Hubble's order, and no flags are an empty list", async t => {
  t.equal(read(ipv4(V4, 6, tcp(1, 2, 0x1ff)), L3).summary, 'TCP Flags: SYN, ACK, RST, FIN, PSH, URG, ECE, CWR, NS')
  const none = read(ipv4(V4, 6, tcp(1, 2, 0)), L3)
  t.equal(none.summary, 'TCP Flags: ')
  t.strictSame(none.l4, { TCP: { source_port: 1, destination_port: 2, flags: {} } })
})

t.test('packets of devices without Ethernet start with IP, in the version of the flag', async t => {
  t.match(read(ipv6(V6, 6, SYN), L3V6), { ip: { source: 'fd00::1', ipVersion: 'IPv6' }, ethernet: undefined })
  t.match(read(ipv4(V4, 6, SYN), L3), { ip: { ipVersion: 'IPv4' } })
  t.match(error(ipv4(V4, 6, SYN), L3V6), /IPv6/, 'the packet itself does not decide')
})

t.test('UDP, SCTP, ICMP, VRRP and IGMP give their fields and a summary', async t => {
  const of = (protocol: number, bytes: Uint8Array) => read(ipv4(V4, protocol, bytes), L3)
  t.match(of(17, udp(53, 0, hex('00'))), { l4: { UDP: { source_port: 53 } }, summary: 'UDP' })
  t.notOk('destination_port' in of(17, udp(53, 0, hex('00'))).l4!.UDP!)
  t.match(of(132, hex('0050 1f90 00000000 00000000 01')), {
    l4: { SCTP: { source_port: 80, destination_port: 8080 } },
    summary: 'SCTP',
  })
  t.match(of(1, hex('0301000000000000')), {
    l4: { ICMPv4: { type: 3, code: 1 } },
    summary: 'ICMPv4 DestinationUnreachable(Host)',
  })
  t.strictSame(of(1, hex('0000000000000000')).l4, { ICMPv4: {} })
  t.equal(of(1, hex('0000000000000000')).summary, 'ICMPv4 EchoReply')
  t.match(of(112, hex('21 07 64 01 0000 0000 0a000001')), {
    l4: { VRRP: { type: 1, vrid: 7, priority: 100 } },
    summary: 'VRRP VRRPv2 Advertisement',
  })
  t.match(of(2, hex('1600 0000 e0000001')), {
    l4: { IGMP: { type: 22, group_address: '224.0.0.1' } },
    summary: 'IGMP IGMPv2 Membership Report',
  })
  t.equal(of(2, hex('9900 0000 e0000001')).summary, 'IGMP ')
  t.match(read(ipv6(V6, 58, hex('8000 0000')), L3V6), { l4: { ICMPv6: { type: 128 } }, summary: 'ICMPv6 EchoRequest' })
})

t.test('the walk stops without an error at a header without a reader', async t => {
  const stops: [string, Uint8Array, string][] = [
    ['ARP', frame(0x0806, hex('0001')), 'Ethernet'],
    ['a VLAN tag', ethernet(MACS, ETHERTYPE.ipv4, ipv4(V4, 6, SYN), [[ETHERTYPE.vlan, 5]]), 'Ethernet'],
    ['LLC', frame(0x0026, hex('4242')), 'Ethernet'],
    ['Ethernet alone', frame(ETHERTYPE.ipv4, new Uint8Array(0)), 'Ethernet'],
    ['GRE', frame(ETHERTYPE.ipv4, ipv4(V4, 47, hex('00000800'))), 'IPv4'],
    ['a first fragment', frame(ETHERTYPE.ipv4, ipv4(V4, 6, SYN, 0x2000)), 'IPv4'],
    ['a later fragment', frame(ETHERTYPE.ipv4, ipv4(V4, 6, SYN, 0x0005)), 'IPv4'],
    ['a fragment header', frame(ETHERTYPE.ipv6, ipv6(V6, 44, hex('0600000100000000'))), 'IPv6'],
    ['destination options', frame(ETHERTYPE.ipv6, ipv6(V6, 60, options(6, SYN))), 'IPv6'],
    ['an IP header alone', frame(ETHERTYPE.ipv4, ipv4(V4, 6, new Uint8Array(0))), 'IPv4'],
  ]
  for (const [what, packet, summary] of stops) {
    const layers = read(packet, ETHERNET)
    t.equal(layers.error, '', what)
    t.equal(layers.summary, summary, what)
    t.equal(layers.l4, undefined, what)
  }
  t.equal(read(new Uint8Array(0), ETHERNET).summary, '')
})

t.test("hop-by-hop options are skipped, and the frame's padding is cut off", async t => {
  t.match(read(ipv6(V6, 0, options(6, SYN)), L3V6), { l4: { TCP: { destination_port: 443 } } })
  const padded = Buffer.concat([ipv4(V4, 17, udp(1, 2, new Uint8Array(0))), Buffer.alloc(18)])
  t.match(read(padded, L3), { l4: { UDP: {} } })
  t.equal(error(Buffer.concat([ipv4(V4, 6, SYN.subarray(0, 19)), hex('00')])), 'TCP: header too short')
})

t.test('with a total length or a UDP length of 0 the packet extends to the end of the capture', async t => {
  t.match(read(patched(ipv4(V4, 6, SYN), 2, 0, 0), L3), { summary: 'TCP Flags: SYN' })
  t.match(read(ipv4(V4, 17, patched(udp(1, 2, hex('aa')), 4, 0, 0)), L3), { summary: 'UDP' })
})

t.test('the inner header of IP in IP wins', async t => {
  t.match(read(ipv4(V4, 4, ipv4({ src: '1.1.1.1', dst: '2.2.2.2' }, 6, SYN)), L3), { ip: { source: '1.1.1.1' } })
  t.match(read(ipv4(V4, 41, ipv6(V6, 6, SYN)), L3), { ip: { source: 'fd00::1' }, summary: 'TCP Flags: SYN' })
})

t.test("a malformed packet is refused with the header's name and what is wrong", async t => {
  const v4 = ipv4(V4, 6, SYN)
  const refused: [string, Uint8Array, PacketFlags, RegExp][] = [
    ['Ethernet cut', Buffer.alloc(13), ETHERNET, /^Ethernet: packet too small/],
    ['IPv4 cut', v4.subarray(0, 19), L3, /^IPv4: header too short/],
    ['IHL 4', patched(v4, 0, 0x44), L3, /^IPv4: length/],
    ['total length 19', patched(v4, 2, 0, 19), L3, /^IPv4: length/],
    ['total length below IHL', patched(v4, 0, 0x46, 0, 0, 20), L3, /^IPv4: length/],
    ['options cut', patched(v4, 0, 0x4f, 0, 1, 0), L3, /^IPv4: not all header bytes/],
    ['IPv6 cut', ipv6(V6, 6, SYN).subarray(0, 39), L3V6, /^IPv6: header too short/],
    ['IPv6 length 0', patched(ipv6(V6, 6, SYN), 4, 0, 0), L3V6, /^IPv6: length 0/],
    ['hop-by-hop cut', ipv6(V6, 0, options(6, SYN)).subarray(0, 44), L3V6, /^IPv6: hop-by-hop/],
    ['TCP cut', ipv4(V4, 6, SYN.subarray(0, 19)), L3, /^TCP: header too short/],
    ['data offset 4', ipv4(V4, 6, patched(SYN, 12, 0x40)), L3, /^TCP: data offset 4/],
    ['data offset 15', ipv4(V4, 6, patched(SYN, 12, 0xf0)), L3, /^TCP: data offset 15/],
    [
      'TCP option 0 long',
      ipv4(V4, 6, Buffer.concat([patched(SYN, 12, 0x60), hex('02000000')])),
      L3,
      /^TCP: option length 0/,
    ],
    [
      'TCP option too long',
      ipv4(V4, 6, Buffer.concat([patched(SYN, 12, 0x60), hex('02050000')])),
      L3,
      /^TCP: option length 5/,
    ],
    ['UDP cut', ipv4(V4, 17, udp(1, 2, hex('')).subarray(0, 7)), L3, /^UDP: header too short/],
    ['UDP length 7', ipv4(V4, 17, patched(udp(1, 2, hex('')), 4, 0, 7)), L3, /^UDP: length 7/],
    ['ICMP cut', ipv4(V4, 1, Buffer.alloc(7)), L3, /^ICMPv4: header too short/],
    ['ICMPv6 cut', ipv6(V6, 58, Buffer.alloc(3)), L3V6, /^ICMPv6: header too short/],
    ['SCTP cut', ipv4(V4, 132, Buffer.alloc(11)), L3, /^SCTP: header too short/],
    ['VRRP type', ipv4(V4, 112, hex('22 07 64 01 0000 0000 0a000001')), L3, /^VRRP: type 2/],
    ['VRRP without address', ipv4(V4, 112, hex('21 07 64 00 0000 0000')), L3, /^VRRP: packet too short/],
    ['IGMP cut', ipv4(V4, 2, Buffer.alloc(7)), L3, /^IGMP: packet too small/],
  ]
  for (const [what, packet, flags, message] of refused) t.match(error(packet, flags), message, what)
})

t.test('padding and valid IPv4 options pass, others are refused', async t => {
  const withOptions = (bytes: string) => {
    const packet = Buffer.concat([ipv4(V4, 6, SYN).subarray(0, 20), hex(bytes), SYN])
    return patched(packet, 0, 0x46, 0, 0, packet.length)
  }
  t.equal(error(withOptions('01010101')), '')
  t.equal(error(withOptions('00ffffff')), '', 'end of options')
  t.equal(error(withOptions('07040000')), '')
  t.match(error(withOptions('07020000')), /^IPv4: option length 2/)
  t.match(error(withOptions('07050000')), /^IPv4: option length 5/)
  t.match(error(withOptions('01010107')), /^IPv4: option too short/)
})

const VXLAN: PacketFlags = { ...ETHERNET, vxlan: true }
const GENEVE: PacketFlags = { ...ETHERNET, geneve: true }
const inner = frame(ETHERTYPE.ipv6, ipv6(V6, 6, SYN))
const vxlan = (payload: Uint8Array) => Buffer.concat([hex('08000000 00012c 00'), payload])
const geneve = (payload: Uint8Array, type = '6558', opts = '') =>
  Buffer.concat([Buffer.of(opts.length / 8, 0), hex(type), hex('00002a 00'), hex(opts), payload])
const outer = (port: number, payload: Uint8Array) => frame(ETHERTYPE.ipv4, ipv4(V4, 17, udp(40_000, port, payload)))

t.test('a tunnelled packet gives the inner packet, and the outer one as tunnel', async t => {
  t.match(read(outer(8472, vxlan(inner)), VXLAN), {
    tunnel: {
      protocol: 'VXLAN',
      IP: { source: '10.0.0.1', destination: '10.0.1.2', ipVersion: 'IPv4' },
      l4: { UDP: { source_port: 40_000, destination_port: 8472 } },
      vni: 300,
    },
    ip: { source: 'fd00::1' },
    summary: 'TCP Flags: SYN',
  })
  t.match(read(outer(6081, geneve(inner)), GENEVE), {
    tunnel: { protocol: 'GENEVE', vni: 42 },
    ip: { source: 'fd00::1' },
  })
  const bare = read(outer(6081, geneve(ipv4(V4, 6, SYN), '0800', '0102030100000000')), GENEVE)
  t.match(
    bare,
    { ethernet: undefined, tunnel: { vni: 42 }, ip: { source: '10.0.0.1' } },
    'with options, and IP without Ethernet',
  )
})

t.test('nested tunnels give the innermost packet, and the outer network id', async t => {
  const nested = (port: number, payload: Uint8Array, from = 40_000) =>
    frame(ETHERTYPE.ipv4, ipv4({ src: '1.1.1.1', dst: '2.2.2.2' }, 17, udp(from, port, payload)))
  const twice = read(outer(8472, vxlan(nested(6081, geneve(inner)))), VXLAN)
  t.match(twice, { ip: { source: 'fd00::1' }, tunnel: { protocol: 'VXLAN', vni: 300 }, summary: 'TCP Flags: SYN' })
  const same = read(outer(8472, vxlan(nested(4789, patched(vxlan(inner), 6, 7)))), VXLAN)
  t.match(
    same,
    { tunnel: { IP: { source: '10.0.0.1' }, vni: (1 << 8) | 7 } },
    'the inner network id of two tunnels of one kind',
  )
  t.equal(
    read(outer(8472, vxlan(nested(80, vxlan(inner), 4789))), VXLAN).ip?.source,
    'fd00::1',
    'the source port counts too',
  )
  t.equal(
    read(outer(8472, vxlan(nested(53, vxlan(inner), 4789))), VXLAN).summary,
    'UDP',
    'unless the destination port is known',
  )
  t.equal(read(outer(8472, vxlan(nested(4789, vxlan(new Uint8Array(0))))), VXLAN).summary, 'VXLAN')
  t.match(error(outer(8472, vxlan(nested(4789, hex('08000000')))), VXLAN), /^VXLAN: packet too small/)
  t.equal(read(nested(4789, vxlan(inner)), ETHERNET).summary, 'UDP', 'outside a tunnel the port does not decide')
})

t.test('a tunnel with an inner packet without a reader is shown alone', async t => {
  const layers = read(outer(6081, geneve(hex('00'), '0806')), GENEVE)
  t.match(layers, { error: '', tunnel: { protocol: 'GENEVE' }, ip: undefined, l4: undefined, summary: '' })
})

t.test('a tunnel flag needs UDP and a complete tunnel header', async t => {
  const plain = read(frame(ETHERTYPE.ipv4, ipv4(V4, 6, SYN)), VXLAN)
  t.match(plain, { error: '', tunnel: undefined, summary: 'TCP Flags: SYN' })
  t.match(error(outer(8472, hex('08000000')), VXLAN), /^VXLAN: packet too small/)
  t.match(error(outer(8472, new Uint8Array(0)), VXLAN), /^VXLAN: packet too small/)
  t.match(error(outer(8472, vxlan(inner.subarray(0, 13))), VXLAN), /^Ethernet: packet too small/)
  t.match(error(outer(6081, hex('00006558')), GENEVE), /^Geneve: packet too short/)
  t.match(error(outer(6081, geneve(hex(''), '6558', '01020303')), GENEVE), /^Geneve: option too small/)
  t.equal(read(outer(8472, vxlan(inner)), ETHERNET).tunnel, undefined, 'without the flag it is UDP')
})
