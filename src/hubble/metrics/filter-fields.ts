// SPDX-License-Identifier: Apache-2.0
/**
 * filter-fields.ts - the parts of a record that a metric's filters depend on, so that the record's key includes them.
 *
 * In:    FlowFilters (flow.proto) as maps of fields to lists.
 * Out:   KeyField bits; KeyField.unkeyed for fields that no key holds, such as ports: then the flow of each record is
 *        made.
 */
import { KeyField } from './key-fields.js'

export type Filter = Readonly<Record<string, unknown>>

/** TCP flags that a key holds. */
const KEY_FLAGS = ['FIN', 'SYN', 'RST', 'ACK']

const FIELDS: Readonly<Record<string, number>> = {
  source_ip: KeyField.source | KeyField.address,
  source_pod: KeyField.source,
  source_fqdn: KeyField.source | KeyField.address,
  source_label: KeyField.source,
  source_workload: KeyField.source,
  source_cluster_name: KeyField.source,
  source_identity: KeyField.source,
  destination_ip: KeyField.destination | KeyField.address,
  destination_pod: KeyField.destination,
  destination_fqdn: KeyField.destination | KeyField.address,
  destination_label: KeyField.destination,
  destination_workload: KeyField.destination,
  destination_cluster_name: KeyField.destination,
  destination_identity: KeyField.destination,
  traffic_direction: KeyField.direction,
  verdict: 0,
  drop_reason_desc: 0,
  event_type: KeyField.point,
  protocol: 0,
  reply: 0,
  ip_version: 0,
  node_name: 0,
  node_labels: 0,
}

export function filterKeyFields(filters: readonly Filter[]): number {
  let keyFields = 0
  for (const filter of filters) {
    for (const [field, values] of Object.entries(filter)) {
      keyFields |= field === 'tcp_flags' ? flagKeyFields(values) : (FIELDS[field] ?? KeyField.unkeyed)
    }
  }
  return keyFields
}

function flagKeyFields(values: unknown): number {
  const flags = Array.isArray(values) ? values.flatMap(value => Object.keys(value as object)) : []
  return flags.every(flag => KEY_FLAGS.includes(flag)) ? KeyField.tcpFlags : KeyField.unkeyed
}
