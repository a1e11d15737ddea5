// SPDX-License-Identifier: Apache-2.0
/**
 * flow-labels.ts - the labels a flow family can have, and how their values are read.
 *
 * In:    the entities of a pair, its reporter, and its packet's addresses and port.
 * Out:   label values, '' where unknown.
 */
import type { Entities } from '../../datapath/identity/entities.js'
import { ENDPOINT_LABELS } from '../catalog/flow-catalog.js'
import type { Metric } from '../catalog/metric.js'
import type { REPORTERS } from './reporter.js'

/** Where label values come from. */
export interface LabelSource {
  readonly source: number
  readonly destination: number
  readonly reporter: (typeof REPORTERS)[number]
  /** Text, '' where unknown. */
  readonly sourceIp: string
  readonly destinationIp: string
  readonly destinationPort: string
  /** Entity of the Service that stood for the endpoint, 0 for none. */
  readonly sourceService: number
  readonly destinationService: number
}

export type Reader = (from: LabelSource, entities: Entities) => string

/** Hubble's traffic_direction, as seen by the reporting interface. */
const DIRECTIONS = { source: 'egress', destination: 'ingress', uplink: 'unknown', node: 'unknown' } as const

const READERS: Readonly<Record<string, Reader>> = {
  source_ip: from => from.sourceIp,
  source_pod: (from, entities) => entities.pod(from.source),
  source_namespace: (from, entities) => entities.namespace(from.source),
  source_workload: (from, entities) => entities.workload(from.source),
  source_workload_kind: (from, entities) => entities.workloadKind(from.source),
  source_app: (from, entities) => entities.app(from.source),
  source_service: (from, entities) => entities.service(from.sourceService || from.source),
  source_node: (from, entities) => entities.node(from.source),
  source_zone: (from, entities) => entities.zone(from.source),
  destination_ip: from => from.destinationIp,
  destination_pod: (from, entities) => entities.pod(from.destination),
  destination_namespace: (from, entities) => entities.namespace(from.destination),
  destination_workload: (from, entities) => entities.workload(from.destination),
  destination_workload_kind: (from, entities) => entities.workloadKind(from.destination),
  destination_app: (from, entities) => entities.app(from.destination),
  destination_service: (from, entities) => entities.service(from.destinationService || from.destination),
  destination_node: (from, entities) => entities.node(from.destination),
  destination_zone: (from, entities) => entities.zone(from.destination),
  destination_name: ({ destinationService, destination }, entities) =>
    entities.service(destinationService || destination) || entities.workload(destination),
  destination_port: from => from.destinationPort,
  traffic_direction: from => DIRECTIONS[from.reporter],
}

/** Labels with values from the packet, not from its entities. Cache keys must include them. */
export const PACKET_LABELS = {
  sourceIp: 'source_ip',
  destinationIp: 'destination_ip',
  destinationPort: 'destination_port',
} as const

/** Splits a family's default labels into endpoint labels, which can be replaced, and its own. */
export function splitLabels(metric: Metric): {
  readonly endpoints: readonly string[]
  readonly own: readonly string[]
} {
  const isEndpoint = (label: string) => ENDPOINT_LABELS.some(each => each === label)
  return { endpoints: metric.labels.filter(isEndpoint), own: metric.labels.filter(label => !isEndpoint(label)) }
}

/** Labels that can replace a family's endpoint labels; `metric` as in the catalog. */
export function allowedLabels(metric: Metric): readonly string[] {
  const { own } = splitLabels(metric)
  return Object.keys(READERS).filter(label => !own.includes(label))
}

/** Labels with the Service of a connection. Cache keys must include it, too. */
export const SERVICE_LABELS = ['source_service', 'destination_service', 'destination_name'] as const

/** How to read a label; undefined for an unknown label. */
export function readerOf(label: string): Reader | undefined {
  return READERS[label]
}
