// SPDX-License-Identifier: Apache-2.0
/**
 * dict-printer.ts - a block of `NAME: value` lines per flow, with a dashed line between blocks.
 */

import { plainText } from '../../../lib/plain-text.js'
import type { FlowResponse } from '../response.js'
import { cellsOf, columnNames } from './columns.js'
import type { Printer, PrinterOptions } from './printer.js'

const SEPARATOR = '------------\n'
const WIDTH = 'DESTINATION'.length

export class DictPrinter implements Printer {
  readonly #options: PrinterOptions
  #blocks = 0

  constructor(options: PrinterOptions) {
    this.#options = options
  }

  print(response: FlowResponse): string {
    const cells = cellsOf(response, this.#options)
    if (cells === undefined) return ''
    const lost = response.lost_events !== undefined
    // Lost events have no destination.
    const names = columnNames(this.#options).filter(name => !(lost && name === 'DESTINATION'))
    const lines = names.map(name => `${name.padStart(WIDTH)}: ${plainText(cells[name])}\n`)
    return `${this.#blocks++ === 0 ? '' : SEPARATOR}${lines.join('')}`
  }

  end(): string {
    return ''
  }
}
