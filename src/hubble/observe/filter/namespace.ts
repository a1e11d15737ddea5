/**
 * namespace.ts - namespaces asked for by flags, put before the names of pods and Services.
 *
 * Out:   a filter whose names have them; where there is no name, all pods of the namespace.
 * Fail:  throws an Error when a name has another namespace already.
 */
import type { FlowFilter } from './flow-filter.js'

interface Namespaces {
  readonly any: readonly string[]
  readonly source: readonly string[]
  readonly destination: readonly string[]
}

/** A copy. */
export function withNamespaces(
  filter: FlowFilter,
  source: readonly string[],
  destination: readonly string[],
): FlowFilter {
  return {
    ...filter,
    ...names('source', filter.source_pod, filter.source_service, source),
    ...names('destination', filter.destination_pod, filter.destination_service, destination),
  }
}

function names(
  end: 'source' | 'destination',
  pods: readonly string[] | undefined,
  services: readonly string[] | undefined,
  spaces: readonly string[],
): FlowFilter {
  if (spaces.length === 0) return {}
  const asked: Record<string, string[]> = {}
  if (pods !== undefined || services === undefined) asked[`${end}_pod`] = prefixed(pods ?? [''], spaces)
  if (services !== undefined) asked[`${end}_service`] = prefixed(services, spaces)
  return asked
}

function prefixed(list: readonly string[], spaces: readonly string[]): string[] {
  return list.flatMap(name => (name.includes('/') ? [name] : spaces.map(space => `${space}/${name}`)))
}

export function checkNamespaces(filter: FlowFilter, { any, source, destination }: Namespaces): void {
  const { source_pod, source_service, destination_pod, destination_service } = filter
  checkNames([...any, ...source], [...(source_pod ?? []), ...(source_service ?? [])])
  checkNames([...any, ...destination], [...(destination_pod ?? []), ...(destination_service ?? [])])
}

function checkNames(spaces: readonly string[], names: readonly string[]): void {
  for (const name of names) {
    const own = name.includes('/') ? name.slice(0, name.indexOf('/')) : ''
    const other = spaces.find(space => own !== '' && space !== own)
    if (other !== undefined) throw new Error(`"${name}" is not in namespace ${other}; allowed: names of that namespace`)
  }
}
