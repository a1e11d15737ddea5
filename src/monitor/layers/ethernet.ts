// SPDX-License-Identifier: Apache-2.0
/**
 * ethernet.ts - Ethernet II and 802.3.
 *
 * Fail:  less than 14 bytes.
 */
import type { LayerName } from '../../cilium/layer-name.js'
import { type Capture, dumpLayer, type Flow, type Layer } from './layer.js'
import type { Span } from './span.js'

const HEADER = 14
/** A smaller value is a length (802.3), and LLC follows. */
const MIN_TYPE = 0x0600

/** gopacket's names of EtherTypes (layers/enums.go). */
const TYPES: Readonly<Record<number, string>> = {
  0: 'LLC',
  2048: 'IPv4',
  2054: 'ARP',
  8192: 'CiscoDiscovery',
  25944: 'TransparentEthernetBridging',
  33024: 'Dot1Q',
  34525: 'IPv6',
  34827: 'PPP',
  34887: 'MPLSUnicast',
  34888: 'MPLSMulticast',
  34915: 'PPPoEDiscovery',
  34916: 'PPPoESession',
  34958: 'EAPOL',
  34984: 'Dot1Q',
  35006: 'ERSPAN Type II',
  35020: 'LinkLayerDiscovery',
  36864: 'EthernetCTP',
}

export function etherTypeName(type: number): string {
  return TYPES[type] ?? 'UnknownEthernetType'
}

/** The layer after an EtherType; undefined when no decoder reads it. */
export function afterEtherType(type: number): LayerName | undefined {
  const name = TYPES[type]
  if (name === 'IPv4' || name === 'IPv6') return name
  return name === 'TransparentEthernetBridging' ? 'Ethernet' : undefined
}

export class Ethernet implements Layer {
  readonly name = 'Ethernet'
  readonly flow: Flow
  readonly payload: Span
  readonly #header: Span
  readonly #type: number
  /** The length field of 802.3, else 0. */
  readonly #length: number

  private constructor(data: Span, capture: Capture) {
    const field = data.u16(12)
    this.#header = data.slice(0, HEADER)
    this.#type = field < MIN_TYPE ? 0 : field
    this.#length = field < MIN_TYPE ? field : 0
    this.flow = { src: mac(data, 6), dst: mac(data, 0) }
    if (field < MIN_TYPE && data.length - HEADER < field) capture.truncated = true
    this.payload = field < MIN_TYPE ? data.slice(HEADER, HEADER + field) : data.slice(HEADER)
  }

  static decode(data: Span, capture: Capture): Ethernet | string {
    if (data.length < HEADER) return `Ethernet header of ${HEADER} bytes, only ${data.length} left`
    return new Ethernet(data, capture)
  }

  get next(): LayerName | undefined {
    return afterEtherType(this.#type)
  }

  get type(): string {
    return etherTypeName(this.#type)
  }

  dump(): string {
    return dumpLayer('Ethernet', [
      ['Contents', this.#header],
      ['Payload', this.payload],
      ['SrcMAC', this.flow.src],
      ['DstMAC', this.flow.dst],
      ['EthernetType', this.type],
      ['Length', this.#length],
    ])
  }
}

function mac(data: Span, from: number): string {
  return [...data.slice(from, from + 6).bytes()].map(byte => byte.toString(16).padStart(2, '0')).join(':')
}
