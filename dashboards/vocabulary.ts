/**
 * vocabulary.ts - what Weir's families and Hubble's have in common, so that one dashboard or alert is made for either.
 *
 * In:    metrics of the catalogue; Hubble's own names and labels (cilium/cilium pkg/hubble/metrics).
 * Out:   WEIR and HUBBLE: the same questions, each with its metric and with the matchers that count a packet once.
 *
 * Hubble's families have the labels of both ends only where labelsContext asks for them: HUBBLE_METRICS is that
 * configuration, for Cilium's `hubble.metrics.enabled` and for Weir's `--hubble-metrics` alike.
 */
import { M } from '../src/exporter/catalog/catalog.js'
import { ENDPOINT_LABELS } from '../src/exporter/catalog/flow-catalog.js'
import type { Metric } from '../src/exporter/catalog/metric.js'
import { is, like, type Matchers, type Scope, sumRate, type TargetLabel } from './promql.js'

type End = (typeof ENDPOINT_LABELS)[number]

/** A counter of something that goes from a source to a destination, with what counts each packet (or flow) once. */
export interface Measure<L extends string> {
  readonly name: string
  /** Its increase a second, summed by labels. */
  rate(scope: Scope, by?: readonly (L | End | TargetLabel)[], matchers?: Matchers<L | End>): string
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
  /** What a measure counts, in the plural, and the unit of its rate in Grafana. */
  readonly noun: string
  readonly unit: string
  /** Where pods sent it, and where pods got it. */
  readonly sent: Measure<'verdict' | 'protocol'>
  readonly received: Measure<'verdict' | 'protocol'>
  readonly drops: Measure<'reason' | 'protocol'>
  /** SYNs where pods sent them, and SYN-ACKs where pods got them. */
  readonly syn: Measure<'flag'>
  readonly synAck: Measure<'flag'>
  readonly flags: Measure<'flag'>
  readonly icmp: Measure<'type'>
  /** The metric that every exporter of this kind has from its start, for variables. */
  readonly present: Metric<string>
}

const hubble = <const L extends string>(name: string, labels: readonly L[], help: string): Metric<L> => ({
  ...M.flowPackets,
  name,
  type: 'counter',
  help,
  labels,
})

/** Families of Hubble that the second set is made from. */
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

const ENDS_CONTEXT = `labelsContext=${ENDPOINT_LABELS.join(',')}`

/** The configuration that gives Hubble's families the labels that the second set uses. */
export const HUBBLE_METRICS = ['flow', 'drop', 'tcp', 'icmp', 'port-distribution']
  .map(name => `${name}:${ENDS_CONTEXT}`)
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

/** Where a packet leaves its pod, and where it comes to one (cilium/cilium bpf/lib/notify.h). */
const LEAVING = { type: is('Trace'), subtype: like('to-stack|to-overlay|to-network|to-host|to-proxy') }
const COMING = { type: is('Trace'), subtype: is('to-endpoint') }

export const HUBBLE: Vocabulary = {
  key: 'hubble',
  title: 'Hubble',
  noun: 'flows',
  unit: 'cps',
  sent: measure(H.flows, LEAVING),
  received: measure(H.flows, COMING),
  drops: measure(H.drops),
  syn: measure(H.tcpFlags, { flag: is('SYN') }),
  synAck: measure(H.tcpFlags, { flag: is('SYN-ACK') }),
  flags: measure(H.tcpFlags),
  icmp: measure(H.icmp),
  present: H.lost,
}
