// SPDX-License-Identifier: Apache-2.0
/**
 * selection.ts - the metric groups a scrape asks for: `?collect[]=flow&collect[]=drop` or `?exclude[]=size`.
 *
 * In:    the query string of a request; other parameters are ignored.
 * Out:   a set of groups, undefined for all.
 * Fail:  a SelectionError that names the group and the allowed ones. Using both parameters is an error, as in node_exporter.
 */
import { GROUPS, type Group } from './metric.js'

export type Selection = ReadonlySet<Group> | undefined

export class SelectionError extends Error {}

export function selectionOf(query: string): Selection {
  const parameters = new URLSearchParams(query)
  const collect = parameters.getAll('collect[]').map(groupOf)
  const exclude = parameters.getAll('exclude[]').map(groupOf)
  if (collect.length > 0 && exclude.length > 0) {
    throw new SelectionError('collect[] and exclude[] cannot be combined')
  }
  if (collect.length > 0) return new Set(collect)
  return exclude.length > 0 ? new Set(GROUPS.filter(group => !exclude.includes(group))) : undefined
}

function groupOf(word: string): Group {
  const group = GROUPS.find(known => known === word)
  if (group === undefined) {
    throw new SelectionError(`unknown metric group ${JSON.stringify(word)}, allowed: ${GROUPS.join(', ')}`)
  }
  return group
}
