/**
 * packet-model.ts - made-up packets, and what Hubble reads of each: told from what went in, not from the bytes.
 *
 * Out:   fast-check arbitraries. A transport is said before it is put behind headers, and its fields are the flow's.
 *        Rules: cilium/cilium pkg/hubble/parser/threefour/parser.go and gopacket's layers, Cilium 1.19.
 */
import fc from 'fast-check'
import type { Flow } from '../../src/hubble/flow/flow.js'
import { ethernet, ipv4, ipv6, options, udp } from './ethernet.js'
import { type Carried, carried, noise } from './transport-model.js'

export interface Modelled {
  readonly bytes: Buffer
  readonly l3Device: boolean
  readonly ipv6: boolean
  readonly vxlan: boolean
  readonly geneve: boolean
  /** ethernet, IP, l4, tunnel and Summary. */
  readonly read: Pick<Flow, 'ethernet' | 'IP' | 'l4' | 'tunnel' | 'Summary'>
  /** What `cilium monitor` prints behind the colon. */
  readonly connection: string
}

const MACS = { src: '02:00:00:00:00:01', dst: '02:00:00:00:00:0a' }
const V4 = ['10.0.0.1', '10.0.1.2', '10.0.2.9', '93.184.216.34', '10.96.0.10']
const V6 = ['fd00::1', 'fd00::2', '2606:2800::1', '::1', '2001:db8:0:1::']

type Network = Pick<Modelled, 'bytes' | 'ipv6' | 'read' | 'connection'>

/** An address with colons stands in brackets before its port. */
function connection(src: string, dst: string, { l4, words }: Carried): string {
  const ends = l4?.TCP ?? l4?.UDP ?? l4?.SCTP
  if (words === undefined) return `${src} -> ${dst}`
  if (ends === undefined) return `${src} -> ${dst} ${words}`
  const host = (ip: string, port = 0) => `${ip.includes(':') ? `[${ip}]` : ip}:${port}`
  return `${host(src, ends.source_port)} -> ${host(dst, ends.destination_port)} ${words}`
}

const network4 = fc
  .tuple(fc.constantFrom(...V4), fc.constantFrom(...V4), carried, fc.constantFrom(0, 0, 0, 0x2000, 0x0003), noise)
  .map(([src, dst, inner, place, padding]): Network => {
    const { protocol, bytes, l4, summary } = inner
    const IP = { source: src, destination: dst, ipVersion: 'IPv4' } as const
    // Neither the first fragment nor later ones have a transport; what a frame is filled up with is cut.
    const behind = place === 0 && l4 !== undefined ? { IP, l4, Summary: summary! } : { IP, Summary: 'IPv4' }
    return {
      bytes: Buffer.concat([ipv4({ src, dst }, protocol, bytes, place), padding]),
      ipv6: false,
      read: behind,
      connection: place === 0 ? connection(src, dst, inner) : `${src} -> ${dst}`,
    }
  })

const network6 = fc
  .tuple(fc.constantFrom(...V6), fc.constantFrom(...V6), carried, fc.constantFrom(-1, -1, 0, 1), noise)
  .filter(([, , { bytes }, hops]) => bytes.length > 0 || hops >= 0)
  .map(([src, dst, inner, hops, padding]): Network => {
    const { protocol, bytes, l4, summary } = inner
    const IP = { source: src, destination: dst, ipVersion: 'IPv6' } as const
    const packet =
      hops < 0 ? ipv6({ src, dst }, protocol, bytes) : ipv6({ src, dst }, 0, options(protocol, bytes, hops))
    const behind = l4 === undefined ? { IP, Summary: 'IPv6' } : { IP, l4, Summary: summary! }
    // gopacket takes the options off twice, so that padding of a frame behind them may be payload: none here.
    const whole = hops < 0 ? Buffer.concat([packet, padding]) : packet
    return { bytes: whole, ipv6: true, read: behind, connection: connection(src, dst, inner) }
  })

const network = fc.oneof(network4, network6)
const framed = ({ bytes, ipv6: v6, read, connection }: Network): Network => ({
  connection,
  bytes: ethernet(MACS, v6 ? 0x86dd : 0x0800, bytes),
  ipv6: v6,
  read: { ethernet: { source: MACS.src, destination: MACS.dst }, ...read },
})

/** On a device with Ethernet, or without. */
export const plainPacket: fc.Arbitrary<Modelled> = fc.tuple(network, fc.boolean()).map(([inner, l3Device]) => ({
  ...(l3Device ? inner : framed(inner)),
  l3Device,
  vxlan: false,
  geneve: false,
}))

/** A frame in VXLAN, or in Geneve with and without options, in IPv4 or IPv6. */
export const tunnelled: fc.Arbitrary<Modelled> = fc
  .tuple(network, fc.boolean(), fc.boolean(), fc.integer({ min: 1, max: 0xffffff }), fc.nat(2))
  .filter(([{ read }]) => !isTunnelPort(read.l4?.UDP))
  .map(([inner, vxlan, outer6, vni, optionWords]) => {
    const frame = framed(inner)
    const vniBytes = [vni >> 16, (vni >> 8) & 0xff, vni & 0xff, 0]
    // One option of so many words behind its header.
    const option = optionWords === 0 ? [] : [1, 2, 3, optionWords - 1, ...Buffer.alloc(4 * (optionWords - 1))]
    const header = vxlan ? [8, 0, 0, 0, ...vniBytes] : [option.length / 4, 0, 0x65, 0x58, ...vniBytes, ...option]
    const ends = { source_port: 40_000, destination_port: vxlan ? 8472 : 6081 }
    const payload = udp(ends.source_port, ends.destination_port, Buffer.from([...header, ...frame.bytes]))
    const [src, dst] = outer6 ? ['fd01::1', 'fd01::2'] : ['192.168.0.1', '192.168.0.2']
    const packet = outer6 ? ipv6({ src: src!, dst: dst! }, 17, payload) : ipv4({ src: src!, dst: dst! }, 17, payload)
    return {
      bytes: ethernet(MACS, outer6 ? 0x86dd : 0x0800, packet),
      l3Device: false,
      ipv6: outer6,
      vxlan,
      geneve: !vxlan,
      connection: `${frame.connection} [tunnel ${outerEnds(src!, dst!, ends)} ${vxlan ? 'vxlan' : 'geneve'}]`,
      read: {
        ...frame.read,
        tunnel: {
          protocol: vxlan ? 'VXLAN' : 'GENEVE',
          IP: { source: src!, destination: dst!, ipVersion: outer6 ? 'IPv6' : 'IPv4' },
          l4: { UDP: ends },
          vni,
        },
      },
    }
  })

function outerEnds(src: string, dst: string, ends: { source_port: number; destination_port: number }): string {
  return connection(src, dst, { protocol: 17, bytes: Buffer.alloc(0), l4: { UDP: ends }, words: '' }).trimEnd()
}

/** Those lead into another tunnel, which has a test of its own. */
function isTunnelPort(ends: { source_port?: number; destination_port?: number } = {}): boolean {
  return [ends.source_port, ends.destination_port].some(of => of === 4789 || of === 6081)
}
