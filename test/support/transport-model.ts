/**
 * transport-model.ts - generated payloads of IP packets, each with the flow fields and the monitor text that Cilium reads from it.
 */
import fc from 'fast-check'
import type { Flow } from '../../src/hubble/flow/flow.js'
import { tcp, udp } from './ethernet.js'

export interface IpPayload {
  readonly protocol: number
  readonly bytes: Buffer
  readonly l4?: Flow['l4']
  readonly summary?: string
  /** The text of `cilium monitor` after the addresses and ports. */
  readonly monitorText?: string
}

const port = fc.oneof(fc.constantFrom(0, 53, 80, 443, 4789, 6081, 8472), fc.nat(65_535))
const byte = fc.nat(255)
export const noise = fc.uint8Array({ maxLength: 24 })
/** A flow omits fields that are zero. */
const set = <T extends object>(fields: T): Partial<T> =>
  Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== 0 && value !== false)) as Partial<T>
const be16 = (value: number) => [value >> 8, value & 0xff]

/** FLAG_BITS is the order of the bits, FLAG_ORDER the order in the summary. */
const FLAG_BITS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'NS'] as const
const FLAG_ORDER = ['SYN', 'ACK', 'RST', 'FIN', 'PSH', 'URG', 'ECE', 'CWR', 'NS'] as const
/** Options as a kernel sends them: none; NOP, NOP, timestamps; MSS, SACK permitted, window scale; end of list. */
const TCP_OPTIONS = ['', '0101080a0000000100000002', '020405b4040201030307', '00000000'].map(text =>
  Buffer.from(text.padEnd(Math.ceil(text.length / 8) * 8, '01'), 'hex'),
)

const tcpSegment = fc
  .tuple(port, port, fc.nat(0x1ff), fc.constantFrom(...TCP_OPTIONS), noise)
  .map(([source, destination, bits, option, data]): IpPayload => {
    const header = tcp(source, destination, bits)
    header[12] = ((5 + option.length / 4) << 4) | (bits >> 8)
    const flags = Object.fromEntries(FLAG_BITS.flatMap((name, bit) => (bits & (1 << bit) ? [[name, true]] : [])))
    const names = FLAG_ORDER.filter(name => name in flags)
    return {
      protocol: 6,
      bytes: Buffer.concat([header, option, data]),
      l4: { TCP: { ...set({ source_port: source, destination_port: destination }), flags } },
      summary: `TCP Flags: ${names.join(', ')}`,
      // The monitor prints only these four.
      monitorText: `tcp ${names.filter(name => ['SYN', 'ACK', 'RST', 'FIN'].includes(name)).join(', ')}`,
    }
  })

const datagram = fc.tuple(port, port, noise).map(([source, destination, data]): IpPayload => {
  const ports = set({ source_port: source, destination_port: destination })
  return { protocol: 17, bytes: udp(source, destination, data), l4: { UDP: ports }, summary: 'UDP', monitorText: 'udp' }
})

/** With any chunk type: Cilium 1.19 reports none. */
const sctp = fc.tuple(port, port, byte, noise).map(([source, destination, chunk, data]): IpPayload => {
  const bytes = Buffer.from([...be16(source), ...be16(destination), ...Buffer.alloc(8), chunk, ...data])
  return {
    protocol: 132,
    bytes,
    l4: { SCTP: set({ source_port: source, destination_port: destination }) },
    summary: 'SCTP',
    monitorText: 'sctp',
  }
})

/** Type and summary, with code 0. The texts of other types and codes have their own test. */
const ECHOES: readonly [boolean, number, string][] = [
  [false, 0, 'ICMPv4 EchoReply'],
  [false, 8, 'ICMPv4 EchoRequest'],
  [false, 200, 'ICMPv4 200(0)'],
  [true, 128, 'ICMPv6 EchoRequest'],
  [true, 135, 'ICMPv6 NeighborSolicitation'],
  [true, 143, 'ICMPv6 143(0)'],
]
const icmp = fc.tuple(fc.constantFrom(...ECHOES), noise).map(([[v6, type, summary], data]): IpPayload => {
  const bytes = Buffer.from([type, 0, 0, 0, 0, 0, 0, 0, ...data])
  return {
    protocol: v6 ? 58 : 1,
    bytes,
    l4: { [v6 ? 'ICMPv6' : 'ICMPv4']: set({ type }) },
    summary,
    monitorText: `icmp ${summary.split(' ')[1]}`,
  }
})

const vrrp = fc.tuple(byte, byte, fc.integer({ min: 1, max: 4 })).map(([vrid, priority, count]): IpPayload => {
  const bytes = Buffer.from([0x21, vrid, priority, count, 0, 1, 0, 0, ...Buffer.alloc(4 * count, 10)])
  const l4 = { VRRP: set({ type: 1, vrid, priority }) }
  const name = 'VRRPv2 Advertisement'
  return { protocol: 112, bytes, l4, summary: `VRRP ${name}`, monitorText: `vrrp ${name} ${vrid} ${priority}` }
})

const IGMP_WORDS: readonly [number, string][] = [
  [0x11, 'IGMP Membership Query'],
  [0x12, 'IGMPv1 Membership Report'],
  [0x16, 'IGMPv2 Membership Report'],
  [0x17, 'Leave Group'],
  [0x22, 'IGMPv3 Membership Report'],
  [0x99, ''],
]
const igmp = fc.constantFrom(...IGMP_WORDS).map(([type, monitorText]): IpPayload => {
  const l4 = { IGMP: { type, group_address: '224.0.0.251' } }
  return {
    protocol: 2,
    bytes: Buffer.from([type, 0, 0, 0, 224, 0, 0, 251]),
    l4,
    summary: `IGMP ${monitorText}`,
    monitorText: `igmp ${monitorText} 224.0.0.251`,
  }
})

/** ESP, AH, GRE, routing, fragment and destination options headers, no next header, and unassigned numbers. */
const unparsed = fc
  .tuple(fc.constantFrom(50, 51, 47, 43, 44, 60, 59, 99, 255), noise)
  .map(([protocol, data]): IpPayload => ({ protocol, bytes: Buffer.from(data) }))

export const ipPayload = fc.oneof(tcpSegment, tcpSegment, datagram, sctp, icmp, vrrp, igmp, unparsed)
