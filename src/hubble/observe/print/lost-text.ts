// SPDX-License-Identifier: Apache-2.0
/**
 * lost-text.ts - the parts of a line about lost events.
 */
import type { LostEvent } from '../../flow/flow.js'
import type { TimeFormatter } from './time-format.js'

export const LOST_TYPE = 'EVENTS LOST'

export function lostSource({ source }: LostEvent): string {
  return String(source ?? 'UNKNOWN_LOST_EVENT_SOURCE')
}

export function lostCpu({ cpu }: LostEvent): string {
  return `CPU(${cpu ?? 0})`
}

/** The number of lost events, and their time range if the server sent it. */
export function lostCount({ num_events_lost: count, first, last }: LostEvent, time: TimeFormatter): string {
  const between = first === undefined || last === undefined ? '' : ` (first: ${time(first)}, last: ${time(last)})`
  return `${count ?? 0}${between}`
}
