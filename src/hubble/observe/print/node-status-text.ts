// SPDX-License-Identifier: Apache-2.0
/**
 * node-status-text.ts - a Relay's report on its nodes as a line for standard error.
 *
 * Out:   lines about unavailable nodes and errors only: other changes do not affect a reader of flows.
 */
import { plainJson, plainText } from '../../../lib/plain-text.js'
import type { FlowResponse } from '../response.js'
import type { TimeFormatter } from './time-format.js'

/** Characters after which the list of nodes is cut. */
const MAX_LIST_LENGTH = 50

/** '' when there is nothing to report. */
export function nodeStatusLine(response: FlowResponse, time: TimeFormatter): string {
  const { node_status: status, node_name: node = '' } = response
  const names = (status?.node_names ?? []).map(plainText)
  const prefix = `${time(response.time)} [${plainText(node)}]:`
  if (status?.state_change === 'NODE_UNAVAILABLE') {
    return `${prefix} ${names.length} nodes are unavailable: ${joinNames(names)}\n`
  }
  if (status?.state_change !== 'NODE_ERROR') return ''
  return `${prefix} Error ${plainJson(JSON.stringify(status.message ?? ''))} on ${names.length} nodes: ${joinNames(names)}\n`
}

/** At least one name. */
function joinNames(names: readonly string[]): string {
  let shown = 0
  for (let length = 0; shown < names.length; shown++) {
    length += names[shown]!.length + ', '.length
    if (length > MAX_LIST_LENGTH && shown > 0) break
  }
  const rest = names.length - shown
  return `${names.slice(0, shown).join(', ')}${rest === 0 ? '' : ` (and ${rest} more)`}`
}
