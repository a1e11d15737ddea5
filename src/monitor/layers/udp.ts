// SPDX-License-Identifier: Apache-2.0
/**
 * udp.ts - the UDP header.
 *
 * Fail:  a truncated header, a length from 1 to 7. A length of 0 is a jumbogram: its payload is all remaining bytes.
 */
import type { LayerName } from '../../cilium/layer-name.js'
import { tunnelOf } from '../../cilium/tunnel-port.js'
import { type Capture, dumpLayer, type Flow, type Layer } from './layer.js'
import { udpPort } from './port-name.js'
import type { Span } from './span.js'

const HEADER = 8

export class Udp implements Layer {
  readonly name = 'UDP'
  readonly detail = 'udp'
  readonly payload: Span
  readonly flow: Flow
  readonly #data: Span

  private constructor(data: Span) {
    this.#data = data
    this.payload = data.slice(HEADER, data.u16(4) || data.length)
    this.flow = { src: String(data.u16(0)), dst: String(data.u16(2)) }
  }

  static decode(data: Span, capture: Capture): Udp | string {
    if (data.length < HEADER) {
      capture.truncated = true
      return `UDP header of ${HEADER} bytes, only ${data.length} left`
    }
    const length = data.u16(4)
    if (length !== 0 && length < HEADER) return `UDP length ${length}, must be at least ${HEADER}`
    if (length > data.length) capture.truncated = true
    return new Udp(data)
  }

  /** Used only inside a tunnel. */
  get next(): LayerName | undefined {
    return tunnelOf(this.#data.u16(0), this.#data.u16(2))
  }

  dump(): string {
    const data = this.#data
    return dumpLayer('UDP', [
      ['Contents', data.slice(0, HEADER)],
      ['Payload', this.payload],
      ['SrcPort', udpPort(data.u16(0))],
      ['DstPort', udpPort(data.u16(2))],
      ['Length', data.u16(4)],
      ['Checksum', data.u16(6)],
    ])
  }
}
