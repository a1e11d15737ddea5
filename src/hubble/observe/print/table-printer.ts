// SPDX-License-Identifier: Apache-2.0
/**
 * table-printer.ts - aligned columns, each three spaces wider than its widest cell.
 *
 * Out:   nothing before the end, since any line may be the widest.
 * Never: buffers more than BLOCK lines (about 50 MB); then it prints them and computes new column widths.
 */

import { plainText } from '../../../lib/plain-text.js'
import type { FlowResponse } from '../response.js'
import { cellsOf, columnNames } from './columns.js'
import type { Printer, PrinterOptions } from './printer.js'

const BLOCK = 100_000
const PADDING = 3

export class TablePrinter implements Printer {
  readonly #options: PrinterOptions
  #lines: string[][] = []
  #headed = false

  constructor(options: PrinterOptions) {
    this.#options = options
  }

  print(response: FlowResponse): string {
    const cells = cellsOf(response, this.#options)
    if (cells === undefined) return ''
    const names = columnNames(this.#options)
    if (!this.#headed) this.#lines.push([...names])
    this.#headed = true
    this.#lines.push(names.map(name => plainText(cells[name])))
    return this.#lines.length < BLOCK ? '' : this.end()
  }

  end(): string {
    const lines = this.#lines
    this.#lines = []
    const widths = (lines[0] ?? []).map((_, column) =>
      lines.reduce((most, cells) => Math.max(most, textWidth(cells[column]!)), 0),
    )
    const last = widths.length - 1
    return lines
      .map(cells => `${cells.map((cell, i) => (i === last ? cell : padded(cell, widths[i]! + PADDING))).join('')}\n`)
      .join('')
  }
}

function padded(cell: string, width: number): string {
  return cell + ' '.repeat(width - textWidth(cell))
}

/** Characters, not UTF-16 units. */
function textWidth(text: string): number {
  let count = 0
  for (const _ of text) count++
  return count
}
