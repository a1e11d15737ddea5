// SPDX-License-Identifier: Apache-2.0
/**
 * lookup.ts - the DNS names and Services of a flow's source and destination.
 */

import type { Flow } from './flow.js'
import type { Resolver } from './resolver.js'

export function addNames(flow: Flow, resolver: Resolver, source: string, destination: string): void {
  const sourceNames = resolver.names(source)
  const destinationNames = resolver.names(destination)
  if (sourceNames.length > 0) flow.source_names = sourceNames
  if (destinationNames.length > 0) flow.destination_names = destinationNames
}

export function addServices(
  flow: Flow,
  resolver: Resolver,
  source: string,
  sourcePort: number,
  destination: string,
  destinationPort: number,
): void {
  const sourceService = resolver.service(source, sourcePort)
  const destinationService = resolver.service(destination, destinationPort)
  if (sourceService !== undefined) flow.source_service = sourceService
  if (destinationService !== undefined) flow.destination_service = destinationService
}
