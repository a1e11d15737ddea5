// SPDX-License-Identifier: Apache-2.0
/**
 * ipv6.ts - the IPv6 header and the hop-by-hop options after it; other extension headers end the walk.
 *
 * Fail:  truncated headers, a payload length of 0 without a jumbo option.
 */
import type { LayerName } from '../../cilium/layer-name.js'
import { Protocol } from '../../datapath/record/protocol.js'
import { formatAddress } from '../../lib/address.js'
import { HopByHop } from './hop-by-hop.js'
import { afterIpProtocol, ipProtocolName } from './ip-protocol.js'
import { type Capture, dumpLayer, type Flow, type Layer } from './layer.js'
import type { Span } from './span.js'

const HEADER = 40

export class Ipv6 implements Layer {
  readonly name = 'IPv6'
  readonly payload: Span
  readonly flow: Flow
  readonly #data: Span
  readonly #options: HopByHop | undefined

  private constructor(data: Span, payload: Span, options: HopByHop | undefined) {
    this.#data = data
    this.#options = options
    this.payload = payload
    const bytes = data.bytes()
    this.flow = { src: formatAddress(bytes, 8), dst: formatAddress(bytes, 24) }
  }

  static decode(data: Span, capture: Capture): Ipv6 | string {
    if (data.length < HEADER) {
      capture.truncated = true
      return `IPv6 header of ${HEADER} bytes, only ${data.length} left`
    }
    const rest = data.slice(HEADER)
    const options = data.u8(6) === Protocol.hopByHop ? HopByHop.decode(rest, capture) : undefined
    if (typeof options === 'string') return options
    const payload = payloadOf(rest, data.u16(4), options, capture)
    return typeof payload === 'string' ? payload : new Ipv6(data, payload, options)
  }

  get next(): LayerName | undefined {
    return afterIpProtocol(this.#options?.next ?? this.#data.u8(6))
  }

  dump(): string {
    const data = this.#data
    return dumpLayer('IPv6', [
      ['Contents', data.slice(0, HEADER)],
      ['Payload', this.payload],
      ['Version', data.u8(0) >> 4],
      ['TrafficClass', (data.u16(0) >> 4) & 0xff],
      ['FlowLabel', data.u32(0) & 0xfffff],
      ['Length', data.u16(4)],
      ['NextHeader', ipProtocolName(data.u8(6))],
      ['HopLimit', data.u8(7)],
      ['SrcIP', this.flow.src],
      ['DstIP', this.flow.dst],
      ['HopByHop', this.#options?.dump() ?? 'nil'],
    ])
  }
}

/**
 * As upstream: the options count twice towards the length, which marks every such capture as truncated, and a jumbo
 * packet's options stay in its payload.
 */
function payloadOf(rest: Span, length: number, options: HopByHop | undefined, capture: Capture): Span | string {
  const jumbo = options?.jumboLength
  if (length !== 0 && jumbo !== undefined) return `IPv6 payload length ${length} together with a jumbo length`
  if (length === 0 && jumbo === undefined) return 'IPv6 payload length 0 without a jumbo option'
  const afterOptions = jumbo === undefined && options !== undefined ? rest.slice(options.length) : rest
  const end = jumbo ?? length
  if (end > afterOptions.length) capture.truncated = true
  return afterOptions.slice(0, end)
}
