// SPDX-License-Identifier: Apache-2.0
/**
 * json-printer.ts - one line of protobuf JSON per response, as `hubble observe -o jsonpb` writes it.
 *
 * Out:   GetFlowsResponse with proto field names in flow.proto's order of declaration, and `<`, `>`, `&` escaped. Weir's
 *        flows have that order already (flow.ts); flows of a server may have another.
 */

import { plainJson } from '../../../lib/plain-text.js'
import type { FlowResponse } from '../response.js'
import type { Printer } from './printer.js'

/**
 * An order that keeps the declared order of every message, so that one list serves all depths.
 * test/hubble/observe/json.test.ts compares it with each message.
 */
export const FIELDS: readonly string[] = [
  ...['time', 'uuid', 'emitter', 'error_code', 'api_version', 'api_key', 'correlation_id', 'topic'],
  ...['type', 'code', 'method', 'url', 'protocol', 'headers', 'key', 'value'],
  ...['verdict', 'drop_reason', 'auth_type', 'ethernet', 'IP', 'l4', 'tunnel', 'vni'],
  ...['TCP', 'UDP', 'ICMPv4', 'ICMPv6', 'SCTP', 'VRRP', 'IGMP'],
  ...['state_change', 'node_names', 'latency_ns', 'dns', 'http', 'kafka'],
  ...['source', 'source_xlated', 'destination', 'ipVersion', 'encrypted', 'Type', 'node_name', 'node_labels'],
  ...['source_names', 'destination_names', 'l7', 'reply', 'event_type', 'sub_type'],
  ...['source_service', 'destination_service', 'traffic_direction', 'policy_match_type'],
  ...['trace_observation_point', 'trace_reason', 'file', 'ip_trace_id', 'trace_id', 'ip_option_type'],
  ...['drop_reason_desc', 'is_reply', 'debug_capture_point', 'interface', 'proxy_port', 'trace_context', 'parent'],
  ...['sock_xlate_point', 'socket_cookie', 'cgroup_id', 'Summary'],
  ...['egress_allowed_by', 'ingress_allowed_by', 'egress_denied_by', 'ingress_denied_by', 'policy_log', 'aggregate'],
  ...['ingress_flow_count', 'egress_flow_count', 'unknown_direction_flow_count'],
  ...['index', 'ID', 'identity', 'cluster_name', 'name', 'version', 'namespace', 'labels', 'revision', 'pod_name'],
  ...['workloads', 'kind', 'line'],
  ...['source_port', 'destination_port', 'flags', 'chunk_type'],
  ...['FIN', 'SYN', 'RST', 'PSH', 'ACK', 'URG', 'ECE', 'CWR', 'NS'],
  ...['vrid', 'priority', 'group_address'],
  ...['query', 'ips', 'ttl', 'cnames', 'observation_source', 'rcode', 'qtypes', 'rrtypes'],
  ...['num_events_lost', 'hash', 'arg1', 'arg2', 'arg3', 'message', 'cpu', 'first', 'last'],
]

const RANK = new Map(FIELDS.map((field, rank) => [field, rank]))
/** Characters with a meaning in HTML or JavaScript; Go's encoder escapes the same. */
const ESCAPES: Readonly<Record<string, string>> = {
  '<': '\\u003c',
  '>': '\\u003e',
  '&': '\\u0026',
}

export class JsonPrinter implements Printer {
  print(response: FlowResponse): string {
    const { flow, node_status: status, lost_events: lost, node_name: node, time } = response
    const parts: string[] = []
    if (flow !== undefined) parts.push(`"flow":${ordered(flow)}`)
    if (status !== undefined) parts.push(`"node_status":${ordered(status)}`)
    if (lost !== undefined) parts.push(`"lost_events":${ordered(lost)}`)
    if (parts.length === 0) return ''
    if (node !== undefined) parts.push(`"node_name":${JSON.stringify(node)}`)
    if (time !== undefined) parts.push(`"time":${JSON.stringify(time)}`)
    return `${escaped(`{${parts.join(',')}}`)}\n`
  }

  end(): string {
    return ''
  }
}

function ordered(message: object): string {
  return JSON.stringify(isOrdered(message) ? message : sorted(message))
}

function isOrdered(value: object): boolean {
  if (Array.isArray(value)) return value.every(item => typeof item !== 'object' || isOrdered(item))
  let before = -1
  for (const key in value) {
    const rank = rankOf(key)
    if (rank < before) return false
    before = rank
    const field = (value as Record<string, unknown>)[key]
    if (typeof field === 'object' && field !== null && !isOrdered(field)) return false
  }
  return true
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== 'object' || value === null) return value
  const fields = Object.entries(value).sort(([a], [b]) => rankOf(a) - rankOf(b))
  return Object.fromEntries(fields.map(([key, field]) => [key, sorted(field)]))
}

/** An unknown field comes last. */
function rankOf(field: string): number {
  return RANK.get(field) ?? FIELDS.length
}

function escaped(json: string): string {
  return plainJson(json).replace(/[<>&]/g, char => ESCAPES[char]!)
}
