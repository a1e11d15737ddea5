// SPDX-License-Identifier: Apache-2.0
/**
 * flow-catalog.ts - the flow families. Operators can disable each one and choose its labels and budget.
 *
 * In:    SIZE_CLASSES: the datapath counts packets by size class, so they are the histogram's buckets.
 */
import { SIZE_CLASSES } from '../../datapath/record/abi.js'
import { counter, type Group, gauge, histogram, type Metric } from './metric.js'

/** The default endpoint labels: every flow family but the inter-zone one starts with them. */
export const ENDPOINT_LABELS = [
  'source_namespace',
  'source_workload',
  'destination_namespace',
  'destination_workload',
] as const

/** Seconds, from a pod on the same node to a third SYN: 1, 3 and 10 separate the retransmitted SYNs. */
const HANDSHAKE = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3, 10,
] as const

/** Seconds, from a millisecond to a day. */
const DURATION = [0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 21600, 86400] as const

/** Bytes, from 100 B to 10 GB by decades. */
const TRANSFER = [1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10] as const

export const FLOWS = {
  flowPackets: counter(
    'weir_flow_packets_total',
    'Packets forwarded or dropped, as the interface counts them, from the connection table of the tc programs; verdict DROPPED is from tp_btf/kfree_skb.',
    [...ENDPOINT_LABELS, 'reporter', 'verdict', 'protocol'],
  ),
  flowBytes: counter(
    'weir_flow_bytes_total',
    'Bytes of packets forwarded or dropped, Ethernet headers included (skb->len), from the connection table of the tc programs; verdict DROPPED is from tp_btf/kfree_skb.',
    [...ENDPOINT_LABELS, 'reporter', 'verdict', 'protocol'],
  ),
  connectionsOpened: counter(
    'weir_connections_opened_total',
    'Connections opened, from the connection table of the tc programs; the source is the initiator.',
    [...ENDPOINT_LABELS, 'reporter', 'protocol'],
  ),
  connectionsClosed: counter(
    'weir_connections_closed_total',
    'Connections closed, by reason (fin, reset or timeout), from the connection table of the tc programs; the source is the initiator.',
    [...ENDPOINT_LABELS, 'reporter', 'protocol', 'reason'],
  ),
  connectionsActive: gauge(
    'weir_connections_active',
    'Connections currently open, including those already open when Weir started, from the connection table of the tc programs; the source is the initiator.',
    [...ENDPOINT_LABELS, 'reporter', 'protocol'],
  ),
  dropPackets: counter(
    'weir_drop_packets_total',
    "Packets dropped by the kernel, by drop reason, from tp_btf/kfree_skb; reason names are the running kernel's.",
    [...ENDPOINT_LABELS, 'reporter', 'reason', 'protocol'],
  ),
  dropBytes: counter(
    'weir_drop_bytes_total',
    'Bytes of packets dropped by the kernel, by drop reason, from tp_btf/kfree_skb.',
    [...ENDPOINT_LABELS, 'reporter', 'reason', 'protocol'],
  ),
  tcpFlags: counter(
    'weir_tcp_flags_total',
    'TCP segments with SYN, SYN-ACK, FIN or RST, by flag, from the connection table of the tc programs.',
    [...ENDPOINT_LABELS, 'reporter', 'flag'],
  ),
  icmpMessages: counter(
    'weir_icmp_messages_total',
    'ICMP and ICMPv6 messages, by type, from the connection table of the tc programs.',
    [...ENDPOINT_LABELS, 'reporter', 'type'],
  ),
  policyVerdicts: counter(
    'weir_policy_verdicts_total',
    "Network policy verdicts, by direction, match and action, from Cilium's policy verdict records.",
    [...ENDPOINT_LABELS, 'direction', 'match', 'action'],
  ),
  tcpHandshake: histogram(
    'weir_tcp_handshake_seconds',
    'TCP handshake time from SYN to the final ACK, as seen at the interface by the tc programs.',
    [...ENDPOINT_LABELS, 'reporter'],
    HANDSHAKE,
  ),
  connectionDuration: histogram(
    'weir_connection_duration_seconds',
    'Time from the first to the last packet of a closed connection, from the connection table of the tc programs.',
    [...ENDPOINT_LABELS, 'reporter'],
    DURATION,
  ),
  connectionBytes: histogram(
    'weir_connection_bytes',
    'Bytes transferred in both directions of a closed connection, from the connection table of the tc programs.',
    [...ENDPOINT_LABELS, 'reporter'],
    TRANSFER,
  ),
  packetSize: histogram(
    'weir_packet_size_bytes',
    'Packet sizes (skb->len), counted by size class in the tc programs.',
    [...ENDPOINT_LABELS, 'reporter'],
    SIZE_CLASSES,
  ),
  interZoneBytes: counter(
    'weir_inter_zone_bytes_total',
    'Bytes sent to another zone, counted once at the sending pod, from the connection table of the tc programs.',
    ['source_zone', 'destination_zone'],
  ),
} as const

export type FlowName = keyof typeof FLOWS
export const FLOW_NAMES = Object.keys(FLOWS) as readonly FlowName[]

/** The families that `metrics.families` can configure. */
export const FLOW_METRICS: readonly Metric[] = Object.values(FLOWS)

export const OFF_BY_DEFAULT: ReadonlySet<string> = new Set([FLOWS.interZoneBytes.name])

export const FLOW_GROUPS: Readonly<Record<keyof typeof FLOWS, Group>> = {
  flowPackets: 'flow',
  flowBytes: 'flow',
  interZoneBytes: 'flow',
  connectionsOpened: 'connection',
  connectionsClosed: 'connection',
  connectionsActive: 'connection',
  dropPackets: 'drop',
  dropBytes: 'drop',
  tcpFlags: 'tcp',
  icmpMessages: 'icmp',
  policyVerdicts: 'policy',
  tcpHandshake: 'tcp',
  connectionDuration: 'connection',
  connectionBytes: 'connection',
  packetSize: 'size',
}
