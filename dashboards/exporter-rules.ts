/**
 * exporter-rules.ts - alerts on the exporter's own health: a number that may be wrong is worse than none.
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
/** Names the instance in a description. */
export const AT_NODE = '{{ $labels.node }} ({{ $labels.instance }})'

export function exporterGroups(): Group[] {
  return [
    {
      name: 'weir-exporter',
      rules: [
        absent(),
        down(),
        absentOnNode(),
        stage(),
        featureOff(),
        bypassed(),
        pending(),
        uncovered(),
        podEndsMissing(),
        behind(),
        uplinkUnknown(),
        reattached(),
        tableNearlyFull(),
        tableFull(),
        dropTableFull(),
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
    summary: 'No Weir instance is scraped.',
    description: 'Prometheus has no weir_build_info series from any target.',
  }
}

/** A target that exposed Weir's metrics within the past hour, whatever its job is called. */
function down(): Alert {
  return {
    alert: 'WeirDown',
    expr: `up == 0 and on (job, instance) last_over_time(${M.buildInfo.name}[1h])`,
    for: '5m',
    severity: 'critical',
    summary: 'A Weir instance no longer answers scrapes.',
    description: `Target ${AT_NODE} of job {{ $labels.job }} is down. Its node is not monitored.`,
  }
}

/** Needs kube-state-metrics and a target label `node`; without either it never fires. */
function absentOnNode(): Alert {
  const running = `max by (cluster, node) (${select(ALL, M.buildInfo)})`
  return {
    alert: 'WeirAbsentOnNode',
    expr: `max by (cluster, node) (kube_node_info) unless on (cluster, node) ${running}\nand on (cluster) max by (cluster) (${M.buildInfo.name}{node!=""})`,
    for: '15m',
    severity: 'warning',
    summary: 'Weir does not run on a node of the cluster.',
    description: 'Kubernetes lists node {{ $labels.node }}, but Prometheus scrapes no Weir there.',
  }
}

function stage(): Alert {
  return {
    alert: 'WeirStageDown',
    expr: `${select(ALL, M.stageUp)} == 0`,
    for: '5m',
    severity: 'critical',
    summary: 'A stage of Weir is down.',
    description: `Stage {{ $labels.stage }} on ${AT_NODE} fails: the kernel refuses an operation. The log has the error.`,
  }
}

function featureOff(): Alert {
  return {
    alert: 'WeirFeatureOff',
    expr: `max by (cluster, node, instance, feature) (${M.feature.name}{state="off"}) == 1`,
    for: '5m',
    severity: 'warning',
    summary: 'The kernel lacks a feature that Weir needs for exact numbers.',
    description: `The kernel of ${AT_NODE} lacks {{ $labels.feature }}, and numbers are missing; weir probe on the node says which and what helps.`,
  }
}

function bypassed(): Alert {
  return {
    alert: 'WeirInterfaceBypassed',
    expr: `max by (cluster, node, instance, interface, direction) (${select(ALL, M.interfaceBypassed)}) == 1`,
    for: '1m',
    severity: 'critical',
    summary: 'Packets bypass the interface of a pod.',
    description: `Another program on ${AT_NODE} forwards packets past interface {{ $labels.interface }}: Weir does not count the direction {{ $labels.direction }}.`,
  }
}

function pending(): Alert {
  return {
    alert: 'WeirInterfacesPending',
    expr: `${sumOf(ALL, M.interfacesPending, NODE)} > 0`,
    for: '2m',
    severity: 'critical',
    summary: 'Weir cannot attach to an interface.',
    description: `{{ $value }} interfaces on ${AT_NODE} do not have Weir's programs: their packets are not counted. The log has the error.`,
  }
}

/** A pod's object outlives its interface by the grace period of its deletion. */
function uncovered(): Alert {
  return {
    alert: 'WeirPodsUncovered',
    expr: `${sumOf(ALL, M.podsLocal, NODE)} - ${sumOf(ALL, M.podsCovered, NODE)} > 0`,
    for: '10m',
    severity: 'warning',
    summary: 'Weir watches no interface of some pods.',
    description: `{{ $value }} pods on ${AT_NODE} have no watched interface: their packets are not counted. The log and the status page have their names.`,
  }
}

/** The runtime may mount the namespace of a new pod late. */
function podEndsMissing(): Alert {
  return {
    alert: 'WeirPodEndsMissing',
    expr: `${sumOf(ALL, M.podEndsMissing, NODE)} > 0`,
    for: '10m',
    severity: 'warning',
    summary: "Weir cannot attach at the pods' side.",
    description: `{{ $value }} interfaces of pods on ${AT_NODE} have no program at the pod's side: packets that skip the host's side are not counted. The log has errors, if there are any.`,
  }
}

function behind(): Alert {
  return {
    alert: 'WeirInterfaceBehind',
    expr: `max by (cluster, node, instance, interface) (${select(ALL, M.interfaceBehind)}) == 1`,
    for: '1m',
    severity: 'warning',
    summary: 'Another program runs before Weir.',
    description: `Another program on interface {{ $labels.interface }} of ${AT_NODE} insists on running first. Packets that it drops or redirects are not counted.`,
  }
}

function uplinkUnknown(): Alert {
  return {
    alert: 'WeirBridgeUplinkUnknown',
    expr: `max by (cluster, node, instance, interface) (${select(ALL, M.bridgeUplinkUnknown)}) == 1`,
    for: '10m',
    severity: 'warning',
    summary: "The node's uplink may count as a pod's interface.",
    description: `The default route of ${AT_NODE} goes through bridge {{ $labels.interface }}, and no port of it is known to lead to the gateway. If one of its ports is the node's uplink, traffic with other nodes counts twice.`,
  }
}

/** A CNI that is restarted overtakes Weir once on each interface; that is no alert. */
function reattached(): Alert {
  return {
    alert: 'WeirInterfacesReattached',
    expr: `sum by (cluster, node, instance, reason) (increase(${M.interfaceReattached.name}[15m])) > 0`,
    for: '30m',
    severity: 'warning',
    summary: 'Another program keeps detaching Weir.',
    description: `Weir on ${AT_NODE} attached its programs again {{ $value | humanize }} times in 15 minutes: {{ $labels.reason }}. Packets in between are not counted.`,
  }
}

function tableNearlyFull(): Alert {
  return {
    alert: 'WeirConnectionTableNearlyFull',
    expr: `${sumOf(ALL, M.connectionTableEntries, NODE)} / ${sumOf(ALL, M.connectionTableLimit, NODE)} > ${scalar('table_fill')}`,
    for: '15m',
    severity: 'warning',
    summary: 'The connection table is nearly full.',
    description: `{{ $value | humanizePercentage }} of the connection table on ${AT_NODE} is in use.`,
  }
}

function tableFull(): Alert {
  return {
    alert: 'WeirConnectionTableFull',
    expr: `${sumRate(ALL, M.connectionTableFull, NODE)} > 0`,
    for: '5m',
    severity: 'warning',
    summary: 'The connection table is full.',
    description: `{{ $value | humanize }} packets per second on ${AT_NODE} are counted without a connection. Packet and byte counts stay exact; handshakes and durations are missing.`,
  }
}

function dropTableFull(): Alert {
  return {
    alert: 'WeirDropTableFull',
    expr: `${sumRate(ALL, M.dropTableFull, NODE)} + ${sumRate(ALL, M.dropTableCoarse, NODE)} > 0`,
    for: '5m',
    severity: 'warning',
    summary: 'Drops are counted without their destination or without names.',
    description: `{{ $value | humanize }} dropped packets per second on ${AT_NODE} are counted without their port or destination, or by reason only: a source has used up its share of the drop table, or the table is full. Alerts by namespace may miss them.`,
  }
}

/** Each increment of these families is a name or an observation that no series contains. */
function lost(): Alert {
  const losses: readonly Metric<never>[] = [M.unnamedPackets, M.observationsLost]
  const parts = [...losses.map(metric => sumRate(ALL, metric, NODE)), sum(NODE, rate(ALL, M.bpfRecursionMisses))]
  return {
    alert: 'WeirRecordsLost',
    expr: `${parts.join('\n+ ')} > 0`,
    for: '5m',
    severity: 'warning',
    summary: 'Weir loses names or observations.',
    description: `{{ $value | humanize }} packets or observations per second on ${AT_NODE} are counted without names or not at all.`,
  }
}

function faults(): Alert {
  return {
    alert: 'WeirDecodeFaults',
    expr: `${sumRate(ALL, M.decodeFaults, [...NODE, 'reason'])} > 0`,
    for: '5m',
    severity: 'warning',
    summary: 'Weir cannot decode records of its source.',
    description: `The decoder on ${AT_NODE} rejects {{ $value | humanize }} records per second: {{ $labels.reason }}.`,
  }
}

function refused(): Alert {
  return {
    alert: 'WeirSeriesRefused',
    expr: `sum by (cluster, node, instance, family) (increase(${M.seriesRefused.name}[15m])) > 0`,
    for: '15m',
    severity: 'warning',
    summary: 'A metric family exceeds its series budget.',
    description: `Family {{ $labels.family }} on ${AT_NODE} counts new label sets in its overflow series.`,
  }
}

function namesStale(): Alert {
  return {
    alert: 'WeirNamesStale',
    expr: `max by (cluster, node, instance, resource) (${select(ALL, M.kubernetesWatchAge)}) > ${scalar('names_stale_seconds')}`,
    for: '5m',
    severity: 'warning',
    summary: 'Names from Kubernetes are stale.',
    description: `${AT_NODE} has received nothing about {{ $labels.resource }} from the Kubernetes API for {{ $value | humanizeDuration }}. New pods have no name.`,
  }
}
