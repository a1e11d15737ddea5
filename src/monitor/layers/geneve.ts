// SPDX-License-Identifier: Apache-2.0
/**
 * geneve.ts - the Geneve header with its options (RFC 8926).
 *
 * Fail:  a truncated header or option.
 */
import type { LayerName } from '../../cilium/layer-name.js'
import { geneveOptionSize } from '../../datapath/record/header-options.js'
import { afterEtherType, etherTypeName } from './ethernet.js'
import { type Capture, dumpFields, dumpLayer, type Layer } from './layer.js'
import type { Span } from './span.js'

const HEADER = 8
const OPTION_HEADER = 4

export class Geneve implements Layer {
  readonly name = 'Geneve'
  readonly payload: Span
  readonly #header: Span
  readonly #options: readonly string[]

  private constructor(data: Span, { texts, end }: Options) {
    this.#header = data.slice(0, end)
    this.#options = texts
    this.payload = data.slice(end)
  }

  static decode(data: Span, capture: Capture): Geneve | string {
    if (data.length < HEADER || data.length < HEADER + optionsLength(data)) {
      capture.truncated = true
      return `Geneve header of at least ${HEADER} bytes and its options, only ${data.length} bytes left`
    }
    const options = readOptions(data, capture)
    return typeof options === 'string' ? options : new Geneve(data, options)
  }

  get next(): LayerName | undefined {
    return afterEtherType(this.#header.u16(2))
  }

  dump(): string {
    const header = this.#header
    return dumpLayer('Geneve', [
      ['Contents', header],
      ['Payload', this.payload],
      ['Version', header.u8(0) >> 7],
      ['OptionsLength', optionsLength(header)],
      ['OAMPacket', (header.u8(1) & 0x80) !== 0],
      ['CriticalOption', (header.u8(1) & 0x40) !== 0],
      ['Protocol', etherTypeName(header.u16(2))],
      ['VNI', header.u24(4)],
      ['Options', this.#options],
    ])
  }
}

/** In bytes; the header's first byte has it in 4-byte words. */
function optionsLength(data: Span): number {
  return (data.u8(0) & 0x3f) * 4
}

interface Options {
  readonly texts: readonly string[]
  /** Where the payload starts. */
  readonly end: number
}

/** As upstream, the last option may extend past the header's options length, as far as there are bytes. */
function readOptions(data: Span, capture: Capture): Options | string {
  const texts: string[] = []
  let at = HEADER
  while (at < HEADER + optionsLength(data)) {
    const length = geneveOptionSize(data.view, data.at + at, data.at + data.length)
    if (at + length > data.length) {
      capture.truncated = true
      return `Geneve option of ${length} bytes, only ${data.length - at} left`
    }
    texts.push(optionText(data.slice(at, at + length)))
    at += length
  }
  return { texts, end: at }
}

function optionText(data: Span): string {
  const fields = dumpFields([
    ['Class', data.u16(0)],
    ['Type', data.u8(2)],
    ['Flags', data.u8(3) >> 4],
    ['Length', data.length],
    ['Data', data.slice(OPTION_HEADER)],
  ])
  return `{${fields}}`
}
