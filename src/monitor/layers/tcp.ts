// SPDX-License-Identifier: Apache-2.0
/**
 * tcp.ts - the TCP header with its options.
 *
 * Fail:  truncated or contradictory lengths, malformed options.
 */
import { eachOption, MIN_TCP_OPTION, malformedOption } from '../../datapath/record/header-options.js'
import { type Capture, dumpLayer, type Field, type Flow, type Layer } from './layer.js'
import { tcpPort } from './port-name.js'
import type { Span } from './span.js'

const HEADER = 20
const Option = { segmentSize: 2, timestamps: 8 } as const
/** Names of the option kinds (gopacket layers/tcp.go). */
const KINDS = [
  'EndList',
  'NOP',
  'MSS',
  'WindowScale',
  'SACKPermitted',
  'SACK',
  'Echo',
  'EchoReply',
  'Timestamps',
  'PartialOrderConnectionPermitted',
  'PartialOrderServiceProfile',
  'CC',
  'CCNew',
  'CCEcho',
  'AltChecksum',
  'AltChecksumData',
] as const
/** Bits of byte 13. */
const FLAGS = ['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR'] as const

/** The flags of a summary: only these four, in this order. */
export function tcpFlagsText(flags: number): string {
  return [flags & 0x02 ? 'SYN' : '', flags & 0x10 ? 'ACK' : '', flags & 0x04 ? 'RST' : '', flags & 0x01 ? 'FIN' : '']
    .filter(Boolean)
    .join(', ')
}

export class Tcp implements Layer {
  readonly name = 'TCP'
  readonly next = undefined
  readonly payload: Span
  readonly flow: Flow
  readonly #data: Span
  readonly #options: Options

  private constructor(data: Span, options: Options) {
    this.#data = data
    this.#options = options
    this.payload = data.slice(this.#headerLength)
    this.flow = { src: String(data.u16(0)), dst: String(data.u16(2)) }
  }

  static decode(data: Span, capture: Capture): Tcp | string {
    if (data.length < HEADER) {
      capture.truncated = true
      return `TCP header of at least ${HEADER} bytes, only ${data.length} left`
    }
    const length = (data.u8(12) >> 4) * 4
    if (length < HEADER) return `TCP header length ${length}, must be at least ${HEADER}`
    if (length > data.length) {
      capture.truncated = true
      return `TCP header of ${length} bytes, only ${data.length} left`
    }
    const options = readOptions(data.slice(HEADER, length), capture)
    return typeof options === 'string' ? options : new Tcp(data, options)
  }

  get detail(): string {
    return `tcp ${tcpFlagsText(this.#data.u8(13))}`
  }

  get #headerLength(): number {
    return (this.#data.u8(12) >> 4) * 4
  }

  dump(): string {
    const data = this.#data
    const flags = data.u8(13)
    return dumpLayer('TCP', [
      ['Contents', data.slice(0, this.#headerLength)],
      ['Payload', this.payload],
      ['SrcPort', tcpPort(data.u16(0))],
      ['DstPort', tcpPort(data.u16(2))],
      ['Seq', data.u32(4)],
      ['Ack', data.u32(8)],
      ['DataOffset', data.u8(12) >> 4],
      ...FLAGS.map((name, bit): Field => [name, (flags & (1 << bit)) !== 0]),
      ['NS', (data.u8(12) & 1) !== 0],
      ['Window', data.u16(14)],
      ['Checksum', data.u16(16)],
      ['Urgent', data.u16(18)],
      ['Options', this.#options.texts],
      ['Padding', this.#options.padding],
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
  const bad = malformedOption(view, at, end, MIN_TCP_OPTION)
  if (bad >= 0) return malformed(data.slice(bad - at), capture)
  const texts: string[] = []
  const padding = eachOption(view, at, end, (kind, option, length) => {
    texts.push(optionText(kind, data.slice(option - at + 2, option - at + length)))
  })
  return { texts, padding: data.slice(padding - at) }
}

/** What is wrong with the first option of `data`. */
function malformed(data: Span, capture: Capture): string {
  const length = data.length < 2 ? 2 : data.u8(1)
  const option = `TCP option ${data.u8(0)} of ${length} bytes`
  if (length < MIN_TCP_OPTION) return `${option}, must be at least ${MIN_TCP_OPTION}`
  capture.truncated = true
  return `${option}, only ${data.length} left`
}

function optionText(kind: number, data: Span): string {
  const hex = data.length === 0 ? '' : ` 0x${Buffer.from(data.bytes()).toString('hex')}`
  const name = KINDS[kind] ?? `Unknown(${kind})`
  if (kind === Option.segmentSize && data.length >= 2) return `TCPOption(${name}:${data.u16(0)}${hex})`
  if (kind === Option.timestamps && data.length === 8) return `TCPOption(${name}:${data.u32(0)}/${data.u32(4)}${hex})`
  return `TCPOption(${name}:${hex})`
}
