/**
 * drop-rules.ts - alerts on dropped packets: by namespace, by reason, and by pair of workloads.
 *
 * In:    a vocabulary: the rules are the same for Weir's families and for Hubble's.
 * Out:   groups of rules.
 *
 * A namespace has two drop ratios: `egress` for packets its pods send, `ingress` for packets sent to them.
 */
import { ENDPOINT_LABELS } from '../src/exporter/catalog/flow-catalog.js'
import { not, rename, type Scope, sum } from './promql.js'
import type { Alert, Group, Recording } from './rule.js'
import { type ThresholdName, thresholdSeries } from './thresholds.js'
import type { Vocabulary } from './vocabulary.js'

/** All targets, over 5 minutes: long enough for several scrapes, short enough to alert within minutes. */
export const ALL: Scope = { target: '', window: '5m' }

type Direction = 'egress' | 'ingress'
const NAMESPACE_LABEL = { egress: 'source_namespace', ingress: 'destination_namespace' } as const
const NAMESPACE = ['cluster', 'namespace'] as const

/** The prefix of every alert name: `Weir` or `WeirHubble`. */
export function prefixOf({ key }: Vocabulary): string {
  return key === 'weir' ? 'Weir' : 'WeirHubble'
}

export function dropGroups(v: Vocabulary): Group[] {
  const name = v.key === 'weir' ? 'weir-drops' : 'weir-hubble-drops'
  return [{ name, rules: [...recordings(v), ...alerts(v)] }]
}

function series(v: Vocabulary) {
  return {
    drops: `namespace:${v.key}_drop_${v.noun}:rate5m`,
    traffic: `namespace:${v.key}_flow_${v.noun}:rate5m`,
    ratio: `namespace:${v.key}_drop_${v.noun}_per_flow_${v.noun}:ratio_rate5m`,
    reasons: `reason:${v.key}_drop_${v.noun}:rate5m`,
    pairs: `workloads:${v.key}_drop_${v.noun}:rate5m`,
  }
}

function recordings(v: Vocabulary): Recording[] {
  const recorded = series(v)
  return [
    ...(['egress', 'ingress'] as const).flatMap(direction => namespaceRecordings(v, direction)),
    { record: recorded.reasons, expr: v.drops.rate(ALL, ['cluster', 'reason']) },
    { record: recorded.pairs, expr: v.drops.rate(ALL, ['cluster', ...ENDPOINT_LABELS, 'reason']) },
  ]
}

function namespaceRecordings(v: Vocabulary, direction: Direction): Recording[] {
  const recorded = series(v)
  const labels = { direction }
  const label = NAMESPACE_LABEL[direction]
  const byNamespace = (rate: string) => sum(NAMESPACE, rename(rate, label, 'namespace'))
  const measure = direction === 'egress' ? v.sent : v.received
  const dropped = byNamespace(v.drops.rate(ALL, ['cluster', label], { [label]: not('') }))
  const counted = byNamespace(measure.rate(ALL, ['cluster', label], { [label]: not('') }))
  const selector = `{direction="${direction}"}`
  // Egress is counted before a packet can be dropped on its way, ingress after: ingress traffic is counted plus dropped.
  const traffic = direction === 'egress' ? counted : `${counted} + (${dropped} or ${counted} * 0) or ${dropped}`
  return [
    { record: recorded.drops, expr: dropped, labels },
    { record: recorded.traffic, expr: traffic, labels },
    // A packet may be dropped before the interface that would have counted it, so the quotient can exceed 1.
    {
      record: recorded.ratio,
      expr: `clamp_max(${recorded.drops}${selector} / (${recorded.traffic}${selector} > 0), 1)`,
      labels,
    },
  ]
}

function alerts(v: Vocabulary): Alert[] {
  return [namespaceAlert(v, 'warning'), namespaceAlert(v, 'critical'), newReason(v), pair(v)]
}

function namespaceAlert(v: Vocabulary, severity: 'warning' | 'critical'): Alert {
  const { ratio, drops } = series(v)
  return {
    alert: `${prefixOf(v)}NamespaceDropRatio${severity === 'warning' ? 'High' : 'Critical'}`,
    expr: `${above(ratio, `drop_ratio_${severity}`)}\nand on (cluster, namespace, direction)\n${above(drops, `drop_rate_${severity}`)}`,
    for: '5m',
    severity,
    summary: 'A namespace is losing a high share of its traffic to drops.',
    description: `{{ $value | humanizePercentage }} of the {{ $labels.direction }} ${v.noun} of namespace {{ $labels.namespace }} are dropped.`,
  }
}

/** Above the threshold of the namespace if it has one, else above the global threshold. */
function above(ratio: string, name: ThresholdName): string {
  const threshold = thresholdSeries(name)
  const ofNamespace = `${threshold}{namespace!=""}`
  return `(${ratio} > on (namespace) group_left () ${ofNamespace} or (${ratio} unless on (namespace) ${ofNamespace}) > scalar(${threshold}{namespace=""}))`
}

/** Only for clusters that were already scraped a day ago: on the first day every reason is new. */
function newReason(v: Vocabulary): Alert {
  const { reasons } = series(v)
  return {
    alert: `${prefixOf(v)}NewDropReason`,
    expr: `${reasons} unless on (cluster, reason) max_over_time(${reasons}[1d] offset 1h)\nand on (cluster) max by (cluster) (max_over_time(${v.present.name}[1h] offset 1d))`,
    for: '0m',
    severity: 'info',
    summary: 'Packets are dropped for a reason that did not occur in the past day.',
    description: `Drop reason {{ $labels.reason }} is new: {{ $value | humanize }} ${v.noun} per second.`,
  }
}

function pair(v: Vocabulary): Alert {
  const { pairs } = series(v)
  return {
    alert: `${prefixOf(v)}WorkloadPairDrops`,
    expr: `${pairs} > scalar(${thresholdSeries('drop_rate_pair')}{namespace=""})`,
    for: '10m',
    severity: 'warning',
    summary: 'Traffic between two workloads is dropped.',
    description: `{{ $value | humanize }} ${v.noun} per second from {{ $labels.source_namespace }}/{{ $labels.source_workload }} to {{ $labels.destination_namespace }}/{{ $labels.destination_workload }} are dropped: {{ $labels.reason }}.`,
  }
}
