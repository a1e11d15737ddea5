// SPDX-License-Identifier: Apache-2.0
/**
 * ipv4.ts - the IPv4 header with its options.
 *
 * Fail:  truncated or contradictory lengths, malformed options. A total length of 0 is valid: segmentation offload
 *        leaves it.
 */
import type { LayerName } from '../../cilium/layer-name.js'
import { eachOption, MIN_IPV4_OPTION, malformedOption } from '../../datapath/record/header-options.js'
import { formatIpv4 } from '../../lib/address.js'
import { afterIpProtocol, ipProtocolName } from './ip-protocol.js'
import { type Capture, dumpLayer, type Flow, type Layer } from './layer.js'
import type { Span } from './span.js'

const HEADER = 20
const FLAGS = ['MF', 'DF', 'Evil'] as const

export class Ipv4 implements Layer {
  readonly name = 'IPv4'
  readonly payload: Span
  readonly flow: Flow
  readonly #data: Span
  readonly #header: Span
  readonly #total: number
  readonly #options: readonly string[]
  readonly #padding: Span

  private constructor(data: Span, total: number, options: Options) {
    const headerLength = (data.u8(0) & 0x0f) * 4
    this.#data = data
    this.#total = total
    this.#header = data.slice(0, headerLength)
    this.#options = options.texts
    this.#padding = options.padding
    this.payload = data.slice(headerLength, total)
    this.flow = { src: formatIpv4(data.slice(12).bytes()), dst: formatIpv4(data.slice(16).bytes()) }
  }

  static decode(data: Span, capture: Capture): Ipv4 | string {
    if (data.length < HEADER) {
      capture.truncated = true
      return `IPv4 header of at least ${HEADER} bytes, only ${data.length} left`
    }
    const headerLength = (data.u8(0) & 0x0f) * 4
    const total = data.u16(2) || data.length & 0xffff
    if (headerLength < HEADER) return `IPv4 header length ${headerLength}, must be at least ${HEADER}`
    if (total < headerLength) return `IPv4 total length ${total} is less than the header length ${headerLength}`
    if (data.length < total) capture.truncated = true
    if (data.length < headerLength) return `IPv4 header of ${headerLength} bytes, only ${data.length} left`
    const options = readOptions(data.slice(HEADER, headerLength), capture)
    return typeof options === 'string' ? options : new Ipv4(data, total, options)
  }

  get next(): LayerName | undefined {
    const fragment = (this.#data.u16(6) & 0x3fff) !== 0
    return fragment ? undefined : afterIpProtocol(this.#data.u8(9))
  }

  dump(): string {
    const data = this.#data
    const flags = data.u16(6) >> 13
    return dumpLayer('IPv4', [
      ['Contents', this.#header],
      ['Payload', this.payload],
      ['Version', data.u8(0) >> 4],
      ['IHL', data.u8(0) & 0x0f],
      ['TOS', data.u8(1)],
      ['Length', this.#total],
      ['Id', data.u16(4)],
      ['Flags', [4, 2, 1].flatMap(bit => (flags & bit ? [FLAGS[bit >> 1]] : [])).join('|')],
      ['FragOffset', data.u16(6) & 0x1fff],
      ['TTL', data.u8(8)],
      ['Protocol', ipProtocolName(data.u8(9))],
      ['Checksum', data.u16(10)],
      ['SrcIP', this.flow.src],
      ['DstIP', this.flow.dst],
      ['Options', this.#options],
      ['Padding', this.#padding],
    ])
  }
}

interface Options {
  readonly texts: readonly string[]
  readonly padding: Span
}

function readOptions(data: Span, capture: Capture): Options | string {
  const { view, at } = data
  const end = at + data.length
  const bad = malformedOption(view, at, end, MIN_IPV4_OPTION)
  if (bad >= 0) return malformed(data.slice(bad - at), capture)
  const texts: string[] = []
  const padding = eachOption(view, at, end, (type, option, length) => {
    const values = data.slice(option - at + 2, option - at + length)
    texts.push(`IPv4Option(${type}:[${[...values.bytes()].join(' ')}])`)
  })
  return { texts, padding: data.slice(padding - at) }
}

/** What is wrong with the first option of `data`. */
function malformed(data: Span, capture: Capture): string {
  const length = data.length < 2 ? 0 : data.u8(1)
  const option = `IPv4 option ${data.u8(0)} of ${length} bytes`
  if (data.length >= 2 && length <= data.length) return `${option}, must be at least ${MIN_IPV4_OPTION}`
  capture.truncated = true
  return `${option}, only ${data.length} left`
}
