/**
 * flow-labels.ts - the labels that any flow family can be given, and who knows their values.
 *
 * In:    the two entities of a pair, who reported it, and what of its packets a label needs.
 * Out:   label values; '' where nobody knows.
 */
import type { Entities } from '../../datapath/identity/entities.js'
import { ENDPOINT_LABELS } from '../catalog/flow-catalog.js'
import type { Metric } from '../catalog/metric.js'

/** What labels are made from. */
export interface LabelSource {
  readonly source: number
  readonly destination: number
  readonly reporter: 'source' | 'destination' | 'uplink' | 'node'
  /** Text, '' where unknown. */
  readonly sourceIp: string
  readonly destinationIp: string
  readonly destinationPort: string
}

export type Reader = (from: LabelSource, entities: Entities) => string

/** As Hubble's traffic_direction, seen from the interface that reported. */
const DIRECTIONS = { source: 'egress', destination: 'ingress', uplink: 'unknown', node: 'unknown' } as const

const READERS: Readonly<Record<string, Reader>> = {
  source_ip: from => from.sourceIp,
  source_pod: (from, entities) => entities.pod(from.source),
  source_namespace: (from, entities) => entities.namespace(from.source),
  source_workload: (from, entities) => entities.workload(from.source),
  source_workload_kind: (from, entities) => entities.workloadKind(from.source),
  source_app: (from, entities) => entities.app(from.source),
  source_service: (from, entities) => entities.service(from.source),
  source_node: (from, entities) => entities.node(from.source),
  source_zone: (from, entities) => entities.zone(from.source),
  destination_ip: from => from.destinationIp,
  destination_pod: (from, entities) => entities.pod(from.destination),
  destination_namespace: (from, entities) => entities.namespace(from.destination),
  destination_workload: (from, entities) => entities.workload(from.destination),
  destination_workload_kind: (from, entities) => entities.workloadKind(from.destination),
  destination_app: (from, entities) => entities.app(from.destination),
  destination_service: (from, entities) => entities.service(from.destination),
  destination_node: (from, entities) => entities.node(from.destination),
  destination_zone: (from, entities) => entities.zone(from.destination),
  destination_name: ({ destination }, entities) => entities.service(destination) || entities.workload(destination),
  destination_port: from => from.destinationPort,
  traffic_direction: from => DIRECTIONS[from.reporter],
}

/** Labels whose values are the packet's, not the entities': pairs have to be told apart by them. */
export const PACKET_LABELS = {
  sourceIp: 'source_ip',
  destinationIp: 'destination_ip',
  destinationPort: 'destination_port',
} as const

/** A family's labels: those that can be chosen, as they are by default, and its own. */
export function splitLabels(metric: Metric): {
  readonly endpoints: readonly string[]
  readonly own: readonly string[]
} {
  const isEndpoint = (label: string) => ENDPOINT_LABELS.some(end => end === label)
  return { endpoints: metric.labels.filter(isEndpoint), own: metric.labels.filter(label => !isEndpoint(label)) }
}

/** Labels that a family can be given; `metric` as the catalogue has it. */
export function allowedLabels(metric: Metric): readonly string[] {
  const { own } = splitLabels(metric)
  return Object.keys(READERS).filter(label => !own.includes(label))
}

/** The value of a label of READERS; undefined when it is another. */
export function readerOf(label: string): Reader | undefined {
  return READERS[label]
}
