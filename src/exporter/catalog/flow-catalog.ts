/**
 * flow-catalog.ts - the families of flows, whose labels, bounds and presence an operator chooses.
 *
 * In:    SIZE_CLASSES of the datapath, so that packet sizes arrive already classed.
 */
import { SIZE_CLASSES } from '../../datapath/record/abi.js'
import { counter, type Group, gauge, histogram, type Metric } from './metric.js'

/** Who sent the packet, and to whom: the labels that every flow family begins with. */
export const ENDPOINT_LABELS = [
  'source_namespace',
  'source_workload',
  'destination_namespace',
  'destination_workload',
] as const

/** Seconds: from a pod next door to a third SYN; 1, 3 and 10 tell retransmitted SYNs apart. */
const HANDSHAKE = [
  0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 3, 10,
] as const

/** Seconds: a millisecond to a day. */
const DURATION = [0.001, 0.01, 0.1, 1, 10, 60, 600, 3600, 21600, 86400] as const

/** Bytes: 100 B to 10 GB by decades. */
const TRANSFER = [1e2, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9, 1e10] as const

export const FLOWS = {
  flowPackets: counter(
    'weir_flow_packets_total',
    'Packets as the interface counts them, from the connection table of the tc programs; the verdict DROPPED comes from tp_btf/kfree_skb.',
    [...ENDPOINT_LABELS, 'reporter', 'verdict', 'protocol'],
  ),
  flowBytes: counter(
    'weir_flow_bytes_total',
    'Bytes of those packets with their Ethernet headers (skb->len), from the connection table of the tc programs.',
    [...ENDPOINT_LABELS, 'reporter', 'verdict', 'protocol'],
  ),
  connectionsOpened: counter(
    'weir_connections_opened_total',
    'Connections that were seen to begin, from the connection table; the source is who opened them.',
    [...ENDPOINT_LABELS, 'reporter', 'protocol'],
  ),
  connectionsClosed: counter(
    'weir_connections_closed_total',
    'Connections that ended by fin, reset or timeout, from the connection table; the source is who opened them.',
    [...ENDPOINT_LABELS, 'reporter', 'protocol', 'reason'],
  ),
  connectionsActive: gauge(
    'weir_connections_active',
    'Connections that are open now, those found open at the start included, from the connection table; the source is who opened them.',
    [...ENDPOINT_LABELS, 'reporter', 'protocol'],
  ),
  dropPackets: counter(
    'weir_drop_packets_total',
    'Packets that the kernel freed with a drop reason, from tp_btf/kfree_skb; the reason is the name of the running kernel.',
    [...ENDPOINT_LABELS, 'reporter', 'reason', 'protocol'],
  ),
  dropBytes: counter('weir_drop_bytes_total', 'Bytes of the packets that the kernel dropped, from tp_btf/kfree_skb.', [
    ...ENDPOINT_LABELS,
    'reporter',
    'reason',
    'protocol',
  ]),
  tcpFlags: counter(
    'weir_tcp_flags_total',
    'TCP segments that carried SYN, SYN-ACK, FIN or RST, from the connection table of the tc programs.',
    [...ENDPOINT_LABELS, 'reporter', 'flag'],
  ),
  icmpMessages: counter(
    'weir_icmp_messages_total',
    'ICMP and ICMPv6 messages by their type, from the connection table of the tc programs.',
    [...ENDPOINT_LABELS, 'reporter', 'type'],
  ),
  policyVerdicts: counter(
    'weir_policy_verdicts_total',
    'Policy verdicts by direction, what matched and what was done, from policy verdict records.',
    [...ENDPOINT_LABELS, 'direction', 'match', 'action'],
  ),
  tcpHandshake: histogram(
    'weir_tcp_handshake_seconds',
    'Time from the SYN to the ACK that completes the handshake, as seen at the interface by the tc programs.',
    [...ENDPOINT_LABELS, 'reporter'],
    HANDSHAKE,
  ),
  connectionDuration: histogram(
    'weir_connection_duration_seconds',
    'Time from the first to the last packet of a connection that ended, from the connection table.',
    [...ENDPOINT_LABELS, 'reporter'],
    DURATION,
  ),
  connectionBytes: histogram(
    'weir_connection_bytes',
    'Bytes of both directions of a connection that ended, from the connection table.',
    [...ENDPOINT_LABELS, 'reporter'],
    TRANSFER,
  ),
  packetSize: histogram(
    'weir_packet_size_bytes',
    'Size of packets (skb->len), classed in the kernel by the tc programs.',
    [...ENDPOINT_LABELS, 'reporter'],
    SIZE_CLASSES,
  ),
  interZoneBytes: counter(
    'weir_inter_zone_bytes_total',
    'Bytes from a zone to another, counted where they leave the sending pod, from the connection table of the tc programs.',
    ['source_zone', 'destination_zone'],
  ),
} as const

export type FlowName = keyof typeof FLOWS
export const FLOW_NAMES = Object.keys(FLOWS) as readonly FlowName[]

/** The families whose labels, bounds and presence an operator chooses. */
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
