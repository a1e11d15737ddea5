/**
 * selection.ts - which groups of families a scrape asks for: `?collect[]=flow&collect[]=drop` or `?exclude[]=size`.
 *
 * In:    the query of a request; other parameters mean nothing here.
 * Out:   a set of groups, undefined for all.
 * Fail:  a SelectionError that names the group and what is allowed; both at once are refused, as node_exporter does.
 */
import { GROUPS, type Group } from './metric.js'

export type Selection = ReadonlySet<Group> | undefined

export class SelectionError extends Error {}

export function selectionOf(query: string): Selection {
  const parameters = new URLSearchParams(query)
  const collect = parameters.getAll('collect[]').map(groupOf)
  const exclude = parameters.getAll('exclude[]').map(groupOf)
  if (collect.length > 0 && exclude.length > 0) {
    throw new SelectionError('collect[] and exclude[] exclude each other: give one of them')
  }
  if (collect.length > 0) return new Set(collect)
  return exclude.length > 0 ? new Set(GROUPS.filter(group => !exclude.includes(group))) : undefined
}

function groupOf(word: string): Group {
  const group = GROUPS.find(known => known === word)
  if (group === undefined) {
    throw new SelectionError(`group ${JSON.stringify(word)}: there is none; allowed: ${GROUPS.join(', ')}`)
  }
  return group
}
