// SPDX-License-Identifier: Apache-2.0
/**
 * printer.ts - the interface of the output formats of `observe`.
 *
 * Out:   text to write, per response and at the end. A printer serves one output.
 */
import type { FlowResponse } from '../response.js'
import type { TimeFormatter } from './time-format.js'

export interface Printer {
  /** Text of a flow or lost events, or '' when it is written later; '' for any other response. */
  print(response: FlowResponse): string
  /** The rest of the text. */
  end(): string
}

export interface PrinterOptions {
  readonly time: TimeFormatter
  readonly nodeName: boolean
  /** Addresses instead of names. */
  readonly numeric: boolean
}
