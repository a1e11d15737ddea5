/**
 * vocabulary.ts - what Weir's families and Hubble's have in common, so that each dashboard and alert is written once for both.
 *
 * In:    metrics of the catalog; Hubble's own names and labels (cilium/cilium pkg/hubble/metrics).
 * Out:   WEIR and HUBBLE: the same measures, each with its metric and the matchers that count a packet once.
 *
 * Hubble's families have the labels of source and destination only if labelsContext asks for them. HUBBLE_METRICS is that
 * configuration, for Cilium's `hubble.metrics.enabled` and for Weir's `--hubble-metrics`.
 */
import { M } from '../src/exporter/catalog/catalog.js'
import { ENDPOINT_LABELS } from '../src/exporter/catalog/flow-catalog.js'
import type { Metric } from '../src/exporter/catalog/metric.js'
import { is, like, type Matchers, type Scope, sumRate, type TargetLabel } from './promql.js'

type EndpointLabel = (typeof ENDPOINT_LABELS)[number]

/** A counter by source and destination, with the matchers that count each packet (or flow) once. */
export interface Measure<L extends string> {
  readonly name: string
  /** Its increase per second, summed by labels. */
  rate(scope: Scope, by?: readonly (L | EndpointLabel | TargetLabel)[], matchers?: Matchers<L | EndpointLabel>): string
}

function measure<L extends string>(metric: Metric<L>, once: Matchers<NoInfer<L>> = {}): Measure<L> {
  return {
    name: metric.name,
    rate: (scope, by = [], matchers = {}) =>
      sumRate<L>(scope, metric, by as readonly (L | TargetLabel)[], { ...once, ...matchers } as Matchers<L>),
  }
}

export interface Vocabulary {
  readonly key: 'weir' | 'hubble'
  readonly title: string
  /** What a measure counts, in the plural, and Grafana's unit of its rate. */
  readonly noun: string
  readonly unit: string
  /** Counted at the sending pod, and at the receiving pod. */
  readonly sent: Measure<'verdict' | 'protocol'>
  readonly received: Measure<'verdict' | 'protocol'>
  readonly drops: Measure<'reason' | 'protocol'>
  /** SYNs counted at the sending pod, and SYN-ACKs at the receiving pod. */
  readonly syn: Measure<'flag'>
  readonly synAck: Measure<'flag'>
  readonly flags: Measure<'flag'>
  readonly icmp: Measure<'type'>
  /** A metric that every exporter of this kind exposes from its start; the variables list its labels. */
  readonly present: Metric<string>
}

const hubble = <const L extends string>(name: string, labels: readonly L[], help: string): Metric<L> => ({
  ...M.flowPackets,
  name,
  type: 'counter',
  help,
  labels,
})

/** Hubble's families that the second set uses. */
export const H = {
  flows: hubble(
    'hubble_flows_processed_total',
    [...ENDPOINT_LABELS, 'protocol', 'type', 'subtype', 'verdict'],
    'Total number of flows processed',
  ),
  drops: hubble('hubble_drop_total', [...ENDPOINT_LABELS, 'reason', 'protocol'], 'Number of drops'),
  tcpFlags: hubble('hubble_tcp_flags_total', [...ENDPOINT_LABELS, 'flag', 'family'], 'TCP flag occurrences'),
  icmp: hubble('hubble_icmp_total', [...ENDPOINT_LABELS, 'family', 'type'], 'Number of ICMP messages'),
  ports: hubble(
    'hubble_port_distribution_total',
    [...ENDPOINT_LABELS, 'protocol', 'port'],
    'Numbers of packets distributed by destination port',
  ),
  lost: hubble('hubble_lost_events_total', ['source'], 'Number of lost events'),
} as const

const LABELS_CONTEXT = `labelsContext=${ENDPOINT_LABELS.join(',')}`

/** The configuration that gives Hubble's families the labels that the second set needs. */
export const HUBBLE_METRICS = ['flow', 'drop', 'tcp', 'icmp', 'port-distribution']
  .map(name => `${name}:${LABELS_CONTEXT}`)
  .join(' ')

export const WEIR: Vocabulary = {
  key: 'weir',
  title: 'Weir',
  noun: 'packets',
  unit: 'pps',
  sent: measure(M.flowPackets, { reporter: is('source') }),
  received: measure(M.flowPackets, { reporter: is('destination') }),
  drops: measure(M.dropPackets),
  syn: measure(M.tcpFlags, { reporter: is('source'), flag: is('SYN') }),
  synAck: measure(M.tcpFlags, { reporter: is('destination'), flag: is('SYN-ACK') }),
  flags: measure(M.tcpFlags, { reporter: is('source') }),
  icmp: measure(M.icmpMessages, { reporter: is('source') }),
  present: M.buildInfo,
}

/** Observation points where a packet leaves a pod, and where it reaches one (cilium/cilium bpf/lib/notify.h). */
const FROM_POD = { type: is('Trace'), subtype: like('to-stack|to-overlay|to-network|to-host|to-proxy') }
const TO_POD = { type: is('Trace'), subtype: is('to-endpoint') }

export const HUBBLE: Vocabulary = {
  key: 'hubble',
  title: 'Hubble',
  noun: 'flows',
  unit: 'cps',
  sent: measure(H.flows, FROM_POD),
  received: measure(H.flows, TO_POD),
  drops: measure(H.drops),
  syn: measure(H.tcpFlags, { flag: is('SYN') }),
  synAck: measure(H.tcpFlags, { flag: is('SYN-ACK') }),
  flags: measure(H.tcpFlags),
  icmp: measure(H.icmp),
  present: H.lost,
}
