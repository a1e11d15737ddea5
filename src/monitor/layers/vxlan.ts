// SPDX-License-Identifier: Apache-2.0
/**
 * vxlan.ts - the VXLAN header (RFC 7348) with the bits of its group policy extension.
 *
 * Fail:  less than 8 bytes.
 */
import { dumpLayer, type Layer } from './layer.js'
import type { Span } from './span.js'

const HEADER = 8

export class Vxlan implements Layer {
  readonly name = 'VXLAN'
  readonly next = 'Ethernet'
  readonly payload: Span
  readonly #data: Span

  private constructor(data: Span) {
    this.#data = data
    this.payload = data.slice(HEADER)
  }

  static decode(data: Span): Vxlan | string {
    if (data.length < HEADER) return `VXLAN header of ${HEADER} bytes, only ${data.length} left`
    return new Vxlan(data)
  }

  dump(): string {
    const data = this.#data
    return dumpLayer('VXLAN', [
      ['Contents', data.slice(0, HEADER)],
      ['Payload', this.payload],
      ['ValidIDFlag', (data.u8(0) & 0x08) !== 0],
      ['VNI', data.u24(4)],
      ['GBPExtension', (data.u8(0) & 0x80) !== 0],
      ['GBPDontLearn', (data.u8(1) & 0x40) !== 0],
      ['GBPApplied', (data.u8(1) & 0x80) !== 0],
      ['GBPGroupPolicyID', data.u16(2)],
    ])
  }
}
