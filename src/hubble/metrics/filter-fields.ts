/**
 * filter-fields.ts - what of a record a metric's filters depend on, so that the memo's key holds it too.
 *
 * In:    FlowFilters (flow.proto) as maps of fields to lists.
 * Out:   bits of Needs; Needs.all for what no key holds, like ports: then every record's flow is made.
 */
import { Needs } from './key-fields.js'

export type Filter = Readonly<Record<string, unknown>>

/** Flags that a key holds. */
const KEPT_FLAGS = ['FIN', 'SYN', 'RST', 'ACK']

const FIELDS: Readonly<Record<string, number>> = {
  source_ip: Needs.source | Needs.address,
  source_pod: Needs.source,
  source_fqdn: Needs.source | Needs.address,
  source_label: Needs.source,
  source_workload: Needs.source,
  source_cluster_name: Needs.source,
  source_identity: Needs.source,
  destination_ip: Needs.destination | Needs.address,
  destination_pod: Needs.destination,
  destination_fqdn: Needs.destination | Needs.address,
  destination_label: Needs.destination,
  destination_workload: Needs.destination,
  destination_cluster_name: Needs.destination,
  destination_identity: Needs.destination,
  traffic_direction: Needs.direction,
  verdict: 0,
  drop_reason_desc: 0,
  event_type: Needs.point,
  protocol: 0,
  reply: 0,
  ip_version: 0,
  node_name: 0,
  node_labels: 0,
}

export function filterNeeds(filters: readonly Filter[]): number {
  let needs = 0
  for (const filter of filters) {
    for (const [field, values] of Object.entries(filter)) {
      needs |= field === 'tcp_flags' ? flagNeeds(values) : (FIELDS[field] ?? Needs.all)
    }
  }
  return needs
}

function flagNeeds(values: unknown): number {
  const flags = Array.isArray(values) ? values.flatMap(value => Object.keys(value as object)) : []
  return flags.every(flag => KEPT_FLAGS.includes(flag)) ? Needs.tcpFlags : Needs.all
}
