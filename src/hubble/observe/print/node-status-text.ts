/**
 * node-status-text.ts - what a relay says of its nodes, as a line for standard error.
 *
 * Out:   only of nodes that cannot be reached: others coming and going is no news to who reads flows.
 */
import type { FlowResponse } from '../response.js'
import type { TimeFormatter } from './time-format.js'

/** The list of nodes is cut near this length. */
const MAX_LIST_LENGTH = 50

/** '' when there is nothing to say. */
export function nodeStatusLine(response: FlowResponse, time: TimeFormatter): string {
  const { node_status: status, node_name: node = '' } = response
  const names = status?.node_names ?? []
  const prefix = `${time(response.time)} [${node}]:`
  if (status?.state_change === 'NODE_UNAVAILABLE') {
    return `${prefix} ${names.length} nodes are unavailable: ${joinNames(names)}\n`
  }
  if (status?.state_change !== 'NODE_ERROR') return ''
  return `${prefix} Error ${JSON.stringify(status.message ?? '')} on ${names.length} nodes: ${joinNames(names)}\n`
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
