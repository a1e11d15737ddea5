/**
 * drop-rules.ts - who is woken when packets are dropped: by namespace, by reason, by pair of workloads.
 *
 * In:    a vocabulary: the rules are the same for Weir's families and for Hubble's.
 * Out:   groups of rules.
 *
 * A namespace is judged twice: `egress`, of what its pods send which share is dropped; `ingress`, of what is sent to them.
 */
import { ENDPOINT_LABELS } from '../src/exporter/catalog/flow-catalog.js'
import { not, rename, type Scope, sum } from './promql.js'
import type { Alert, Group, Recording } from './rule.js'
import { type ThresholdName, thresholdSeries } from './thresholds.js'
import type { Vocabulary } from './vocabulary.js'

/** All targets, over 5 minutes: many scrapes, and an alert within minutes. */
export const ALL: Scope = { target: '', window: '5m' }

type Side = 'egress' | 'ingress'
const END = { egress: 'source_namespace', ingress: 'destination_namespace' } as const
const NAMESPACE = ['cluster', 'namespace'] as const

/** `Weir` or `WeirHubble`: the first word of every alert's name. */
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
  const own = series(v)
  return [
    ...(['egress', 'ingress'] as const).flatMap(side => bySide(v, side)),
    { record: own.reasons, expr: v.drops.rate(ALL, ['cluster', 'reason']) },
    { record: own.pairs, expr: v.drops.rate(ALL, ['cluster', ...ENDPOINT_LABELS, 'reason']) },
  ]
}

function bySide(v: Vocabulary, side: Side): Recording[] {
  const own = series(v)
  const labels = { direction: side }
  const end = END[side]
  const named = (rate: string) => sum(NAMESPACE, rename(rate, end, 'namespace'))
  const dropped = named(v.drops.rate(ALL, ['cluster', end], { [end]: not('') }))
  const passed = named((side === 'egress' ? v.sent : v.received).rate(ALL, ['cluster', end], { [end]: not('') }))
  const here = `{direction="${side}"}`
  // What comes to a pod is counted behind the place where it may be dropped, what it sends before.
  const all = side === 'egress' ? passed : `${passed} + (${dropped} or ${passed} * 0) or ${dropped}`
  return [
    { record: own.drops, expr: dropped, labels },
    { record: own.traffic, expr: all, labels },
    // A packet may be dropped before the interface that would have counted it: never more than all.
    { record: own.ratio, expr: `clamp_max(${own.drops}${here} / (${own.traffic}${here} > 0), 1)`, labels },
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
    summary: 'A namespace loses an unusual share of its traffic to drops.',
    description: `{{ $value | humanizePercentage }} of the {{ $labels.direction }} ${v.noun} of namespace {{ $labels.namespace }} are dropped.`,
  }
}

/** Above the namespace's own threshold where it has one, else above everybody's. */
function above(ratio: string, name: ThresholdName): string {
  const threshold = thresholdSeries(name)
  const own = `${threshold}{namespace!=""}`
  return `(${ratio} > on (namespace) group_left () ${own} or (${ratio} unless on (namespace) ${own}) > scalar(${threshold}{namespace=""}))`
}

/** Only where a day ago somebody looked: else all reasons are new. */
function newReason(v: Vocabulary): Alert {
  const { reasons } = series(v)
  return {
    alert: `${prefixOf(v)}NewDropReason`,
    expr: `${reasons} unless on (cluster, reason) max_over_time(${reasons}[1d] offset 1h)\nand on (cluster) max by (cluster) (max_over_time(${v.present.name}[1h] offset 1d))`,
    for: '0m',
    severity: 'info',
    summary: 'Packets are dropped for a reason that was not seen in the past day.',
    description: `Reason {{ $labels.reason }} is new: {{ $value | humanize }} ${v.noun} a second.`,
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
    description: `{{ $value | humanize }} ${v.noun} a second from {{ $labels.source_namespace }}/{{ $labels.source_workload }} to {{ $labels.destination_namespace }}/{{ $labels.destination_workload }} are dropped: {{ $labels.reason }}.`,
  }
}
