/**
 * response.ts - one thing that an observer tells: observer.proto's GetFlowsResponse in its JSON form.
 *
 * Out:   the seam between who has flows (a recording, a server) and who shows them. A source of them is any
 *        AsyncIterable or Iterable of FlowResponse; exactly one of the three is there.
 */
import type { Flow, LostEvent, Named } from '../flow/flow.js'

export interface FlowResponse {
  readonly flow?: Flow
  readonly lost_events?: LostEvent
  readonly node_status?: NodeStatus
  readonly node_name?: string
  /** As in a flow. */
  readonly time?: string
}

export type FlowSource = AsyncIterable<FlowResponse> | Iterable<FlowResponse>

/** What a relay says of its nodes. */
export interface NodeStatus {
  readonly state_change?: Named<'NODE_CONNECTED' | 'NODE_UNAVAILABLE' | 'NODE_GONE' | 'NODE_ERROR'>
  readonly node_names?: readonly string[]
  readonly message?: string
}

/** Of a flow: node and time are the flow's own. */
export function responseOf(flow: Flow): FlowResponse {
  const { node_name, time } = flow
  return { flow, ...(node_name === undefined ? {} : { node_name }), ...(time === undefined ? {} : { time }) }
}
