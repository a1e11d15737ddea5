/**
 * printer.ts - what all forms of `observe`'s output share.
 *
 * Out:   text to write, per response and at the end; each printer is good for one output.
 */
import type { FlowResponse } from '../response.js'
import type { TimeFormatter } from './time-format.js'

export interface Printer {
  /** A flow or lost events; '' when it is told later. Anything else is ''. */
  print(response: FlowResponse): string
  /** What is left. */
  end(): string
}

export interface PrinterOptions {
  readonly time: TimeFormatter
  readonly nodeName: boolean
  /** Addresses instead of names. */
  readonly numeric: boolean
}

/** Names come from elsewhere: an escape sequence in them must not reach the terminal. */
export function escapeControls(text: string): string {
  return text.includes('\x1b') || text.includes('\r') ? text.replaceAll('\x1b', '^[').replaceAll('\r', '\\r') : text
}
