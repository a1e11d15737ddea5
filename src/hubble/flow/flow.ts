// SPDX-License-Identifier: Apache-2.0
/**
 * flow.ts - one observed event, as Hubble's flow.proto describes it.
 *
 * In:    nothing; the type is the contract between producers of flows (records, a Hubble server) and consumers
 *        (printers, filters, metrics, the gRPC API).
 * Out:   a plain object in protobuf's JSON form: proto field names, enums as names (a number outside the enum stays a
 *        number), 64-bit integers as decimal strings; a field with its zero value is absent. Only `is_reply` has three
 *        states: true, false and absent.
 * Never: has a property that is present and undefined, so JSON.stringify and deep equality agree.
 */
import type { Workload } from '../../datapath/identity/workload.js'

/** An enum's name, or its number where the enum has no such value. */
export type Named<Name extends string> = Name | number
export type Verdict = Named<'FORWARDED' | 'DROPPED' | 'ERROR' | 'AUDIT' | 'REDIRECTED' | 'TRACED' | 'TRANSLATED'>
export type Direction = 'INGRESS' | 'EGRESS'
export type FlowKind = 'L3_L4' | 'L7' | 'SOCK'
export type AuthType = Named<'SPIRE' | 'TEST_ALWAYS_FAIL'>
export type ObservationPoint = Named<
  | 'TO_ENDPOINT'
  | 'TO_PROXY'
  | 'TO_HOST'
  | 'TO_STACK'
  | 'TO_OVERLAY'
  | 'FROM_ENDPOINT'
  | 'FROM_PROXY'
  | 'FROM_HOST'
  | 'FROM_STACK'
  | 'FROM_OVERLAY'
  | 'FROM_NETWORK'
  | 'TO_NETWORK'
  | 'FROM_CRYPTO'
  | 'TO_CRYPTO'
>
export type TraceReason = Named<
  'NEW' | 'ESTABLISHED' | 'REPLY' | 'RELATED' | 'REOPENED' | 'SRV6_ENCAP' | 'SRV6_DECAP' | 'ENCRYPT_OVERLAY'
>

export interface Flow {
  /** RFC 3339, UTC, up to nanoseconds with 0, 3, 6 or 9 digits: `2026-01-02T03:04:05.678Z`. */
  time?: string
  uuid?: string
  emitter?: Emitter
  verdict?: Verdict
  drop_reason?: number
  auth_type?: AuthType
  ethernet?: Ethernet
  IP?: Ip
  l4?: Layer4
  tunnel?: Tunnel
  source?: Endpoint
  destination?: Endpoint
  Type?: Named<FlowKind>
  node_name?: string
  node_labels?: readonly string[]
  source_names?: readonly string[]
  destination_names?: readonly string[]
  l7?: Layer7
  reply?: boolean
  event_type?: EventType
  source_service?: Service
  destination_service?: Service
  traffic_direction?: Named<Direction>
  policy_match_type?: number
  trace_observation_point?: ObservationPoint
  trace_reason?: TraceReason
  file?: { name?: string; line?: number }
  ip_trace_id?: { trace_id?: string; ip_option_type?: number }
  /** A name of enum DropReason (reasons.ts), or a number that has none. */
  drop_reason_desc?: Named<string>
  is_reply?: boolean
  debug_capture_point?: Named<string>
  interface?: { index?: number; name?: string }
  proxy_port?: number
  trace_context?: { parent?: { trace_id?: string } }
  sock_xlate_point?: Named<string>
  /** u64, decimal. */
  socket_cookie?: string
  /** u64, decimal. */
  cgroup_id?: string
  Summary?: string
  extensions?: unknown
  egress_allowed_by?: Policy[]
  ingress_allowed_by?: Policy[]
  egress_denied_by?: Policy[]
  ingress_denied_by?: Policy[]
  policy_log?: string[]
  aggregate?: { ingress_flow_count?: number; egress_flow_count?: number; unknown_direction_flow_count?: number }
}

export interface Emitter {
  name?: string
  version?: string
}

/** MACs in lower case with colons. */
export interface Ethernet {
  source?: string
  destination?: string
}

export interface Ip {
  source?: string
  /** The packet's own source where `source` is the address before SNAT. */
  source_xlated?: string
  destination?: string
  ipVersion?: Named<'IPv4' | 'IPv6'>
  encrypted?: boolean
}

/** At most one field is set. */
export interface Layer4 {
  TCP?: Ports & { flags?: TcpFlags }
  UDP?: Ports
  ICMPv4?: Icmp
  ICMPv6?: Icmp
  SCTP?: Ports & { chunk_type?: Named<string> }
  VRRP?: { type?: number; vrid?: number; priority?: number }
  IGMP?: { type?: number; group_address?: string }
}

export interface Ports {
  source_port?: number
  destination_port?: number
}

export interface TcpFlags {
  FIN?: boolean
  SYN?: boolean
  RST?: boolean
  PSH?: boolean
  ACK?: boolean
  URG?: boolean
  ECE?: boolean
  CWR?: boolean
  NS?: boolean
}

export interface Icmp {
  type?: number
  code?: number
}

export interface Tunnel {
  protocol?: Named<'VXLAN' | 'GENEVE'>
  IP?: Ip
  l4?: Layer4
  vni?: number
}

export interface Endpoint {
  /** Endpoint id on this node; absent for an address of another node. */
  ID?: number
  identity?: number
  cluster_name?: string
  namespace?: string
  /** `source:key=value`, sorted. */
  labels?: readonly string[]
  pod_name?: string
  workloads?: readonly Workload[]
}

export interface Service {
  name?: string
  namespace?: string
}

/** `type` is the record's first byte (129 for L7), `sub_type` its second. */
export interface EventType {
  type?: number
  sub_type?: number
}

export interface Policy {
  name?: string
  namespace?: string
  labels?: string[]
  /** u64, decimal. */
  revision?: string
  kind?: string
}

/** Weir makes none from packets; a Hubble server may send it. */
export interface Layer7 {
  type?: Named<'REQUEST' | 'RESPONSE' | 'SAMPLE'>
  /** u64, decimal. */
  latency_ns?: string
  dns?: Dns
  http?: Http
  kafka?: { error_code?: number; api_version?: number; api_key?: string; correlation_id?: number; topic?: string }
}

export interface Dns {
  query?: string
  ips?: string[]
  ttl?: number
  cnames?: string[]
  observation_source?: string
  rcode?: number
  qtypes?: string[]
  rrtypes?: string[]
}

export interface Http {
  code?: number
  method?: string
  url?: string
  protocol?: string
  headers?: { key?: string; value?: string }[]
}

/** A debug message of the datapath; not a flow. */
export interface DebugEvent {
  type?: Named<string>
  source?: Endpoint
  hash?: number
  arg1?: number
  arg2?: number
  arg3?: number
  message?: string
  cpu?: number
}

/** Events that were lost between the kernel and the reader. */
export interface LostEvent {
  source?: Named<'PERF_EVENT_RING_BUFFER' | 'OBSERVER_EVENTS_QUEUE' | 'HUBBLE_RING_BUFFER'>
  /** u64, decimal. */
  num_events_lost?: string
  cpu?: number
  first?: string
  last?: string
}
