// SPDX-License-Identifier: Apache-2.0
/**
 * columns.ts - a response as the columns of dict and table: without identities, source and destination as in the packet.
 */

import type { FlowResponse } from '../response.js'
import { destinationText, sourceText, summaryText, typeText, verdictText } from './flow-text.js'
import { LOST_TYPE, lostCount, lostCpu, lostSource } from './lost-text.js'
import type { PrinterOptions } from './printer.js'

export type ColumnName = 'TIMESTAMP' | 'NODE' | 'SOURCE' | 'DESTINATION' | 'TYPE' | 'VERDICT' | 'SUMMARY'

/** A cell without a value. */
const NONE = '-'

export function columnNames({ nodeName }: PrinterOptions): readonly ColumnName[] {
  const rest = ['SOURCE', 'DESTINATION', 'TYPE', 'VERDICT', 'SUMMARY'] as const
  return nodeName ? ['TIMESTAMP', 'NODE', ...rest] : ['TIMESTAMP', ...rest]
}

/** Undefined for a response that is neither a flow nor lost events. */
export function cellsOf(response: FlowResponse, options: PrinterOptions): Record<ColumnName, string> | undefined {
  const { flow, lost_events: lost } = response
  const { time, numeric } = options
  if (flow !== undefined) {
    return {
      TIMESTAMP: time(flow.time),
      NODE: flow.node_name ?? '',
      SOURCE: sourceText(flow, numeric),
      DESTINATION: destinationText(flow, numeric),
      TYPE: typeText(flow),
      VERDICT: verdictText(flow),
      SUMMARY: summaryText(flow),
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
