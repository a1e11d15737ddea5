// SPDX-License-Identifier: Apache-2.0
/**
 * igmp.ts - an IGMP message, decoded as version 1 or 2 (RFC 2236), as upstream decodes every version.
 *
 * Fail:  less than 8 bytes.
 */

import { igmpTypeName } from '../../cilium/igmp-type.js'
import { formatIpv4 } from '../../lib/address.js'
import { dumpLayer, type Layer } from './layer.js'
import type { Span } from './span.js'

const LENGTH = 8

export class Igmp implements Layer {
  readonly name = 'IGMP'
  readonly next = undefined
  readonly payload: Span
  readonly #data: Span

  private constructor(data: Span) {
    this.#data = data
    this.payload = data.slice(data.length)
  }

  static decode(data: Span): Igmp | string {
    if (data.length < LENGTH) return `IGMP message of ${LENGTH} bytes, only ${data.length} left`
    return new Igmp(data)
  }

  get detail(): string {
    return `igmp ${igmpTypeName(this.#data.u8(0))} ${this.#group}`
  }

  get #group(): string {
    return formatIpv4(this.#data.bytes(), 4)
  }

  dump(): string {
    const data = this.#data
    return dumpLayer('IGMP', [
      ['Contents', []],
      ['Payload', []],
      ['Type', igmpTypeName(data.u8(0))],
      ['MaxResponseTime', duration(responseTenths(data.u8(1)))],
      ['Checksum', data.u16(2)],
      ['GroupAddress', this.#group],
      ['Version', 0],
    ])
  }
}

/** Tenths of a second. Codes from 128 are floating point (RFC 3376 4.1.1), which upstream truncates to 8 bits. */
function responseTenths(code: number): number {
  if (code < 0x80) return code
  return ((((code & 0x70) >> 4) | 0x10) << ((code & 0x0f) + 3)) & 0xff
}

/** As Go writes it: `0s`, `100ms`, `1.5s`. */
function duration(tenths: number): string {
  return tenths > 0 && tenths < 10 ? `${tenths}00ms` : `${tenths / 10}s`
}
