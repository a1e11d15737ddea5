// SPDX-License-Identifier: Apache-2.0
/**
 * flow-filter.ts - flow.proto's FlowFilter in its JSON form.
 *
 * Out:   a flow matches a filter when every field present matches; a field matches when any of its values does.
 *        compileFilter() refuses fields that are missing here (cel_expression).
 */

import type { Workload } from '../../../datapath/identity/workload.js'
import type { EventType, TcpFlags } from '../../flow/flow.js'

export interface FlowFilter {
  uuid?: string[]
  /** Addresses or prefixes. */
  source_ip?: string[]
  source_ip_xlated?: string[]
  /** `namespace/name-prefix`; without a slash in namespace `default`; `namespace/` is a whole namespace, `/` any. */
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

/** Type 0 is any; the sub-type is compared only with match_sub_type. */
export interface EventTypeFilter extends EventType {
  match_sub_type?: boolean
}
