// SPDX-License-Identifier: Apache-2.0
/**
 * sock.ts - makes a flow of a socket trace: the pod, and the address it called before or after translation.
 *
 * In:    a SockRecord, which has no identities and no source port; a Resolver, which knows the pod of a cgroup.
 * Out:   the fields of a flow of Type SOCK. In the reverse direction (points 3 and 4) the pod is the destination.
 * Fail:  false if no pod with an address of that family owns the cgroup; Hubble skips such a record.
 *        Source: cilium/cilium pkg/hubble/parser/sock/parser.go, 1.19.
 */
import { Notify } from '../../datapath/record/abi.js'
import type { SockRecord } from '../../datapath/record/sock-record.js'
import { formatAddress, formatIpv4 } from '../../lib/address.js'
import type { EndpointResolver } from './endpoint.js'
import { xlatePointName } from './enum-names.js'
import type { Flow, Layer4, Verdict } from './flow.js'
import { ports } from './layers/transport.js'
import { addNames, addServices } from './lookup.js'
import type { Resolver } from './resolver.js'

const VERDICTS: readonly (Verdict | undefined)[] = [undefined, 'TRACED', 'TRANSLATED', 'TRACED', 'TRANSLATED']
const PROTOCOLS = ['Unknown', 'TCP', 'UDP'] as const
const REVERSE_POINTS = [3, 4]

export function fillSock(
  flow: Flow,
  record: SockRecord,
  resolver: Resolver,
  endpoints: EndpointResolver,
  nodeName: string,
): boolean {
  const { point, ipv6, cgroup, bytes, dstAt, dstPort } = record
  const pod = resolver.cgroupAddress(cgroup, ipv6)
  if (pod === undefined) return false
  const peer = ipv6 ? formatAddress(bytes, dstAt) : formatIpv4(bytes, dstAt)
  const reverse = REVERSE_POINTS.includes(point)
  const [source, destination] = reverse ? [peer, pod] : [pod, peer]
  const [sourcePort, destinationPort] = reverse ? [dstPort, 0] : [0, dstPort]
  const verdict = VERDICTS[point]
  const l4 = transport(record.proto, sourcePort, destinationPort)
  if (verdict !== undefined) flow.verdict = verdict
  flow.IP = { source, destination, ipVersion: ipv6 ? 'IPv6' : 'IPv4' }
  if (l4 !== undefined) flow.l4 = l4
  flow.source = endpoints.resolve(source, 0)
  flow.destination = endpoints.resolve(destination, 0)
  flow.Type = 'SOCK'
  if (nodeName !== '') flow.node_name = nodeName
  addNames(flow, resolver, source, destination)
  flow.event_type = point === 0 ? { type: Notify.traceSock } : { type: Notify.traceSock, sub_type: point }
  addServices(flow, resolver, source, sourcePort, destination, destinationPort)
  addSocket(flow, record)
  return true
}

function addSocket(flow: Flow, record: SockRecord): void {
  const { cookie, cgroup } = record
  const point = xlatePointName(record.point)
  if (point !== undefined) flow.sock_xlate_point = point
  if (cookie !== '0') flow.socket_cookie = cookie
  if (cgroup !== '0') flow.cgroup_id = cgroup
  flow.Summary = PROTOCOLS[record.proto] ?? 'Unknown'
}

function transport(proto: number, source: number, destination: number): Layer4 | undefined {
  if (proto === 1) return { TCP: ports(source, destination) }
  return proto === 2 ? { UDP: ports(source, destination) } : undefined
}
