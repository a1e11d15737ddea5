// SPDX-License-Identifier: Apache-2.0
/**
 * compact-printer.ts - one line per flow, with identities. For a reply, the sides are swapped: the client stays on the left.
 *
 * Out:   `TIME[ [NODE]]: SOURCE (IDENTITY) -> DESTINATION (IDENTITY) TYPE VERDICT (SUMMARY)`; the arrow is `<-` for a
 *        reply and `<>` when the direction is unknown.
 */
import { plainText } from '../../../lib/plain-text.js'
import type { Flow } from '../../flow/flow.js'
import type { FlowResponse } from '../response.js'
import { destinationText, identityText, sourceText, summaryText, typeText, verdictText } from './flow-text.js'
import { LOST_TYPE, lostCount, lostCpu, lostSource } from './lost-text.js'
import type { Printer, PrinterOptions } from './printer.js'

export class CompactPrinter implements Printer {
  readonly #options: PrinterOptions

  constructor(options: PrinterOptions) {
    this.#options = options
  }

  print({ flow, lost_events: lost, time }: FlowResponse): string {
    if (flow !== undefined) return `${plainText(this.#line(flow))}\n`
    if (lost === undefined) return ''
    const { time: format } = this.#options
    return `${plainText(`${format(time)} ${LOST_TYPE}: ${lostSource(lost)} ${lostCpu(lost)} ${lostCount(lost, format)}`)}\n`
  }

  end(): string {
    return ''
  }

  #line(flow: Flow): string {
    const { time, nodeName, numeric } = this.#options
    const node = nodeName ? ` [${flow.node_name ?? ''}]` : ''
    const source = `${sourceText(flow, numeric)} ${identityText(flow.source)}`
    const destination = `${destinationText(flow, numeric)} ${identityText(flow.destination)}`
    const reply = flow.is_reply
    const peers =
      reply === undefined
        ? `${source} <> ${destination}`
        : reply
          ? `${destination} <- ${source}`
          : `${source} -> ${destination}`
    const event = `${typeText(flow)} ${verdictText(flow)} (${summaryText(flow)})`
    return `${time(flow.time)}${node}: ${peers} ${event}`
  }
}
