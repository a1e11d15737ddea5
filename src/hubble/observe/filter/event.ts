// SPDX-License-Identifier: Apache-2.0
/**
 * event.ts - matches a flow by its event: verdict and other enums, type, interface, reply, encryption, uuid.
 */
import type { Flow } from '../../flow/flow.js'
import type { EventTypeFilter } from './flow-filter.js'
import type { FlowPredicate } from './predicate.js'

/** An enum field. Flows omit its zero value; a filter gives it by name or as 0. */
export function matchNamed(
  zero: string,
  enumOf: (flow: Flow) => string | number | undefined,
): (values: readonly (string | number)[]) => FlowPredicate {
  return values => {
    const wanted = values.map(value => (value === 0 ? zero : value))
    return flow => wanted.includes(enumOf(flow) ?? zero)
  }
}

export function matchEvent(values: readonly EventTypeFilter[]): FlowPredicate {
  return ({ event_type: event }) =>
    event !== undefined &&
    values.some(
      wanted =>
        (!wanted.type || wanted.type === event.type) &&
        (!wanted.match_sub_type || (wanted.sub_type ?? 0) === (event.sub_type ?? 0)),
    )
}

export function matchInterface(values: readonly { index?: number; name?: string }[]): FlowPredicate {
  return ({ interface: at }) =>
    at !== undefined &&
    values.some(wanted => (!wanted.index || wanted.index === at.index) && (!wanted.name || wanted.name === at.name))
}

export function matchReply(values: readonly boolean[]): FlowPredicate {
  return flow => flow.is_reply !== undefined && values.includes(flow.is_reply)
}

export function matchEncrypted(values: readonly boolean[]): FlowPredicate {
  return flow => values.includes(flow.IP?.encrypted ?? false)
}

export function matchUuid(values: readonly string[]): FlowPredicate {
  return flow => flow.uuid !== undefined && values.includes(flow.uuid)
}
