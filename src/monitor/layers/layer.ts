/**
 * layer.ts - one decoded header of a packet, and how it is written out.
 *
 * In:    the bytes from the header on.
 * Out:   what a summary needs, and the dump: `Name<tab>{Field=value ...}`, fields and order as gopacket has them, so
 *        that `-vv` and JSON read like those of `cilium monitor`.
 */
import type { Span } from './span.js'

export type LayerName =
  | 'Ethernet'
  | 'IPv4'
  | 'IPv6'
  | 'TCP'
  | 'UDP'
  | 'SCTP'
  | 'ICMPv4'
  | 'ICMPv6'
  | 'VRRP'
  | 'IGMP'
  | 'VXLAN'
  | 'Geneve'

export interface Layer {
  readonly name: LayerName
  /** What the header carries; cut to the length that it tells. */
  readonly payload: Span
  /** Who reads the payload, if anybody can. */
  readonly next: LayerName | undefined
  /** Source and destination: hardware addresses, IP addresses, ports in decimal. */
  readonly flow?: Flow
  /** The rest of a summary: `udp`, `tcp SYN, ACK`, `icmp EchoRequest`. Only of what an IP header carries. */
  readonly detail?: string
  /** Text of the header. */
  dump(): string
}

/** A type and no interface, so that it is JSON (go-json.ts). */
export type Flow = { readonly src: string; readonly dst: string }

/** What a decoder finds out about the capture. */
export interface Capture {
  /** A header tells of more bytes than were captured. */
  truncated: boolean
}

/** A layer, or what is wrong with its bytes. */
export type Decode = (data: Span, capture: Capture) => Layer | string

export type Value = string | number | boolean | Span | readonly string[]
export type Field = readonly [name: string, value: Value]

/** Longer lists are given by their length only. */
const MAX_ELEMENTS = 4

export function dumpLayer(name: LayerName, fields: readonly Field[]): string {
  return `${name}\t{${dumpFields(fields)}}`
}

export function dumpFields(fields: readonly Field[]): string {
  return fields.map(([name, value]) => `${name}=${dumpValue(value)}`).join(' ')
}

function dumpValue(value: Value): string {
  if (typeof value !== 'object') return String(value)
  if (value.length > MAX_ELEMENTS) return `[..${value.length}..]`
  return `[${[...('view' in value ? value.bytes() : value)].join(', ')}]`
}
