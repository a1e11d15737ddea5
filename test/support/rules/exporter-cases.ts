/**
 * exporter-cases.ts - cases of the alerts on Weir's own health, which dashboards/exporter-rules.ts defines.
 */
import { AT_NODE, type Case, counting, holding, INFO, node, UP, WHERE } from './case.js'

export const EXPORTER_CASES: Readonly<Record<string, Case>> = {
  WeirAbsent: {
    fires: {
      input: [],
      alerts: [{ labels: {}, description: 'Prometheus has no weir_build_info series from any target.' }],
    },
    quiet: { 'one instance': [[INFO, holding(1)]] },
  },
  WeirDown: {
    fires: {
      input: [
        [INFO, '1+0x20'],
        [UP, '1+0x20 0+0x40'],
      ],
      alerts: [
        {
          labels: { job: 'weir', ...AT_NODE },
          description: `Target ${WHERE} of job weir is down. Its node is not monitored.`,
        },
      ],
    },
    quiet: {
      'a target that never exposed weir_build_info': [[UP, '0+0x60']],
      'a target that answers': [
        [INFO, holding(1)],
        [UP, holding(1)],
      ],
    },
    at: '40m',
  },
  WeirAbsentOnNode: {
    fires: {
      input: [
        ['kube_node_info{node="n1"}', holding(1)],
        ['kube_node_info{node="n2"}', holding(1)],
        [INFO, holding(1)],
      ],
      alerts: [
        { labels: { node: 'n2' }, description: 'Kubernetes lists node n2, but Prometheus scrapes no Weir there.' },
      ],
    },
    quiet: {
      'Weir on every node': [
        ['kube_node_info{node="n1"}', holding(1)],
        [INFO, holding(1)],
      ],
      'targets without a node label': [
        ['kube_node_info{node="n1"}', holding(1)],
        ['weir_build_info{job="weir"}', holding(1)],
      ],
    },
  },
  WeirStageDown: {
    fires: {
      input: [node('weir_stage_up', holding(0), 'stage="drops"')],
      alerts: [
        {
          labels: { ...AT_NODE, stage: 'drops' },
          description: `Stage drops on ${WHERE} fails: the kernel refuses an operation. The log has the error.`,
        },
      ],
    },
    quiet: {
      'a stage that fails for less than five minutes': [node('weir_stage_up', '1+0x26 0+0x3 1+0x40', 'stage="drops"')],
    },
  },
  WeirFeatureOff: {
    fires: {
      input: [node('weir_feature', holding(1), 'feature="drop_reasons",state="off"')],
      alerts: [
        {
          labels: { ...AT_NODE, feature: 'drop_reasons' },
          description: `The kernel of ${WHERE} lacks drop_reasons, and numbers are missing; weir probe on the node says which and what helps.`,
        },
      ],
    },
    quiet: {
      'a degraded feature': [node('weir_feature', holding(1), 'feature="tcx",state="degraded"')],
    },
  },
  WeirInterfaceBypassed: {
    fires: {
      input: [node('weir_interface_bypassed', holding(1), 'interface="lxc1",direction="to_pod"')],
      alerts: [
        {
          labels: { ...AT_NODE, interface: 'lxc1', direction: 'to_pod' },
          description: `Another program on ${WHERE} forwards packets past interface lxc1: Weir does not count the direction to_pod.`,
        },
      ],
    },
    quiet: {
      'evidence that is out of date': [
        node('weir_interface_bypassed', holding(0), 'interface="lxc1",direction="to_pod"'),
      ],
    },
  },
  WeirInterfacesPending: {
    fires: {
      input: [node('weir_interfaces_pending', holding(3))],
      alerts: [
        {
          labels: AT_NODE,
          description: `3 interfaces on ${WHERE} do not have Weir's programs: their packets are not counted. The log has the error.`,
        },
      ],
    },
    quiet: { 'a start that takes a minute': [node('weir_interfaces_pending', '200 0+0x60')] },
  },
  WeirPodsUncovered: {
    fires: {
      input: [node('weir_pods_local', holding(12)), node('weir_pods_covered', holding(9))],
      alerts: [
        {
          labels: AT_NODE,
          description: `3 pods on ${WHERE} have no watched interface: their packets are not counted. The log and the status page have their names.`,
        },
      ],
    },
    quiet: {
      'every pod has an interface': [node('weir_pods_local', holding(12)), node('weir_pods_covered', holding(12))],
    },
  },
  WeirPodEndsMissing: {
    fires: {
      input: [node('weir_pod_ends_missing', holding(2))],
      alerts: [
        {
          labels: AT_NODE,
          description: `2 interfaces of pods on ${WHERE} have no program at the pod's side: packets that skip the host's side are not counted. The log has errors, if there are any.`,
        },
      ],
    },
    quiet: {
      "every pod's side is watched": [node('weir_pod_ends_missing', holding(0))],
      'a pod that starts': [node('weir_pod_ends_missing', '2+0x5 0+0x60')],
    },
  },
  WeirInterfaceBehind: {
    fires: {
      input: [node('weir_interface_behind', holding(1), 'interface="lxc1"')],
      alerts: [
        {
          labels: { ...AT_NODE, interface: 'lxc1' },
          description: `Another program on interface lxc1 of ${WHERE} insists on running first. Packets that it drops or redirects are not counted.`,
        },
      ],
    },
    quiet: { 'Weir is first': [node('weir_interface_behind', '1 _x60', 'interface="lxc1"')] },
  },
  WeirBridgeUplinkUnknown: {
    fires: {
      input: [node('weir_bridge_uplink_unknown', holding(1), 'interface="br-ex"')],
      alerts: [
        {
          labels: { ...AT_NODE, interface: 'br-ex' },
          description: `The default route of ${WHERE} goes through bridge br-ex, and no port of it is known to lead to the gateway. If one of its ports is the node's uplink, traffic with other nodes counts twice.`,
        },
      ],
    },
    quiet: { 'the gateway is learned': [node('weir_bridge_uplink_unknown', '1x5 _x60', 'interface="br-ex"')] },
  },
  WeirInterfacesReattached: {
    fires: {
      input: [node('weir_interface_reattached_total', '0+2x60', 'reason="detached"')],
      alerts: [
        {
          labels: { ...AT_NODE, reason: 'detached' },
          description: `Weir on ${WHERE} attached its programs again 30 times in 15 minutes: detached. Packets in between are not counted.`,
        },
      ],
    },
    quiet: {
      'a CNI that is restarted once': [
        node('weir_interface_reattached_total', '0+0x10 100+0x50', 'reason="not_first"'),
      ],
    },
    at: '50m',
  },
  WeirConnectionTableNearlyFull: {
    fires: {
      input: [node('weir_connection_table_entries', holding(85)), node('weir_connection_table_limit', holding(100))],
      alerts: [{ labels: AT_NODE, description: `85% of the connection table on ${WHERE} is in use.` }],
    },
    quiet: {
      'at the threshold': [
        node('weir_connection_table_entries', holding(80)),
        node('weir_connection_table_limit', holding(100)),
      ],
    },
  },
  WeirConnectionTableFull: {
    fires: {
      input: [node('weir_connection_table_full_packets_total', counting(3))],
      alerts: [
        {
          labels: AT_NODE,
          description: `3 packets per second on ${WHERE} are counted without a connection. Packet and byte counts stay exact; handshakes and durations are missing.`,
        },
      ],
    },
    quiet: { 'full for a moment, an hour ago': [node('weir_connection_table_full_packets_total', '0 600 600+0x90')] },
  },
  WeirDropTableFull: {
    fires: {
      input: [
        node('weir_drop_table_full_packets_total', counting(1)),
        node('weir_drop_table_coarse_packets_total', counting(2)),
      ],
      alerts: [
        {
          labels: AT_NODE,
          description: `3 dropped packets per second on ${WHERE} are counted without their port or destination, or by reason only: a source has used up its share of the drop table, or the table is full. Alerts by namespace may miss them.`,
        },
      ],
    },
    quiet: {
      'full for a moment, an hour ago': [
        node('weir_drop_table_full_packets_total', '0 600 600+0x90'),
        node('weir_drop_table_coarse_packets_total', holding(0)),
      ],
    },
  },
  WeirRecordsLost: {
    fires: {
      input: [
        node('weir_unnamed_packets_total', counting(1)),
        node('weir_observations_lost_total', counting(1)),
        node('weir_bpf_recursion_misses_total', counting(2), 'program="weir_drop"'),
      ],
      alerts: [
        {
          labels: AT_NODE,
          description: `4 packets or observations per second on ${WHERE} are counted without names or not at all.`,
        },
      ],
    },
    quiet: {
      'nothing lost since the start': [
        node('weir_unnamed_packets_total', holding(0)),
        node('weir_observations_lost_total', holding(7)),
        node('weir_bpf_recursion_misses_total', holding(0), 'program="weir_drop"'),
      ],
    },
  },
  WeirDecodeFaults: {
    fires: {
      input: [node('weir_decode_faults_total', counting(2), 'reason="short"')],
      alerts: [
        {
          labels: { ...AT_NODE, reason: 'short' },
          description: `The decoder on ${WHERE} rejects 2 records per second: short.`,
        },
      ],
    },
    quiet: { 'earlier faults': [node('weir_decode_faults_total', holding(9), 'reason="short"')] },
  },
  WeirSeriesRefused: {
    fires: {
      input: [node('weir_series_refused_total', counting(1), 'family="weir_flow_packets_total"')],
      alerts: [
        {
          labels: { ...AT_NODE, family: 'weir_flow_packets_total' },
          description: `Family weir_flow_packets_total on ${WHERE} counts new label sets in its overflow series.`,
        },
      ],
    },
    quiet: { 'none refused': [node('weir_series_refused_total', holding(0), 'family="weir_flow_packets_total"')] },
    at: '40m',
  },
  WeirNamesStale: {
    fires: {
      input: [node('weir_kubernetes_watch_age_seconds', holding(600), 'resource="pods"')],
      alerts: [
        {
          labels: { ...AT_NODE, resource: 'pods' },
          description: `${WHERE} has received nothing about pods from the Kubernetes API for 10m 0s. New pods have no name.`,
        },
      ],
    },
    quiet: {
      'occasional bookmarks': [node('weir_kubernetes_watch_age_seconds', holding(290), 'resource="pods"')],
    },
  },
}
