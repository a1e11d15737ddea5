// SPDX-License-Identifier: Apache-2.0
/**
 * namespace.ts - adds the namespaces of namespace flags to the pod and Service names of a filter.
 *
 * Out:   a filter with a namespace in each name; without a name, all pods of the namespace.
 * Fail:  throws an Error when a name already has another namespace.
 */
import type { FlowFilter } from './flow-filter.js'

interface Namespaces {
  readonly any: readonly string[]
  readonly source: readonly string[]
  readonly destination: readonly string[]
}

/** Returns a copy. */
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
  endpoint: 'source' | 'destination',
  pods: readonly string[] | undefined,
  services: readonly string[] | undefined,
  namespaces: readonly string[],
): FlowFilter {
  if (namespaces.length === 0) return {}
  const filter: Record<string, string[]> = {}
  if (pods !== undefined || services === undefined) filter[`${endpoint}_pod`] = prefixed(pods ?? [''], namespaces)
  if (services !== undefined) filter[`${endpoint}_service`] = prefixed(services, namespaces)
  return filter
}

function prefixed(list: readonly string[], namespaces: readonly string[]): string[] {
  return list.flatMap(name => (name.includes('/') ? [name] : namespaces.map(namespace => `${namespace}/${name}`)))
}

export function checkNamespaces(filter: FlowFilter, { any, source, destination }: Namespaces): void {
  const { source_pod, source_service, destination_pod, destination_service } = filter
  checkNames([...any, ...source], [...(source_pod ?? []), ...(source_service ?? [])])
  checkNames([...any, ...destination], [...(destination_pod ?? []), ...(destination_service ?? [])])
}

function checkNames(namespaces: readonly string[], names: readonly string[]): void {
  for (const name of names) {
    const given = name.includes('/') ? name.slice(0, name.indexOf('/')) : ''
    const other = namespaces.find(namespace => given !== '' && namespace !== given)
    if (other !== undefined) throw new Error(`"${name}" is not in namespace ${other}; allowed: names of that namespace`)
  }
}
