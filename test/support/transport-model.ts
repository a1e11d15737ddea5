/**
 * transport-model.ts - made-up payloads of IP, and what Hubble and the monitor read of each: told from what went in.
 */
import fc from 'fast-check'
import type { Flow } from '../../src/hubble/flow/flow.js'
import { tcp, udp } from './ethernet.js'

export interface Carried {
  readonly protocol: number
  readonly bytes: Buffer
  readonly l4?: Flow['l4']
  readonly summary?: string
  /** What the monitor prints behind the addresses; with ports, when there are some. */
  readonly words?: string
}

const port = fc.oneof(fc.constantFrom(0, 53, 80, 443, 4789, 6081, 8472), fc.nat(65_535))
const byte = fc.nat(255)
export const noise = fc.uint8Array({ maxLength: 24 })
/** Fields that are zero are not in a flow. */
const set = <T extends object>(fields: T): Partial<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== 0 && value !== false)) as Partial<T>
const be16 = (value: number) => [value >> 8, value & 0xff]

/** Bits from FIN to NS; the summary has an order of its own. */
const FLAG_BITS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'NS'] as const
const FLAG_ORDER = ['SYN', 'ACK', 'RST', 'FIN', 'PSH', 'URG', 'ECE', 'CWR', 'NS'] as const
/** Options that a kernel sends: none; NOP, NOP, timestamps; MSS, SACK permitted, window scale; end of list. */
const TCP_OPTIONS = ['', '0101080a0000000100000002', '020405b4040201030307', '00000000'].map(text =>
  Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8, '01'), 'hex'),
)

const tcpSegment = fc
  .tuple(port, port, fc.nat(0x1ff), fc.constantFrom(...TCP_OPTIONS), noise)
  .map(([source, destination, bits, option, data]): Carried => {
    const header = tcp(source, destination, bits)
    header[12] = ((5 + option.length / 4) << 4) | (bits >> 8)
    const flags = Object.fromEntries(FLAG_BITS.flatMap((name, bit) => (bits & (1 << bit) ? [[name, true]] : [])))
    const names = FLAG_ORDER.filter(name => name in flags)
    return {
      protocol: 6,
      bytes: Buffer.concat([header, option, data]),
      l4: { TCP: { ...set({ source_port: source, destination_port: destination }), flags } },
      summary: `TCP Flags: ${names.join(', ')}`,
      // The monitor knows four of them.
      words: `tcp ${names.filter(name => ['SYN', 'ACK', 'RST', 'FIN'].includes(name)).join(', ')}`,
    }
  })

const datagram = fc.tuple(port, port, noise).map(([source, destination, data]): Carried => {
  const ends = set({ source_port: source, destination_port: destination })
  return { protocol: 17, bytes: udp(source, destination, data), l4: { UDP: ends }, summary: 'UDP', words: 'udp' }
})

/** Chunks of every kind: Cilium 1.19 tells none of them. */
const sctp = fc.tuple(port, port, byte, noise).map(([source, destination, chunk, data]): Carried => {
  const bytes = Buffer.from([...be16(source), ...be16(destination), ...Buffer.alloc(8), chunk, ...data])
  return {
    protocol: 132,
    bytes,
    l4: { SCTP: set({ source_port: source, destination_port: destination }) },
    summary: 'SCTP',
    words: 'sctp',
  }
})

/** Only type and code; their words have a test of their own. */
const ECHOES: readonly [boolean, number, string][] = [
  [false, 0, 'ICMPv4 EchoReply'],
  [false, 8, 'ICMPv4 EchoRequest'],
  [false, 200, 'ICMPv4 200(0)'],
  [true, 128, 'ICMPv6 EchoRequest'],
  [true, 135, 'ICMPv6 NeighborSolicitation'],
  [true, 143, 'ICMPv6 143(0)'],
]
const icmp = fc.tuple(fc.constantFrom(...ECHOES), noise).map(([[v6, type, summary], data]): Carried => {
  const bytes = Buffer.from([type, 0, 0, 0, 0, 0, 0, 0, ...data])
  return {
    protocol: v6 ? 58 : 1,
    bytes,
    l4: { [v6 ? 'ICMPv6' : 'ICMPv4']: set({ type }) },
    summary,
    words: `icmp ${summary.split(' ')[1]}`,
  }
})

const vrrp = fc.tuple(byte, byte, fc.integer({ min: 1, max: 4 })).map(([vrid, priority, count]): Carried => {
  const bytes = Buffer.from([0x21, vrid, priority, count, 0, 1, 0, 0, ...Buffer.alloc(4 * count, 10)])
  const l4 = { VRRP: set({ type: 1, vrid, priority }) }
  const name = 'VRRPv2 Advertisement'
  return { protocol: 112, bytes, l4, summary: `VRRP ${name}`, words: `vrrp ${name} ${vrid} ${priority}` }
})

const IGMP_WORDS: readonly [number, string][] = [
  [0x11, 'IGMP Membership Query'],
  [0x12, 'IGMPv1 Membership Report'],
  [0x16, 'IGMPv2 Membership Report'],
  [0x17, 'Leave Group'],
  [0x22, 'IGMPv3 Membership Report'],
  [0x99, ''],
]
const igmp = fc.constantFrom(...IGMP_WORDS).map(([type, words]): Carried => {
  const l4 = { IGMP: { type, group_address: '224.0.0.251' } }
  return {
    protocol: 2,
    bytes: Buffer.from([type, 0, 0, 0, 224, 0, 0, 251]),
    l4,
    summary: `IGMP ${words}`,
    words: `igmp ${words} 224.0.0.251`,
  }
})

/** ESP, AH, GRE, routing, fragment and destination headers, no next header, and numbers of nobody. */
const unread = fc
  .tuple(fc.constantFrom(50, 51, 47, 43, 44, 60, 59, 99, 255), noise)
  .map(([protocol, data]): Carried => ({ protocol, bytes: Buffer.from(data) }))

export const carried = fc.oneof(tcpSegment, tcpSegment, datagram, sctp, icmp, vrrp, igmp, unread)
