// SPDX-License-Identifier: Apache-2.0
/**
 * icmp.ts - ICMPv4 and ICMPv6; the packet quoted in an error message stays payload.
 *
 * Fail:  less than 8 bytes (ICMPv4) or 4 (ICMPv6).
 */
import { icmpText } from '../../cilium/icmp-text.js'
import { type Capture, dumpLayer, type Field, type Layer } from './layer.js'
import type { Span } from './span.js'

const HEADER = { ICMPv4: 8, ICMPv6: 4 } as const

export class Icmp implements Layer {
  readonly name: 'ICMPv4' | 'ICMPv6'
  readonly next = undefined
  readonly payload: Span
  readonly #data: Span

  private constructor(name: 'ICMPv4' | 'ICMPv6', data: Span) {
    this.name = name
    this.#data = data
    this.payload = data.slice(HEADER[name])
  }

  static decodeV4(data: Span, capture: Capture): Icmp | string {
    return Icmp.#decode('ICMPv4', data, capture)
  }

  static decodeV6(data: Span, capture: Capture): Icmp | string {
    return Icmp.#decode('ICMPv6', data, capture)
  }

  static #decode(name: 'ICMPv4' | 'ICMPv6', data: Span, capture: Capture): Icmp | string {
    if (data.length >= HEADER[name]) return new Icmp(name, data)
    capture.truncated = true
    return `${name} header of ${HEADER[name]} bytes, only ${data.length} left`
  }

  get detail(): string {
    return `icmp ${this.#typeCode}`
  }

  get #typeCode(): string {
    return icmpText(this.name === 'ICMPv6', this.#data.u8(0), this.#data.u8(1))
  }

  dump(): string {
    const data = this.#data
    const extra: Field[] =
      this.name === 'ICMPv4'
        ? [
            ['Id', data.u16(4)],
            ['Seq', data.u16(6)],
          ]
        : [['TypeBytes', []]]
    return dumpLayer(this.name, [
      ['Contents', data.slice(0, HEADER[this.name])],
      ['Payload', this.payload],
      ['TypeCode', this.#typeCode],
      ['Checksum', data.u16(2)],
      ...extra,
    ])
  }
}
