/**
 * ethernet.ts - frames byte by byte, for packets that ordinary sockets cannot send.
 *
 * In:    IP and MAC addresses as text, numbers in host order.
 * Out:   frames. IPv4 headers have a valid checksum, so that the node forwards them; other checksums are 0.
 */
import { parseAddress } from '../../src/lib/address.js'

export const PROTOCOL = { hopByHop: 0, udp: 17, fragment: 44, gre: 47, destinationOptions: 60, sctp: 132 } as const
export const ETHERTYPE = { ipv4: 0x0800, vlan: 0x8100, ipv6: 0x86dd, serviceVlan: 0x88a8, local: 0x88b5 } as const

export interface Endpoints {
  readonly src: string
  readonly dst: string
}

/** A frame; `tags` are [ethertype, VLAN], outermost first. */
export function ethernet(
  macs: Endpoints,
  ethertype: number,
  payload: Uint8Array,
  tags: readonly (readonly [ethertype: number, vlan: number])[] = [],
): Buffer {
  return Buffer.concat([mac(macs.dst), mac(macs.src), ...tags.map(tag => u16(...tag)), u16(ethertype), payload])
}

/** `fragmentField` is the field of flags and fragment offset: 0x2000 is more fragments, the offset is in units of 8 bytes. */
export function ipv4({ src, dst }: Endpoints, protocol: number, payload: Uint8Array, fragmentField = 0): Buffer {
  const header = Buffer.alloc(20)
  header.set([0x45, 0])
  header.writeUInt16BE(header.length + payload.length, 2)
  header.writeUInt16BE(fragmentField, 6)
  header.set([64, protocol], 8)
  header.set(parseAddress(src).subarray(12), 12)
  header.set(parseAddress(dst).subarray(12), 16)
  header.writeUInt16BE(checksum(header), 10)
  return Buffer.concat([header, payload])
}

export function ipv6({ src, dst }: Endpoints, next: number, payload: Uint8Array): Buffer {
  const header = Buffer.alloc(40)
  header.set([0x60])
  header.writeUInt16BE(payload.length, 4)
  header.set([next, 64], 6)
  header.set(parseAddress(src), 8)
  header.set(parseAddress(dst), 24)
  return Buffer.concat([header, payload])
}

/** An IPv6 extension header with only padding options (RFC 8200 section 4.2), 8 + 8 * `extraWords` bytes long. */
export function options(next: number, payload: Uint8Array, extraWords = 0): Buffer {
  const extension = Buffer.alloc(8 + 8 * extraWords)
  extension.set([next, extraWords, 1, extension.length - 4])
  return Buffer.concat([extension, payload])
}

/** A UDP datagram, or another protocol with its ports at the same offset. */
export function udp(srcPort: number, dstPort: number, data: Uint8Array): Buffer {
  return Buffer.concat([u16(srcPort, dstPort, 8 + data.length, 0), data])
}

/** A TCP segment without data. */
export function tcp(srcPort: number, dstPort: number, flags: number): Buffer {
  return Buffer.concat([u16(srcPort, dstPort, 0, 1, 0, 0, 0x5000 | flags, 1024, 0, 0)])
}

function u16(...values: readonly number[]): Buffer {
  const bytes = Buffer.alloc(2 * values.length)
  for (const [i, value] of values.entries()) bytes.writeUInt16BE(value, 2 * i)
  return bytes
}

function mac(text: string): Buffer {
  return Buffer.from(text.replaceAll(':', ''), 'hex')
}

/** RFC 1071, over an even number of bytes. */
function checksum(bytes: Buffer): number {
  let sum = 0
  for (let at = 0; at < bytes.length; at += 2) sum += bytes.readUInt16BE(at)
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16)
  return ~sum & 0xffff
}
