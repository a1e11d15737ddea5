/**
 * lookup.ts - what the directory says of a flow's two addresses: DNS names and Services.
 */
import type { Directory } from './resolver.js'
import type { Flow } from './flow.js'

export function addNames(flow: Flow, directory: Directory, source: string, destination: string): void {
  const sourceNames = directory.names(source)
  const destinationNames = directory.names(destination)
  if (sourceNames.length > 0) flow.source_names = sourceNames
  if (destinationNames.length > 0) flow.destination_names = destinationNames
}

export function addServices(
  flow: Flow,
  directory: Directory,
  source: string,
  sourcePort: number,
  destination: string,
  destinationPort: number,
): void {
  const sourceService = directory.service(source, sourcePort)
  const destinationService = directory.service(destination, destinationPort)
  if (sourceService !== undefined) flow.source_service = sourceService
  if (destinationService !== undefined) flow.destination_service = destinationService
}
