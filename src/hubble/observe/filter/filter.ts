// SPDX-License-Identifier: Apache-2.0
/**
 * filter.ts - compiles FlowFilters into a predicate on flows, with Hubble's semantics.
 *
 * In:    an allow list and a deny list (`whitelist`, `blacklist` of GetFlowsRequest).
 * Out:   true for a flow that matches any filter of the allow list, or an empty one, and none of the deny list.
 * Fail:  throws an Error that names the value and what is allowed.
 *        Source: cilium/cilium pkg/hubble/filters, 1.19.
 */
import { matchAddress } from './address.js'
import { matchCluster, matchIdentity, matchName, matchWorkload } from './endpoint.js'
import { matchEncrypted, matchEvent, matchInterface, matchNamed, matchReply, matchUuid } from './event.js'
import type { FlowFilter } from './flow-filter.js'
import { matchDnsQuery, matchHttp, matchTraceId } from './l7.js'
import { matchLabels } from './label-selector.js'
import { checkLimits } from './limits.js'
import { matchFqdn, matchNode } from './pattern.js'
import type { FlowPredicate } from './predicate.js'
import { matchIpTraceId, matchPort, matchProtocol, matchTcpFlags } from './transport.js'

/** By field: makes the predicate of its values. */
type Compilers = {
  readonly [Field in keyof Required<FlowFilter>]: (values: Required<FlowFilter>[Field]) => FlowPredicate
}

const COMPILERS: Compilers = {
  uuid: matchUuid,
  source_ip: matchAddress(flow => flow.IP?.source),
  source_ip_xlated: matchAddress(flow => flow.IP?.source_xlated),
  source_pod: matchName('pod', flow => flow.source),
  source_fqdn: matchFqdn(flow => flow.source_names),
  source_label: matchLabels(flow => flow.source?.labels),
  source_service: matchName('service', flow => flow.source_service),
  source_workload: matchWorkload(flow => flow.source),
  source_cluster_name: matchCluster(flow => flow.source),
  destination_ip: matchAddress(flow => flow.IP?.destination),
  destination_pod: matchName('pod', flow => flow.destination),
  destination_fqdn: matchFqdn(flow => flow.destination_names),
  destination_label: matchLabels(flow => flow.destination?.labels),
  destination_service: matchName('service', flow => flow.destination_service),
  destination_workload: matchWorkload(flow => flow.destination),
  destination_cluster_name: matchCluster(flow => flow.destination),
  traffic_direction: matchNamed('TRAFFIC_DIRECTION_UNKNOWN', flow => flow.traffic_direction),
  verdict: matchNamed('VERDICT_UNKNOWN', flow => flow.verdict),
  drop_reason_desc: matchNamed('DROP_REASON_UNKNOWN', flow => flow.drop_reason_desc),
  interface: matchInterface,
  event_type: matchEvent,
  http_status_code: matchHttp.status,
  protocol: matchProtocol,
  source_port: matchPort('source_port'),
  destination_port: matchPort('destination_port'),
  reply: matchReply,
  dns_query: matchDnsQuery,
  source_identity: matchIdentity(flow => flow.source),
  destination_identity: matchIdentity(flow => flow.destination),
  http_method: matchHttp.method,
  http_path: matchHttp.path,
  http_url: matchHttp.url,
  http_header: matchHttp.header,
  tcp_flags: matchTcpFlags,
  node_name: matchNode,
  node_labels: matchLabels(flow => flow.node_labels),
  ip_version: matchNamed('IP_NOT_USED', flow => flow.IP?.ipVersion),
  trace_id: matchTraceId,
  ip_trace_id: matchIpTraceId,
  encrypted: matchEncrypted,
}

type Compiler = (values: unknown) => FlowPredicate

/** A flow must match all fields of the filter; a field without values is ignored. */
export function compileFilter(filter: FlowFilter): FlowPredicate {
  const predicates: FlowPredicate[] = []
  for (const [field, values] of Object.entries(filter)) {
    const known = Object.hasOwn(COMPILERS, field)
    const compile = (known ? COMPILERS[field as keyof FlowFilter] : undefined) as Compiler | undefined
    if (compile === undefined)
      throw new Error(`unknown filter "${field}"; allowed: ${Object.keys(COMPILERS).join(', ')}`)
    if (Array.isArray(values) && values.length > 0) predicates.push(compile(values))
  }
  return flow => predicates.every(matches => matches(flow))
}

export function compileFilters(allow: readonly FlowFilter[], deny: readonly FlowFilter[]): FlowPredicate {
  checkLimits(allow, deny)
  const allowed = allow.map(compileFilter)
  const denied = deny.map(compileFilter)
  return flow =>
    (allowed.length === 0 || allowed.some(matches => matches(flow))) && !denied.some(matches => matches(flow))
}
