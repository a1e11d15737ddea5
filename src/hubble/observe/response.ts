// SPDX-License-Identifier: Apache-2.0
/**
 * response.ts - a response of an observer: observer.proto's GetFlowsResponse in its JSON form.
 *
 * Out:   the interface between sources of flows (a recording, a server) and printers. A source is any AsyncIterable or
 *        Iterable of FlowResponse. A response has exactly one of flow, lost_events and node_status.
 */
import type { Flow, LostEvent, Named } from '../flow/flow.js'

export interface FlowResponse {
  readonly flow?: Flow
  readonly lost_events?: LostEvent
  readonly node_status?: NodeStatus
  readonly node_name?: string
  /** RFC 3339 in UTC, as in a flow. */
  readonly time?: string
}

export type FlowSource = AsyncIterable<FlowResponse> | Iterable<FlowResponse>

/** A Relay's report on its nodes. */
export interface NodeStatus {
  readonly state_change?: Named<'NODE_CONNECTED' | 'NODE_UNAVAILABLE' | 'NODE_GONE' | 'NODE_ERROR'>
  readonly node_names?: readonly string[]
  readonly message?: string
}

/** The response that carries a flow, with the flow's own node and time. */
export function responseOf(flow: Flow): FlowResponse {
  const { node_name, time } = flow
  return { flow, ...(node_name === undefined ? {} : { node_name }), ...(time === undefined ? {} : { time }) }
}
