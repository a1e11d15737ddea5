// SPDX-License-Identifier: Apache-2.0
/**
 * printers.ts - the printer for each value of -o.
 */
import { CompactPrinter } from './compact-printer.js'
import { DictPrinter } from './dict-printer.js'
import { JsonPrinter } from './json-printer.js'
import type { Printer, PrinterOptions } from './printer.js'
import { TablePrinter } from './table-printer.js'

const PRINTERS: Readonly<Record<string, (options: PrinterOptions) => Printer>> = {
  compact: options => new CompactPrinter(options),
  dict: options => new DictPrinter(options),
  json: () => new JsonPrinter(),
  JSON: () => new JsonPrinter(),
  jsonpb: () => new JsonPrinter(),
  tab: options => new TablePrinter(options),
  table: options => new TablePrinter(options),
}

export const OUTPUTS: readonly string[] = Object.keys(PRINTERS)

/** Undefined for an unknown output format. */
export function createPrinter(output: string, options: PrinterOptions): Printer | undefined {
  return Object.hasOwn(PRINTERS, output) ? PRINTERS[output]?.(options) : undefined
}
