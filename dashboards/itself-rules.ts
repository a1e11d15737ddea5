/**
 * itself-rules.ts - who is woken when Weir itself is not well: a number that may be wrong is worse than none.
 *
 * Out:   groups of rules, over Weir's own families.
 */
import { M } from '../src/exporter/catalog/catalog.js'
import type { Metric } from '../src/exporter/catalog/metric.js'
import { ALL } from './drop-rules.js'
import { rate, select, sum, sumOf, sumRate } from './promql.js'
import type { Alert, Group } from './rule.js'
import { scalar } from './tcp-rules.js'

export const NODE = ['cluster', 'node', 'instance'] as const
/** In a description: which Weir. */
export const AT_NODE = '{{ $labels.node }} ({{ $labels.instance }})'

export function itselfGroups(): Group[] {
  return [
    {
      name: 'weir-itself',
      rules: [
        absent(),
        down(),
        absentOnNode(),
        stage(),
        tableNearlyFull(),
        tableFull(),
        lost(),
        faults(),
        refused(),
        namesStale(),
      ],
    },
  ]
}

function absent(): Alert {
  return {
    alert: 'WeirAbsent',
    expr: `absent(${M.buildInfo.name})`,
    for: '15m',
    severity: 'critical',
    summary: 'No Weir is scraped at all.',
    description: 'Prometheus has no weir_build_info of any target.',
  }
}

/** A target that gave Weir's metrics within the hour, whatever its job is called. */
function down(): Alert {
  return {
    alert: 'WeirDown',
    expr: `up == 0 and on (job, instance) last_over_time(${M.buildInfo.name}[1h])`,
    for: '5m',
    severity: 'critical',
    summary: 'A Weir that was scraped before cannot be scraped now.',
    description: `Target ${AT_NODE} of job {{ $labels.job }} does not answer, so its node is not watched.`,
  }
}

/** Needs kube-state-metrics, and a target label `node`; without either it never fires. */
function absentOnNode(): Alert {
  const here = `max by (cluster, node) (${select(ALL, M.buildInfo)})`
  return {
    alert: 'WeirAbsentOnNode',
    expr: `max by (cluster, node) (kube_node_info) unless on (cluster, node) ${here}\nand on (cluster) max by (cluster) (${M.buildInfo.name}{node!=""})`,
    for: '15m',
    severity: 'warning',
    summary: 'A node of the cluster has no Weir.',
    description: 'Node {{ $labels.node }} is known to Kubernetes, but no Weir there is scraped.',
  }
}

function stage(): Alert {
  return {
    alert: 'WeirStageDown',
    expr: `${select(ALL, M.stageUp)} == 0`,
    for: '5m',
    severity: 'critical',
    summary: 'A stage of Weir does not work.',
    description: `The system refuses stage {{ $labels.stage }} on ${AT_NODE}; its log says why.`,
  }
}

function tableNearlyFull(): Alert {
  return {
    alert: 'WeirConnectionTableNearlyFull',
    expr: `${sumOf(ALL, M.connectionTableEntries, NODE)} / ${sumOf(ALL, M.connectionTableLimit, NODE)} > ${scalar('table_fill')}`,
    for: '15m',
    severity: 'warning',
    summary: 'The connection table is nearly full.',
    description: `{{ $value | humanizePercentage }} of the connection table on ${AT_NODE} are in use.`,
  }
}

function tableFull(): Alert {
  return {
    alert: 'WeirConnectionTableFull',
    expr: `${sumRate(ALL, M.connectionTableFull, NODE)} > 0`,
    for: '5m',
    severity: 'warning',
    summary: 'The connection table is full: packets are counted without connections.',
    description: `{{ $value | humanize }} packets a second on ${AT_NODE} have no connection; their counts are right, handshakes and durations are missing.`,
  }
}

/** Families whose every increment is something that no series will ever tell. */
function lost(): Alert {
  const losses: readonly Metric<never>[] = [M.unnamedPackets, M.observationsLost]
  const parts = [...losses.map(metric => sumRate(ALL, metric, NODE)), sum(NODE, rate(ALL, M.bpfRecursionMisses))]
  return {
    alert: 'WeirRecordsLost',
    expr: `${parts.join('\n+ ')} > 0`,
    for: '5m',
    severity: 'warning',
    summary: 'Weir loses names or observations.',
    description: `{{ $value | humanize }} a second on ${AT_NODE} are counted without a name or not at all.`,
  }
}

function faults(): Alert {
  return {
    alert: 'WeirDecodeFaults',
    expr: `${sumRate(ALL, M.decodeFaults, [...NODE, 'reason'])} > 0`,
    for: '5m',
    severity: 'warning',
    summary: 'Weir cannot decode records of its source.',
    description: `{{ $value | humanize }} records a second on ${AT_NODE} are refused: {{ $labels.reason }}.`,
  }
}

function refused(): Alert {
  return {
    alert: 'WeirSeriesRefused',
    expr: `sum by (cluster, node, instance, family) (increase(${M.seriesRefused.name}[15m])) > 0`,
    for: '15m',
    severity: 'warning',
    summary: 'A family of metrics is past its budget of series.',
    description: `Family {{ $labels.family }} on ${AT_NODE} puts new label sets into its overflow series.`,
  }
}

function namesStale(): Alert {
  return {
    alert: 'WeirNamesStale',
    expr: `max by (cluster, node, instance, resource) (${select(ALL, M.kubernetesWatchAge)}) > ${scalar('names_stale_seconds')}`,
    for: '5m',
    severity: 'warning',
    summary: 'Names from Kubernetes are stale.',
    description: `The Kubernetes API has said nothing of {{ $labels.resource }} to ${AT_NODE} for {{ $value | humanizeDuration }}: new pods have no name.`,
  }
}
