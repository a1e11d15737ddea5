/**
 * layers.test.ts - decoding of packets header by header, intact and damaged ones.
 *
 * In:    test/fixtures/dissections.jsonl: one packet per line, with the output of gopacket's LayerString. kind: e
 *        Ethernet, 4 and 6 from an L3 device, v VXLAN, g Geneve. Error texts are omitted.
 */
import { readFileSync } from 'node:fs'
import t from 'tap'
import { connectionText } from '../../src/monitor/connection.js'
import { Span } from '../../src/monitor/layers/span.js'
import type { PacketKind } from '../../src/monitor/layers/walk.js'
import { packetText } from '../../src/monitor/packet-text.js'

interface Dissection {
  readonly name: string
  readonly kind: string
  readonly packet: string
  readonly lines: readonly string[]
}

const dissections: Dissection[] = readFileSync('test/fixtures/dissections.jsonl', 'utf8')
  .trim()
  .split('\n')
  .map(line => JSON.parse(line))

function spanOf(hex: string): Span {
  const bytes = Buffer.from(`ff${hex}ee`, 'hex')
  return new Span(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 1, bytes.length - 2)
}

const kindOf = (kind: string): PacketKind => ({
  l3Device: !kind.startsWith('e'),
  ipv6: kind.startsWith('6'),
  vxlan: kind.includes('v'),
  geneve: kind.includes('g'),
})

const connectionOf = (name: string) => {
  const { kind, packet } = dissections.find(dissection => dissection.name === name)!
  return connectionText(spanOf(packet), kindOf(kind))
}

t.test('the headers of a packet are dumped field by field', async t => {
  for (const { name, kind, packet, lines } of dissections) {
    const got = packetText(spanOf(packet), kindOf(kind), false)
    t.same(
      got
        .trimEnd()
        .split('\n')
        .map(line => line.replace(/(Failed to decode layer:).*/, '$1')),
      lines,
      name,
    )
  }
})

t.test("a packet's summary has its innermost headers", async t => {
  t.same(
    [
      'TCP with the usual options',
      'SCTP',
      'a first fragment',
      'ESP',
      'an ICMP redirect',
      'an ICMPv6 echo request with a code',
      'ICMPv6 of no known type',
      'a VRRP advertisement',
      'an IGMP query',
      'IPv6 in IPv4',
      'hop-by-hop options',
      'ARP',
      '802.3 with padding',
      'an EtherType without name',
    ].map(connectionOf),
    [
      '10.0.0.1:443 -> 10.0.0.2:8080 tcp SYN, ACK',
      '10.0.0.1:80 -> 10.0.0.2:2905 sctp',
      '10.0.0.1 -> 10.0.0.2',
      '10.0.0.1 -> 10.0.0.2',
      '10.0.0.1 -> 10.0.0.2 icmp Redirect(TOS+Host)',
      '::1 -> fd00::2 icmp EchoRequest(Code: 3)',
      '::1 -> fd00::2 icmp 143(0)',
      '10.0.0.1 -> 10.0.0.2 vrrp VRRPv2 Advertisement 1 100',
      '10.0.0.1 -> 10.0.0.2 igmp IGMP Membership Query 224.0.0.1',
      '[::1]:53 -> [fd00::2]:9999 udp',
      '[::1]:443 -> [fd00::2]:8080 tcp SYN, ACK',
      '02:00:00:00:00:01 -> 02:00:00:00:00:02 ARP',
      '02:00:00:00:00:01 -> 02:00:00:00:00:02 LLC',
      '02:00:00:00:00:01 -> 02:00:00:00:00:02 UnknownEthernetType',
    ],
  )
})

t.test("a tunnelled packet's summary has the inner headers and the tunnel's", async t => {
  t.same(['VXLAN', 'VXLAN with group policy', 'Geneve with an option', 'Geneve around IPv4'].map(connectionOf), [
    '[::1]:443 -> [fd00::2]:8080 tcp SYN, ACK [tunnel 10.0.0.1:53 -> 10.0.0.2:8472 vxlan]',
    '02:00:00:00:00:01 -> 02:00:00:00:00:02 ARP [tunnel 10.0.0.1:53 -> 10.0.0.2:8472 vxlan]',
    '10.0.0.1:443 -> 10.0.0.2:8080 tcp SYN, ACK [tunnel 10.0.0.1:53 -> 10.0.0.2:6081 geneve]',
    '10.0.0.1:443 -> 10.0.0.2:8080 tcp SYN, ACK [tunnel 10.0.0.1:53 -> 10.0.0.2:6081 geneve]',
  ])
  t.equal(
    connectionOf('a tunnel without UDP'),
    '10.0.0.1:443 -> 10.0.0.2:8080 tcp SYN, ACK',
    'the flag alone makes no tunnel',
  )
  t.equal(connectionOf('VXLAN without flag'), '10.0.0.1:53 -> 10.0.0.2:4789 udp', 'the port alone makes no tunnel')
})

t.test('a malformed packet prints [error], inside a tunnel too, and an empty one [unknown]', async t => {
  for (const name of [
    'a short TCP header',
    'VXLAN with a truncated packet',
    'VXLAN that is cut',
    'a short IPv6 header',
  ])
    t.equal(connectionOf(name), '[error]', name)
  t.equal(connectionText(spanOf(''), kindOf('e')), '[unknown]')
})

t.test('the last Geneve option may extend past the options length, as far as there are bytes', async t => {
  const eth = '020000000002020000000001'
  // The header declares one word of options, but the option has two; the payload is ARP.
  const geneve = `01006558 00002a00 00010201 aabbccdd ${eth} 0806`.replaceAll(' ', '')
  const udp = `9c4017c1${(8 + geneve.length / 2).toString(16).padStart(4, '0')}0000`
  const ip = `4500${(28 + geneve.length / 2).toString(16).padStart(4, '0')}0000000040110000c0a80001c0a80002`
  const packet = `${eth}0800${ip}${udp}${geneve}`
  const arp = '02:00:00:00:00:01 -> 02:00:00:00:00:02 ARP'
  t.equal(connectionText(spanOf(packet), kindOf('eg')), `${arp} [tunnel 192.168.0.1:40000 -> 192.168.0.2:6081 geneve]`)
  t.equal(
    connectionText(spanOf(packet.slice(0, -eth.length - 12)), kindOf('eg')),
    '[error]',
    'but not past the last byte',
  )
})

t.test('a hex dump has sixteen bytes per line', async t => {
  const packet = spanOf('000102030405060708090a0b0c0d0e0f 202141 7f'.replace(/ /g, ''))
  t.equal(
    packetText(packet, kindOf('e'), true),
    '00000000  00 01 02 03 04 05 06 07  08 09 0a 0b 0c 0d 0e 0f  |................|\n' +
      '00000010  20 21 41 7f                                       | !A.|\n',
  )
})
