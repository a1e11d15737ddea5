/**
 * flow-filter.ts - flow.proto's FlowFilter in its JSON form: what a client asks for.
 *
 * Out:   a flow matches when every field that is there matches, a field when any of its values does.
 *        Fields that are not here (cel_expression) are refused by compileFilter().
 */
import type { EventType, TcpFlags, Workload } from '../../flow/flow.js'

export interface FlowFilter {
  uuid?: string[]
  /** Addresses or prefixes. */
  source_ip?: string[]
  source_ip_xlated?: string[]
  /** `namespace/prefix-of-the-name`; without a slash in `default`; `namespace/` for all of it, `/` for any. */
  source_pod?: string[]
  /** Patterns: `*.example.com`. */
  source_fqdn?: string[]
  /** Kubernetes selectors: `k8s:app in (a, b), !old`. */
  source_label?: string[]
  source_service?: string[]
  source_workload?: Workload[]
  source_cluster_name?: string[]
  destination_ip?: string[]
  destination_pod?: string[]
  destination_fqdn?: string[]
  destination_label?: string[]
  destination_service?: string[]
  destination_workload?: Workload[]
  destination_cluster_name?: string[]
  traffic_direction?: (string | number)[]
  verdict?: (string | number)[]
  drop_reason_desc?: (string | number)[]
  interface?: { index?: number; name?: string }[]
  event_type?: EventTypeFilter[]
  /** `404`, or a prefix: `4+`, `40+`. */
  http_status_code?: string[]
  protocol?: string[]
  source_port?: string[]
  destination_port?: string[]
  reply?: boolean[]
  /** Regular expressions. */
  dns_query?: string[]
  source_identity?: number[]
  destination_identity?: number[]
  http_method?: string[]
  http_path?: string[]
  http_url?: string[]
  http_header?: { key?: string; value?: string }[]
  tcp_flags?: TcpFlags[]
  /** Patterns, `cluster/node` or `node`. */
  node_name?: string[]
  node_labels?: string[]
  ip_version?: (string | number)[]
  trace_id?: string[]
  /** u64, decimal. */
  ip_trace_id?: string[]
  encrypted?: boolean[]
}

/** 0 is any type; the sub-type counts only if it is to be matched. */
export interface EventTypeFilter extends EventType {
  match_sub_type?: boolean
}
