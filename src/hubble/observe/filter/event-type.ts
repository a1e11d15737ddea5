// SPDX-License-Identifier: Apache-2.0
/**
 * event-type.ts - parses values of --type: `drop`, `trace:to-endpoint`, numbers.
 *
 * Fail:  throws an Error that names the value and what is allowed.
 */
import { Notify } from '../../../datapath/record/abi.js'
import { observationPointName } from '../../../datapath/record/observation-point.js'
import type { EventTypeFilter } from './flow-filter.js'

/** The types of `cilium monitor -t` that are flows. */
const TYPES: Readonly<Record<string, number>> = {
  capture: Notify.capture,
  drop: Notify.drop,
  l7: 129,
  'policy-verdict': Notify.policyVerdict,
  trace: Notify.trace,
  'trace-sock': Notify.traceSock,
}
const POINTS = Array.from({ length: 14 }, (_, point) => observationPointName(point))

export function parseEventType(text: string): EventTypeFilter {
  const [name = '', sub] = text.split(/:(.*)/s)
  const type = Object.hasOwn(TYPES, name) ? TYPES[name] : parseNumber(name)
  if (type === undefined) {
    throw new Error(`"${name}" is not an event type; allowed: ${Object.keys(TYPES).join(', ')}, a number, TYPE:SUBTYPE`)
  }
  if (sub === undefined) return { type }
  const point = type === Notify.trace ? POINTS.indexOf(sub) : -1
  const subType = point >= 0 ? point : parseNumber(sub)
  if (subType !== undefined) return { type, match_sub_type: true, sub_type: subType }
  const allowed = type === Notify.trace ? `${POINTS.join(', ')}, a number` : 'a number'
  throw new Error(`"${sub}" is not a sub-type of ${name}; allowed: ${allowed}`)
}

function parseNumber(text: string): number | undefined {
  return /^\d{1,9}$/.test(text) ? Number(text) : undefined
}
