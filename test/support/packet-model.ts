/**
 * packet-model.ts - generated packets, each with the flow fields and the monitor text that Cilium reads from it.
 *
 * Out:   fast-check arbitraries. The expected fields come from the generated values; the bytes are not parsed.
 *        Rules: cilium/cilium pkg/hubble/parser/threefour/parser.go and gopacket's layers, Cilium 1.19.
 */
import fc from 'fast-check'
import type { Flow } from '../../src/hubble/flow/flow.js'
import { ethernet, ipv4, ipv6, options, udp } from './ethernet.js'
import { type IpPayload, ipPayload, noise } from './transport-model.js'

export interface GeneratedPacket {
  readonly bytes: Buffer
  readonly l3Device: boolean
  readonly ipv6: boolean
  readonly vxlan: boolean
  readonly geneve: boolean
  /** The flow's fields that come from the packet. */
  readonly fields: Pick<Flow, 'ethernet' | 'IP' | 'l4' | 'tunnel' | 'Summary'>
  /** The text of `cilium monitor` after the colon. */
  readonly connection: string
}

const MACS = { src: '02:00:00:00:00:01', dst: '02:00:00:00:00:0a' }
const V4 = ['10.0.0.1', '10.0.1.2', '10.0.2.9', '93.184.216.34', '10.96.0.10']
const V6 = ['fd00::1', 'fd00::2', '2606:2800::1', '::1', '2001:db8:0:1::']

type Network = Pick<GeneratedPacket, 'bytes' | 'ipv6' | 'fields' | 'connection'>

/** Addresses, ports and protocol as `cilium monitor` prints them: an IPv6 address before a port is in brackets. */
function connection(src: string, dst: string, { l4, monitorText }: IpPayload): string {
  const ports = l4?.TCP ?? l4?.UDP ?? l4?.SCTP
  if (monitorText === undefined) return `${src} -> ${dst}`
  if (ports === undefined) return `${src} -> ${dst} ${monitorText}`
  const host = (ip: string, port = 0) => `${ip.includes(':') ? `[${ip}]` : ip}:${port}`
  return `${host(src, ports.source_port)} -> ${host(dst, ports.destination_port)} ${monitorText}`
}

const network4 = fc
  .tuple(fc.constantFrom(...V4), fc.constantFrom(...V4), ipPayload, fc.constantFrom(0, 0, 0, 0x2000, 0x0003), noise)
  .map(([src, dst, inner, fragmentField, padding]): Network => {
    const { protocol, bytes, l4, summary } = inner
    const IP = { source: src, destination: dst, ipVersion: 'IPv4' } as const
    // No fragment has a transport, not even the first. The frame's padding is not part of the packet.
    const fields = fragmentField === 0 && l4 !== undefined ? { IP, l4, Summary: summary! } : { IP, Summary: 'IPv4' }
    return {
      bytes: Buffer.concat([ipv4({ src, dst }, protocol, bytes, fragmentField), padding]),
      ipv6: false,
      fields,
      connection: fragmentField === 0 ? connection(src, dst, inner) : `${src} -> ${dst}`,
    }
  })

const network6 = fc
  .tuple(fc.constantFrom(...V6), fc.constantFrom(...V6), ipPayload, fc.constantFrom(-1, -1, 0, 1), noise)
  .filter(([, , { bytes }, hops]) => bytes.length > 0 || hops >= 0)
  .map(([src, dst, inner, hops, padding]): Network => {
    const { protocol, bytes, l4, summary } = inner
    const IP = { source: src, destination: dst, ipVersion: 'IPv6' } as const
    const packet =
      hops < 0 ? ipv6({ src, dst }, protocol, bytes) : ipv6({ src, dst }, 0, options(protocol, bytes, hops))
    const fields = l4 === undefined ? { IP, Summary: 'IPv6' } : { IP, l4, Summary: summary! }
    // gopacket removes the options twice and may read the frame's padding as payload, so there is no padding here.
    const whole = hops < 0 ? Buffer.concat([packet, padding]) : packet
    return { bytes: whole, ipv6: true, fields, connection: connection(src, dst, inner) }
  })

const network = fc.oneof(network4, network6)
const framed = ({ bytes, ipv6: v6, fields, connection }: Network): Network => ({
  connection,
  bytes: ethernet(MACS, v6 ? 0x86dd : 0x0800, bytes),
  ipv6: v6,
  fields: { ethernet: { source: MACS.src, destination: MACS.dst }, ...fields },
})

/** A packet of a device with or without Ethernet headers. */
export const plainPacket: fc.Arbitrary<GeneratedPacket> = fc.tuple(network, fc.boolean()).map(([inner, l3Device]) => ({
  ...(l3Device ? inner : framed(inner)),
  l3Device,
  vxlan: false,
  geneve: false,
}))

/** A frame inside VXLAN, or inside Geneve with or without options, over IPv4 or IPv6. */
export const tunnelled: fc.Arbitrary<GeneratedPacket> = fc
  .tuple(network, fc.boolean(), fc.boolean(), fc.integer({ min: 1, max: 0xffffff }), fc.nat(2))
  .filter(([{ fields }]) => !isTunnelPort(fields.l4?.UDP))
  .map(([inner, vxlan, outer6, vni, optionWords]) => {
    const frame = framed(inner)
    const vniBytes = [vni >> 16, (vni >> 8) & 0xff, vni & 0xff, 0]
    // One Geneve option of `optionWords` words, its header included.
    const option = optionWords === 0 ? [] : [1, 2, 3, optionWords - 1, ...Buffer.alloc(4 * (optionWords - 1))]
    const header = vxlan ? [8, 0, 0, 0, ...vniBytes] : [option.length / 4, 0, 0x65, 0x58, ...vniBytes, ...option]
    const ports = { source_port: 40_000, destination_port: vxlan ? 8472 : 6081 }
    const payload = udp(ports.source_port, ports.destination_port, Buffer.from([...header, ...frame.bytes]))
    const [src, dst] = outer6 ? ['fd01::1', 'fd01::2'] : ['192.168.0.1', '192.168.0.2']
    const packet = outer6 ? ipv6({ src: src!, dst: dst! }, 17, payload) : ipv4({ src: src!, dst: dst! }, 17, payload)
    return {
      bytes: ethernet(MACS, outer6 ? 0x86dd : 0x0800, packet),
      l3Device: false,
      ipv6: outer6,
      vxlan,
      geneve: !vxlan,
      connection: `${frame.connection} [tunnel ${outerConnection(src!, dst!, ports)} ${vxlan ? 'vxlan' : 'geneve'}]`,
      fields: {
        ...frame.fields,
        tunnel: {
          protocol: vxlan ? 'VXLAN' : 'GENEVE',
          IP: { source: src!, destination: dst!, ipVersion: outer6 ? 'IPv6' : 'IPv4' },
          l4: { UDP: ports },
          vni,
        },
      },
    }
  })

function outerConnection(src: string, dst: string, ports: { source_port: number; destination_port: number }): string {
  return connection(src, dst, { protocol: 17, bytes: Buffer.alloc(0), l4: { UDP: ports }, monitorText: '' }).trimEnd()
}

/** True for ports that Cilium parses as a tunnel inside the tunnel, which has its own test. */
function isTunnelPort(ports: { source_port?: number; destination_port?: number } = {}): boolean {
  return [ports.source_port, ports.destination_port].some(port => port === 4789 || port === 6081)
}
