/**
 * table-printer.ts - aligned columns, as wide as the widest cell and three spaces.
 *
 * Out:   nothing before the end, since any row may be the widest.
 * Never: keeps more than BLOCK rows (about 50 MB); past it they are printed, and the columns start anew.
 */

import type { FlowResponse } from '../response.js'
import { cellsOf, columnNames } from './columns.js'
import { escapeControls, type Printer, type PrinterOptions } from './printer.js'

const BLOCK = 100_000
const PADDING = 3

export class TablePrinter implements Printer {
  readonly #options: PrinterOptions
  #rows: string[][] = []
  #headed = false

  constructor(options: PrinterOptions) {
    this.#options = options
  }

  print(response: FlowResponse): string {
    const cells = cellsOf(response, this.#options)
    if (cells === undefined) return ''
    const names = columnNames(this.#options)
    if (!this.#headed) this.#rows.push([...names])
    this.#headed = true
    this.#rows.push(names.map(name => escapeControls(cells[name])))
    return this.#rows.length < BLOCK ? '' : this.end()
  }

  end(): string {
    const rows = this.#rows
    this.#rows = []
    const widths = (rows[0] ?? []).map((_, column) =>
      rows.reduce((most, cells) => Math.max(most, textWidth(cells[column]!)), 0),
    )
    const last = widths.length - 1
    return rows
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
