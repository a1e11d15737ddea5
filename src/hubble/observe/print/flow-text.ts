// SPDX-License-Identifier: Apache-2.0
/**
 * flow-text.ts - the parts of a flow's line: source, destination, identity, type, verdict, summary.
 *
 * In:    a flow; a server may have omitted any field.
 * Out:   the text of `hubble observe` (cilium/cilium hubble/pkg/printer/printer.go, 1.19).
 */

import { dropText } from '../../../cilium/drop-text.js'
import { matchWord } from '../../../cilium/policy-words.js'
import { RESERVED } from '../../../datapath/identity/identity.js'
import { Notify } from '../../../datapath/record/abi.js'
import { observationPointName } from '../../../datapath/record/observation-point.js'
import type { Endpoint, Flow, Layer7, Service } from '../../flow/flow.js'
import { isKernelReason } from '../../flow/kernel-drop.js'
import { portsOf } from '../filter/transport.js'

const XLATE_POINTS: Readonly<Record<string, string>> = {
  SOCK_XLATE_POINT_PRE_DIRECTION_FWD: 'pre-xlate-fwd',
  SOCK_XLATE_POINT_POST_DIRECTION_FWD: 'post-xlate-fwd',
  SOCK_XLATE_POINT_PRE_DIRECTION_REV: 'pre-xlate-rev',
  SOCK_XLATE_POINT_POST_DIRECTION_REV: 'post-xlate-rev',
}
/** Verdicts of a policy verdict event. */
const ACTIONS: Readonly<Record<string, string>> = {
  FORWARDED: 'ALLOWED',
  REDIRECTED: 'ALLOWED',
  DROPPED: 'DENIED',
  ERROR: 'DENIED',
  AUDIT: 'AUDITED',
}

/** `numeric`: addresses instead of names. */
export function sourceText(flow: Flow, numeric: boolean): string {
  const { IP: ip, ethernet, source, source_service: service, source_names: names } = flow
  if (ip === undefined) return ethernet?.source ?? ''
  const name = numeric ? undefined : nameOf(source, service, names)
  return withPort(name ?? ip.source ?? '', portsOf(flow)?.source_port)
}

export function destinationText(flow: Flow, numeric: boolean): string {
  const { IP: ip, ethernet, destination, destination_service: service, destination_names: names } = flow
  if (ip === undefined) return ethernet?.destination ?? ''
  const name = numeric ? undefined : nameOf(destination, service, names)
  return withPort(name ?? ip.destination ?? '', portsOf(flow)?.destination_port)
}

/** If there is a Service, its namespace is used for the pod too. */
function nameOf(
  endpoint: Endpoint | undefined,
  service: Service | undefined,
  names: readonly string[] | undefined,
): string | undefined {
  const namespace = (service === undefined ? endpoint?.namespace : service.namespace) ?? ''
  const name = endpoint?.pod_name || service?.name
  if (name) return namespace === '' ? name : `${namespace}/${name}`
  return names === undefined || names.length === 0 ? undefined : names.join(',')
}

function withPort(host: string, port: number | undefined): string {
  if (!port) return host
  return host.includes(':') ? `[${host}]:${port}` : `${host}:${port}`
}

/** `(host)`, `(ID:1234)`. */
export function identityText(endpoint: Endpoint | undefined): string {
  const identity = endpoint?.identity ?? 0
  const name = RESERVED[identity]
  return name === undefined ? `(ID:${identity})` : `(${name})`
}

export function typeText(flow: Flow): string {
  if (flow.l7 !== undefined) return l7Text(flow.l7)
  const { type = 0, sub_type: subType = 0 } = flow.event_type ?? {}
  switch (type) {
    case Notify.trace:
      return observationPointName(subType & 0xff)
    case Notify.drop:
      return dropTypeText(flow, subType & 0xff)
    case Notify.policyVerdict:
      return `policy-verdict:${matchWord(flow.policy_match_type ?? 0)} ${flow.traffic_direction ?? 'TRAFFIC_DIRECTION_UNKNOWN'}`
    case Notify.capture:
      return String(flow.debug_capture_point ?? 'DBG_CAPTURE_POINT_UNKNOWN')
    case Notify.traceSock: {
      const point = flow.sock_xlate_point ?? 'SOCK_XLATE_POINT_UNKNOWN'
      return XLATE_POINTS[point] ?? String(point)
    }
    default:
      return 'UNKNOWN'
  }
}

/** Where Cilium has no code for a drop that Weir reports: the kernel's name for the reason. */
function dropTypeText({ file }: Flow, code: number): string {
  return code === 0 && file?.name !== undefined && isKernelReason(file.name) ? file.name : dropText(code)
}

/** `http-request`, `dns-response proxy`. */
function l7Text({ type, dns, http, kafka }: Layer7): string {
  const protocol = http !== undefined ? 'http' : dns !== undefined ? 'dns' : kafka !== undefined ? 'kafka' : 'l7'
  const source = dns === undefined ? '' : ` ${dns.observation_source ?? ''}`
  return `${protocol}-${String(type ?? 'UNKNOWN_L7_TYPE').toLowerCase()}${source}`
}

export function verdictText({ verdict: given, event_type: event }: Flow): string {
  const verdict = String(given ?? 'VERDICT_UNKNOWN')
  return (event?.type === Notify.policyVerdict ? ACTIONS[verdict] : undefined) ?? verdict
}

export function summaryText({ ip_trace_id: trace, Summary: summary = '', auth_type: auth }: Flow): string {
  const before = trace?.trace_id === undefined ? '' : `IP Trace ID: ${trace.trace_id}; `
  return `${before}${summary}${auth === undefined ? '' : `; Auth: ${auth}`}`
}
