// SPDX-License-Identifier: Apache-2.0
/**
 * selection.ts - selects flows of a source: by filters, by a time range, the first or the last ones.
 *
 * In:    a source; its order is kept. Lost events and node states always pass, as in Hubble.
 * Out:   the selected responses.
 * Never: stores more than the last `last` flows; at most MAX_LAST, about 1 GB.
 */
import type { Flow } from '../flow/flow.js'
import { compileFilters } from './filter/filter.js'
import type { FlowFilter } from './filter/flow-filter.js'
import type { FlowPredicate } from './filter/predicate.js'
import { type Instant, instantOf } from './instant.js'
import type { FlowResponse, FlowSource } from './response.js'

export const MAX_LAST = 1_000_000

export interface Selection {
  readonly allow: readonly FlowFilter[]
  readonly deny: readonly FlowFilter[]
  /** Both inclusive. */
  readonly since?: Instant
  readonly until?: Instant
  /** At most one of the two; without either, all flows. */
  readonly first?: number
  readonly last?: number
}

export async function* select(source: FlowSource, selection: Selection): AsyncGenerator<FlowResponse> {
  const { first, last } = selection
  const matches = predicateOf(selection)
  const flows = filtered(source, matches)
  if (last !== undefined) yield* lastOf(flows, last)
  else if (first !== undefined) yield* firstOf(flows, first)
  else yield* flows
}

/** Combines filters and time range. */
export function predicateOf({ allow, deny, since, until }: Selection): FlowPredicate {
  const matches = compileFilters(allow, deny)
  if (since === undefined && until === undefined) return matches
  return flow => isWithin(flow, since, until) && matches(flow)
}

function isWithin(flow: Flow, since: Instant | undefined, until: Instant | undefined): boolean {
  const time = instantOf(flow.time)
  if (time === undefined) return false
  return (since === undefined || time >= since) && (until === undefined || time <= until)
}

async function* filtered(source: FlowSource, matches: FlowPredicate): AsyncGenerator<FlowResponse> {
  for await (const response of source) {
    if (response.flow === undefined || matches(response.flow)) yield response
  }
}

async function* firstOf(source: AsyncIterable<FlowResponse>, count: number): AsyncGenerator<FlowResponse> {
  let left = count
  if (left === 0) return
  for await (const response of source) {
    yield response
    if (response.flow !== undefined && --left === 0) return
  }
}

/** Stores the responses in a ring; once it is full, `at` is the oldest. */
async function* lastOf(source: AsyncIterable<FlowResponse>, count: number): AsyncGenerator<FlowResponse> {
  const ring: FlowResponse[] = []
  let at = 0
  for await (const response of source) {
    if (ring.length < count) ring.push(response)
    else if (count > 0) {
      ring[at] = response
      at = (at + 1) % count
    }
  }
  yield* ring.slice(at)
  yield* ring.slice(0, at)
}
