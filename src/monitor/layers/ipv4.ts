/**
 * ipv4.ts - the IPv4 header with its options.
 *
 * Fail:  truncated or contradictory lengths, malformed options. A total length of 0 is valid: segmentation offload
 *        leaves it.
 */
import { formatIpv4 } from '../../lib/address.js'
import { afterIpProtocol, ipProtocolName } from './ip-protocol.js'
import { type Capture, dumpLayer, type Flow, type Layer, type LayerName } from './layer.js'
import type { Span } from './span.js'

const HEADER = 20
const END_OF_OPTIONS = 0
const NO_OPERATION = 1
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
  const texts: string[] = []
  let at = 0
  while (at < data.length) {
    const type = data.u8(at)
    const isSingleByte = type === END_OF_OPTIONS || type === NO_OPERATION
    const length = isSingleByte ? 1 : at + 1 < data.length ? data.u8(at + 1) : 0
    if (!isSingleByte && (at + 1 >= data.length || at + length > data.length)) {
      capture.truncated = true
      return `IPv4 option ${type} of ${length} bytes, only ${data.length - at} left`
    }
    if (!isSingleByte && length <= 2) return `IPv4 option ${type} of ${length} bytes, must be at least 3`
    texts.push(
      `IPv4Option(${type}:[${[...data.slice(at + 2, isSingleByte ? at + 2 : at + length).bytes()].join(' ')}])`,
    )
    at += length
    if (type === END_OF_OPTIONS) break
  }
  return { texts, padding: data.slice(at) }
}
