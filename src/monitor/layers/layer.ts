// SPDX-License-Identifier: Apache-2.0
/**
 * layer.ts - the interface of a decoded header, and the format of its dump.
 *
 * In:    the bytes from the header on.
 * Out:   the parts of a summary, and the dump: `Name<tab>{Field=value ...}` with gopacket's fields in its order, so that
 *        `-vv` and JSON equal those of `cilium monitor`.
 */
import type { LayerName } from '../../cilium/layer-name.js'
import type { Span } from './span.js'

export interface Layer {
  readonly name: LayerName
  /** The bytes after the header, cut to the header's length field. */
  readonly payload: Span
  /** The layer of the payload; undefined when no decoder reads it. */
  readonly next: LayerName | undefined
  /** Source and destination: hardware addresses, IP addresses, ports in decimal. */
  readonly flow?: Flow
  /** The rest of a summary: `udp`, `tcp SYN, ACK`, `icmp EchoRequest`. Only for layers carried by IP. */
  readonly detail?: string
  /** The header as text. */
  dump(): string
}

/** A type, not an interface, so that it is assignable to Json (go-json.ts). */
export type Flow = { readonly src: string; readonly dst: string }

/** What the decoders report about the capture. */
export interface Capture {
  /** A length field exceeds the captured bytes. */
  truncated: boolean
}

/** Returns a layer, or a text that says what is wrong with its bytes. */
export type Decode = (data: Span, capture: Capture) => Layer | string

export type Value = string | number | boolean | Span | readonly string[]
export type Field = readonly [name: string, value: Value]

/** Longer lists are dumped as their length only. */
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
