// SPDX-License-Identifier: Apache-2.0
/**
 * hop-by-hop.ts - IPv6 hop-by-hop options (RFC 8200), and the jumbo length among them (RFC 2675).
 *
 * Fail:  a truncated header or option, a jumbo length that fits into 16 bits.
 */
import { hopByHopOptionSize } from '../../datapath/record/header-options.js'
import { ipProtocolName } from './ip-protocol.js'
import { type Capture, dumpFields } from './layer.js'
import type { Span } from './span.js'

const PAD1 = 0
const JUMBO = 0xc2
const MIN_JUMBO = 65_536

interface Option {
  readonly type: number
  readonly length: number
  readonly size: number
  readonly data: Span
}

export class HopByHop {
  /** Bytes of the header. */
  readonly length: number
  readonly jumboLength: number | undefined
  readonly #data: Span
  readonly #options: readonly Option[]

  private constructor(data: Span, length: number, options: readonly Option[], jumboLength: number | undefined) {
    this.#data = data
    this.length = length
    this.#options = options
    this.jumboLength = jumboLength
  }

  static decode(data: Span, capture: Capture): HopByHop | string {
    if (data.length < 2) {
      capture.truncated = true
      return `hop-by-hop header of at least 8 bytes, only ${data.length} left`
    }
    const length = data.u8(1) * 8 + 8
    if (data.length < length) return `hop-by-hop header of ${length} bytes, only ${data.length} left`
    const options = readOptions(data, length, capture)
    if (typeof options === 'string') return options
    const jumbo = options.find(option => option.type === JUMBO)
    if (jumbo !== undefined && (jumbo.data.length !== 4 || jumbo.data.u32(0) < MIN_JUMBO))
      return `jumbo option of ${jumbo.data.length} bytes, must be 4 bytes with a length of at least ${MIN_JUMBO}`
    return new HopByHop(data, length, options, jumbo?.data.u32(0))
  }

  /** Protocol number of the next header. */
  get next(): number {
    return this.#data.u8(0)
  }

  /** As a field of the IPv6 header; the space after the brace is upstream's. */
  dump(): string {
    const fields = dumpFields([
      ['Contents', this.#data.slice(0, this.length)],
      ['Payload', this.#data.slice(this.length)],
      ['NextHeader', ipProtocolName(this.next)],
      ['HeaderLength', this.#data.u8(1)],
      ['ActualLength', this.length],
      ['Options', this.#options.map(dumpOption)],
    ])
    return `{ ${fields}}`
  }
}

/** As upstream, the last option may extend past the header, as far as there are bytes. */
function readOptions(data: Span, end: number, capture: Capture): readonly Option[] | string {
  const options: Option[] = []
  for (let at = 2; at < end; ) {
    const type = data.u8(at)
    const remaining = data.length - at
    const size = hopByHopOptionSize(data.view, data.at + at, data.at + data.length)
    if (remaining < size) {
      capture.truncated = true
      return `hop-by-hop option ${type} of ${size} bytes, only ${remaining} left`
    }
    const length = type === PAD1 ? 0 : size - 2
    options.push({ type, length, size, data: data.slice(at + 2, at + 2 + length) })
    at += size
  }
  return options
}

function dumpOption({ type, length, size, data }: Option): string {
  return `{${dumpFields([
    ['OptionType', type],
    ['OptionLength', length],
    ['ActualLength', size],
    ['OptionData', data],
    ['OptionAlignment', '[0 0]'],
  ])}}`
}
