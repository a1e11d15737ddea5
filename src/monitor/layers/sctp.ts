// SPDX-License-Identifier: Apache-2.0
/**
 * sctp.ts - the SCTP common header; chunks stay payload.
 *
 * Fail:  a truncated header.
 */
import { dumpLayer, type Flow, type Layer } from './layer.js'
import { sctpPort } from './port-name.js'
import type { Span } from './span.js'

const HEADER = 12

export class Sctp implements Layer {
  readonly name = 'SCTP'
  readonly detail = 'sctp'
  readonly next = undefined
  readonly payload: Span
  readonly flow: Flow
  readonly #data: Span

  private constructor(data: Span) {
    this.#data = data
    this.payload = data.slice(HEADER)
    this.flow = { src: String(data.u16(0)), dst: String(data.u16(2)) }
  }

  static decode(data: Span): Sctp | string {
    if (data.length < HEADER) return `SCTP header of ${HEADER} bytes, only ${data.length} left`
    return new Sctp(data)
  }

  dump(): string {
    const data = this.#data
    return dumpLayer('SCTP', [
      ['Contents', data.slice(0, HEADER)],
      ['Payload', this.payload],
      ['SrcPort', sctpPort(data.u16(0))],
      ['DstPort', sctpPort(data.u16(2))],
      ['VerificationTag', data.u32(4)],
      ['Checksum', data.u32(8)],
    ])
  }
}
