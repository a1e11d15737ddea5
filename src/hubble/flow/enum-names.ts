// SPDX-License-Identifier: Apache-2.0
/**
 * enum-names.ts - names of flow.proto's enum values, by the datapath's numbers.
 *
 * Out:   the name; undefined for the zero value, which a flow leaves out; the number itself if the enum has no such
 *        value. Source: cilium/cilium api/v1/flow/flow.proto, 1.19. Names of drop reasons are in reasons.ts.
 */
import type { AuthType, Named, ObservationPoint, TraceReason } from './flow.js'

const POINTS = [
  'TO_ENDPOINT',
  'TO_PROXY',
  'TO_HOST',
  'TO_STACK',
  'TO_OVERLAY',
  'FROM_ENDPOINT',
  'FROM_PROXY',
  'FROM_HOST',
  'FROM_STACK',
  'FROM_OVERLAY',
  'FROM_NETWORK',
  'TO_NETWORK',
  'FROM_CRYPTO',
  'TO_CRYPTO',
] as const

/** By the datapath's number. Its 5 is unknown, which is 0 in flow.proto. */
const REASONS = [
  'NEW',
  'ESTABLISHED',
  'REPLY',
  'RELATED',
  'REOPENED',
  undefined,
  'SRV6_ENCAP',
  'SRV6_DECAP',
  'ENCRYPT_OVERLAY',
] as const

const AUTHS = [undefined, 'SPIRE', 'TEST_ALWAYS_FAIL'] as const

const XLATE_POINTS = [
  undefined,
  'SOCK_XLATE_POINT_PRE_DIRECTION_FWD',
  'SOCK_XLATE_POINT_POST_DIRECTION_FWD',
  'SOCK_XLATE_POINT_PRE_DIRECTION_REV',
  'SOCK_XLATE_POINT_POST_DIRECTION_REV',
] as const

const CAPTURES_FROM = 4
const CAPTURES = [
  'DELIVERY',
  'FROM_LB',
  'AFTER_V46',
  'AFTER_V64',
  'PROXY_PRE',
  'PROXY_POST',
  'SNAT_PRE',
  'SNAT_POST',
] as const

const DEBUGS = [
  'GENERIC',
  'LOCAL_DELIVERY',
  'ENCAP',
  'LXC_FOUND',
  'POLICY_DENIED',
  'CT_LOOKUP',
  'CT_LOOKUP_REV',
  'CT_MATCH',
  'CT_CREATED',
  'CT_CREATED2',
  'ICMP6_HANDLE',
  'ICMP6_REQUEST',
  'ICMP6_NS',
  'ICMP6_TIME_EXCEEDED',
  'CT_VERDICT',
  'DECAP',
  'PORT_MAP',
  'ERROR_RET',
  'TO_HOST',
  'TO_STACK',
  'PKT_HASH',
  'LB6_LOOKUP_FRONTEND',
  'LB6_LOOKUP_FRONTEND_FAIL',
  'LB6_LOOKUP_BACKEND_SLOT',
  'LB6_LOOKUP_BACKEND_SLOT_SUCCESS',
  'LB6_LOOKUP_BACKEND_SLOT_V2_FAIL',
  'LB6_LOOKUP_BACKEND_FAIL',
  'LB6_REVERSE_NAT_LOOKUP',
  'LB6_REVERSE_NAT',
  'LB4_LOOKUP_FRONTEND',
  'LB4_LOOKUP_FRONTEND_FAIL',
  'LB4_LOOKUP_BACKEND_SLOT',
  'LB4_LOOKUP_BACKEND_SLOT_SUCCESS',
  'LB4_LOOKUP_BACKEND_SLOT_V2_FAIL',
  'LB4_LOOKUP_BACKEND_FAIL',
  'LB4_REVERSE_NAT_LOOKUP',
  'LB4_REVERSE_NAT',
  'LB4_LOOPBACK_SNAT',
  'LB4_LOOPBACK_SNAT_REV',
  'CT_LOOKUP4',
  'RR_BACKEND_SLOT_SEL',
  'REV_PROXY_LOOKUP',
  'REV_PROXY_FOUND',
  'REV_PROXY_UPDATE',
  'L4_POLICY',
  'NETDEV_IN_CLUSTER',
  'NETDEV_ENCAP4',
  'CT_LOOKUP4_1',
  'CT_LOOKUP4_2',
  'CT_CREATED4',
  'CT_LOOKUP6_1',
  'CT_LOOKUP6_2',
  'CT_CREATED6',
  'SKIP_PROXY',
  'L4_CREATE',
  'IP_ID_MAP_FAILED4',
  'IP_ID_MAP_FAILED6',
  'IP_ID_MAP_SUCCEED4',
  'IP_ID_MAP_SUCCEED6',
  'LB_STALE_CT',
  'INHERIT_IDENTITY',
  'SK_LOOKUP4',
  'SK_LOOKUP6',
  'SK_ASSIGN',
  'L7_LB',
  'SKIP_POLICY',
  'LB6_LOOPBACK_SNAT',
  'LB6_LOOPBACK_SNAT_REV',
] as const

/** The datapath's 0 is to-endpoint; flow.proto's 0 is unknown, so to-endpoint has another number there. */
export function pointName(point: number): ObservationPoint {
  return POINTS[point] ?? point
}

/** `reason` without the encrypted bit. */
export function reasonName(reason: number): TraceReason | undefined {
  return reason < REASONS.length ? REASONS[reason] : reason
}

export function authName(type: number): AuthType | undefined {
  return type < AUTHS.length ? AUTHS[type] : type
}

export function xlatePointName(point: number): Named<string> | undefined {
  return point < XLATE_POINTS.length ? XLATE_POINTS[point] : point
}

export function capturePointName(subtype: number): Named<string> | undefined {
  const name = CAPTURES[subtype - CAPTURES_FROM]
  return name === undefined ? subtype || undefined : `DBG_CAPTURE_${name}`
}

export function debugEventName(subtype: number): Named<string> | undefined {
  const name = DEBUGS[subtype - 1]
  return name === undefined ? subtype || undefined : `DBG_${name}`
}
