// SPDX-License-Identifier: Apache-2.0
/**
 * vrrp.ts - a VRRP version 2 advertisement (RFC 3768).
 *
 * Fail:  another type, no address, a truncated list of addresses.
 */
import { formatIpv4 } from '../../lib/address.js'
import { dumpLayer, type Layer } from './layer.js'
import type { Span } from './span.js'

const HEADER = 8
const ADVERTISEMENT = 1
const TYPE_NAME = 'VRRPv2 Advertisement'
const AUTHS = ['No Authentication', 'Reserved', 'Reserved'] as const

export class Vrrp implements Layer {
  readonly name = 'VRRP'
  readonly next = undefined
  readonly payload: Span
  readonly #data: Span

  private constructor(data: Span) {
    this.#data = data
    this.payload = data.slice(data.length)
  }

  static decode(data: Span): Vrrp | string {
    if (data.length < HEADER) return `VRRP header of ${HEADER} bytes, only ${data.length} left`
    if ((data.u8(0) & 0x0f) !== ADVERTISEMENT) return `VRRP type ${data.u8(0) & 0x0f}, must be ${ADVERTISEMENT}`
    const addresses = data.u8(3)
    if (addresses === 0) return 'VRRP without an address'
    if (data.length < HEADER + 4 * addresses) return `VRRP with ${addresses} addresses in ${data.length} bytes`
    return new Vrrp(data)
  }

  get detail(): string {
    return `vrrp ${TYPE_NAME} ${this.#data.u8(1)} ${this.#data.u8(2)}`
  }

  dump(): string {
    const data = this.#data
    const bytes = data.bytes()
    return dumpLayer('VRRP', [
      ['Contents', data],
      ['Payload', this.payload],
      ['Version', data.u8(0) >> 4],
      ['Type', TYPE_NAME],
      ['VirtualRtrID', data.u8(1)],
      ['Priority', data.u8(2)],
      ['CountIPAddr', data.u8(3)],
      ['AuthType', AUTHS[data.u8(4)] ?? ''],
      ['AdverInt', data.u8(5)],
      ['Checksum', data.u16(6)],
      ['IPAddress', Array.from({ length: data.u8(3) }, (_, i) => formatIpv4(bytes, HEADER + 4 * i))],
    ])
  }
}
