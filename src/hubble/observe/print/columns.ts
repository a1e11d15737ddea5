/**
 * columns.ts - a response as the columns of dict and table: no identities, sides as in the packet.
 */

import type { FlowResponse } from '../response.js'
import { destinationWords, sourceWords, summaryWords, typeWords, verdictWords } from './flow-words.js'
import { LOST_TYPE, lostCount, lostCpu, lostSource } from './lost-words.js'
import type { PrinterOptions } from './printer.js'

export type Column = 'TIMESTAMP' | 'NODE' | 'SOURCE' | 'DESTINATION' | 'TYPE' | 'VERDICT' | 'SUMMARY'

/** What has nothing to say. */
const NONE = '-'

export function columns({ nodeName }: PrinterOptions): readonly Column[] {
  const rest = ['SOURCE', 'DESTINATION', 'TYPE', 'VERDICT', 'SUMMARY'] as const
  return nodeName ? ['TIMESTAMP', 'NODE', ...rest] : ['TIMESTAMP', ...rest]
}

/** Undefined for what is neither a flow nor lost events. */
export function row(response: FlowResponse, options: PrinterOptions): Record<Column, string> | undefined {
  const { flow, lost_events: lost } = response
  const { time, numeric } = options
  if (flow !== undefined) {
    return {
      TIMESTAMP: time(flow.time),
      NODE: flow.node_name ?? '',
      SOURCE: sourceWords(flow, numeric),
      DESTINATION: destinationWords(flow, numeric),
      TYPE: typeWords(flow),
      VERDICT: verdictWords(flow),
      SUMMARY: summaryWords(flow),
    }
  }
  if (lost === undefined) return undefined
  return {
    TIMESTAMP: time(response.time),
    NODE: response.node_name || NONE,
    SOURCE: lostSource(lost),
    DESTINATION: NONE,
    TYPE: LOST_TYPE,
    VERDICT: NONE,
    SUMMARY: `${lostCpu(lost)} - ${lostCount(lost, time)}`,
  }
}
