/**
 * rule-cases.ts - for each alert of both sets: input that makes it fire, and input just below its threshold that must not.
 *
 * In:    counters as a rate per second, as series of an exposition.
 * Out:   CASES by alert; rules.test.ts runs them with `promtool test rules`.
 */

/** A series, and promtool's notation of its values, one per minute (prometheus.io/docs/prometheus/latest/configuration/unit_testing_rules). */
export type Input = readonly [series: string, values: string]

export interface Case {
  readonly fires: {
    readonly input: readonly Input[]
    /** Labels of each alert without severity and cluster, and its description. */
    readonly alerts: readonly { readonly labels: Readonly<Record<string, string>>; readonly description: string }[]
  }
  /** Inputs by name; none of them may fire. */
  readonly quiet: Readonly<Record<string, readonly Input[]>>
  /** When to evaluate: after `for`, and after the past that the expression looks back on. */
  readonly at?: string
}

const MINUTES = 90
/** A day and the hour that `offset 1h` adds. */
export const DAY_MINUTES = 1500
/** When the behaviour changes, and when the input ends. */
const CHANGE = 1600
const END = 1660

/** A counter that grows by `perSecond`. */
export function counting(perSecond: number, minutes = MINUTES): string {
  return `0+${perSecond * 60}x${minutes}`
}

export function holding(value: number, minutes = MINUTES): string {
  return `${value}+0x${minutes}`
}

const SHOP_TO_DATA =
  'source_namespace="shop",source_workload="api",destination_namespace="data",destination_workload="database"'
const NODE = 'node="n1",instance="10.0.0.1:10960"'
const WHERE = 'n1 (10.0.0.1:10960)'
const AT_NODE = { node: 'n1', instance: '10.0.0.1:10960' }

const sent = (rate: number): Input => [
  `weir_flow_packets_total{${SHOP_TO_DATA},reporter="source",verdict="FORWARDED",protocol="TCP"}`,
  counting(rate),
]
const dropped = (rate: number, minutes = MINUTES): Input => [
  `weir_drop_packets_total{${SHOP_TO_DATA},reporter="node",reason="NETFILTER_DROP",protocol="TCP"}`,
  counting(rate, minutes),
]
const hubbleSent = (rate: number): Input => [
  `hubble_flows_processed_total{${SHOP_TO_DATA},protocol="TCP",type="Trace",subtype="to-stack",verdict="FORWARDED"}`,
  counting(rate),
]
const hubbleDropped = (rate: number, minutes = MINUTES): Input => [
  `hubble_drop_total{${SHOP_TO_DATA},reason="POLICY_DENIED",protocol="TCP"}`,
  counting(rate, minutes),
]
const opened = (rate: number): Input => [
  `weir_connections_opened_total{${SHOP_TO_DATA},reporter="source",protocol="TCP"}`,
  counting(rate),
]
const handshakes = (rate: number, bound = '0.001', minutes = MINUTES): Input[] =>
  ['0.001', '0.1', '1', '+Inf'].map(le => [
    `weir_tcp_handshake_seconds_bucket{${SHOP_TO_DATA},reporter="source",le="${le}"}`,
    counting(Number(le === '+Inf' ? Infinity : le) >= Number(bound) ? rate : 0, minutes),
  ])
const completed = (rate: number, minutes = MINUTES): Input => [
  `weir_tcp_handshake_seconds_count{${SHOP_TO_DATA},reporter="source"}`,
  counting(rate, minutes),
]
const node = (name: string, value: string, labels = ''): Input => [`${name}{${NODE}${labels && ','}${labels}}`, value]
const exported = (result: string, rate: number): Input =>
  node('weir_otlp_exports_total', counting(rate), `result="${result}"`)
const UP = 'up{job="weir",node="n1",instance="10.0.0.1:10960"}'
const INFO = 'weir_build_info{job="weir",node="n1",instance="10.0.0.1:10960"}'

const PAIR = {
  source_namespace: 'shop',
  source_workload: 'api',
  destination_namespace: 'data',
  destination_workload: 'database',
}
const TO = { destination_namespace: 'data', destination_workload: 'database' }

/** Egress of the sender, and ingress of a receiver that receives nothing else. */
function ratioAlerts(noun: string, egress: string) {
  return [
    {
      labels: { namespace: 'shop', direction: 'egress' },
      description: `${egress} of the egress ${noun} of namespace shop are dropped.`,
    },
    {
      labels: { namespace: 'data', direction: 'ingress' },
      description: `100% of the ingress ${noun} of namespace data are dropped.`,
    },
  ]
}

const SHOP_THRESHOLD: Input = ['weir:alert_threshold:drop_ratio_warning{namespace="shop"}', holding(0.5)]
const DATA_THRESHOLD: Input = ['weir:alert_threshold:drop_ratio_warning{namespace="data"}', holding(1)]

/** A day at one rate, then about an hour at another. */
function then(first: number, second: number): string {
  return `0+${first * 60}x${CHANGE} ${first * 60 * CHANGE}+${second * 60}x60`
}

function slowing(fast: number, slow: number, bound: string): Input[] {
  const of = (le: string) => Number(le === '+Inf' ? Infinity : le)
  return ['0.001', '0.1', '1', '+Inf'].map(le => {
    const later = of(le) >= of(bound) ? slow : 0
    return [`weir_tcp_handshake_seconds_bucket{${SHOP_TO_DATA},reporter="source",le="${le}"}`, then(fast, later)]
  })
}

export const CASES: Readonly<Record<string, Case>> = {
  WeirNamespaceDropRatioHigh: {
    fires: { input: [sent(100), dropped(2)], alerts: ratioAlerts('packets', '2%') },
    quiet: {
      'a ratio just under the threshold': [
        sent(200),
        dropped(1.9),
        [
          `weir_flow_packets_total{${SHOP_TO_DATA},reporter="destination",verdict="FORWARDED",protocol="TCP"}`,
          counting(198),
        ],
      ],
      'a high ratio of very little traffic': [sent(2), dropped(0.9)],
      'namespaces with higher thresholds': [sent(100), dropped(20), SHOP_THRESHOLD, DATA_THRESHOLD],
    },
    at: '20m',
  },
  WeirNamespaceDropRatioCritical: {
    fires: { input: [sent(200), dropped(12)], alerts: ratioAlerts('packets', '6%') },
    quiet: { 'a high ratio at less than ten packets per second': [sent(50), dropped(9)] },
    at: '20m',
  },
  WeirNewDropReason: {
    fires: {
      input: [
        node('weir_build_info', holding(1, END)),
        [
          `weir_drop_packets_total{${SHOP_TO_DATA},reporter="node",reason="NETFILTER_DROP",protocol="TCP"}`,
          `_x1560 0+60x40`,
        ],
      ],
      alerts: [
        {
          labels: { reason: 'NETFILTER_DROP' },
          description: 'Drop reason NETFILTER_DROP is new: 1 packets per second.',
        },
      ],
    },
    quiet: {
      'a reason that occurred yesterday': [node('weir_build_info', holding(1, END)), dropped(1, END)],
      'a reason on the first day of scraping': [
        ['weir_build_info{node="n1"}', `_x1500 1+0x100`],
        [`weir_drop_packets_total{${SHOP_TO_DATA},reason="NETFILTER_DROP",protocol="TCP"}`, `_x1560 0+60x40`],
      ],
    },
    at: '1580m',
  },
  WeirWorkloadPairDrops: {
    fires: {
      input: [dropped(6)],
      alerts: [
        {
          labels: { ...PAIR, reason: 'NETFILTER_DROP' },
          description: '6 packets per second from shop/api to data/database are dropped: NETFILTER_DROP.',
        },
      ],
    },
    quiet: { 'just under the threshold': [dropped(4.9)] },
  },
  WeirConnectionsUnanswered: {
    fires: {
      input: [opened(10), completed(7)],
      alerts: [
        { labels: TO, description: '30% of the TCP connections to data/database do not complete the handshake.' },
      ],
    },
    quiet: {
      'one of ten unanswered': [opened(10), completed(9)],
      'all unanswered, but very few': [opened(0.1)],
    },
  },
  WeirHandshakesSlow: {
    fires: {
      input: [
        ...slowing(10, 10, '1'),
        [`weir_tcp_handshake_seconds_count{${SHOP_TO_DATA},reporter="source"}`, then(10, 10)],
      ],
      alerts: [{ labels: TO, description: 'The 95th percentile of handshake times with data/database is 955ms.' }],
    },
    quiet: {
      'as slow as ever': [...handshakes(10, '1', 1700), completed(10, 1700)],
      'slower, but still fast': [
        ...slowing(10, 10, '0.001'),
        [`weir_tcp_handshake_seconds_count{${SHOP_TO_DATA},reporter="source"}`, then(10, 10)],
      ],
    },
    at: '1640m',
  },
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
  WeirInventoryReloadFailed: {
    fires: {
      input: [node('weir_inventory_last_reload_successful', holding(0))],
      alerts: [
        {
          labels: AT_NODE,
          description: `The inventory file on ${WHERE} has an error. Weir uses the names of its last valid version.`,
        },
      ],
    },
    quiet: { 'a valid file': [node('weir_inventory_last_reload_successful', holding(1))] },
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
  WeirConfigReloadFailed: {
    fires: {
      input: [node('weir_config_last_reload_successful', holding(0))],
      alerts: [
        {
          labels: AT_NODE,
          description: `The configuration on ${WHERE} has an error. Weir keeps the previous one, but a restart would fail.`,
        },
      ],
    },
    quiet: {
      'fixed within five minutes': [node('weir_config_last_reload_successful', '1+0x26 0+0x3 1+0x40')],
    },
  },
  WeirWebConfigReloadFailed: {
    fires: {
      input: [node('weir_web_config_last_reload_successful', holding(0))],
      alerts: [
        {
          labels: AT_NODE,
          description: `The web config file or a certificate on ${WHERE} has an error. Weir serves with the previous certificates and passwords.`,
        },
      ],
    },
    quiet: {
      'a certificate replaced before its key': [node('weir_web_config_last_reload_successful', '1+0x28 0 1+0x40')],
    },
  },
  WeirHubbleConfigReloadFailed: {
    fires: {
      input: [node('weir_hubble_config_last_reload_successful', holding(0))],
      alerts: [
        {
          labels: AT_NODE,
          description: `The hubble_* metrics file on ${WHERE} has an error. Weir keeps the metrics of its last valid version.`,
        },
      ],
    },
    quiet: { 'a valid file': [node('weir_hubble_config_last_reload_successful', holding(1))] },
  },
  WeirOtlpFailing: {
    fires: {
      input: [exported('success', 0), exported('partial', 0), exported('unreachable', 1 / 60), exported('skipped', 0)],
      alerts: [
        {
          labels: { ...AT_NODE, result: 'unreachable' },
          description: `The receiver accepted no export from ${WHERE} in the past 20 minutes: unreachable.`,
        },
      ],
    },
    quiet: {
      'one of ten accepted': [exported('success', 1 / 600), exported('partial', 0), exported('timeout', 9 / 600)],
      'partial success only': [exported('success', 0), exported('partial', 1 / 60), exported('refused', 1 / 600)],
      'skipped only': [
        exported('success', 0),
        exported('partial', 0),
        exported('unreachable', 0),
        exported('skipped', 1),
      ],
    },
    at: '40m',
  },
  WeirOtlpPointsLost: {
    fires: {
      input: [
        node('weir_otlp_points_rejected_total', counting(2)),
        node('weir_otlp_points_dropped_total', counting(1)),
      ],
      alerts: [
        {
          labels: AT_NODE,
          description: `3 data points per second from ${WHERE} are rejected by the receiver or dropped.`,
        },
      ],
    },
    quiet: {
      'points lost an hour ago': [
        node('weir_otlp_points_rejected_total', holding(9)),
        node('weir_otlp_points_dropped_total', holding(9)),
      ],
    },
  },
  WeirHubbleNamespaceDropRatioHigh: {
    fires: { input: [hubbleSent(100), hubbleDropped(2)], alerts: ratioAlerts('flows', '2%') },
    quiet: { 'a high ratio of very little traffic': [hubbleSent(2), hubbleDropped(0.9)] },
    at: '20m',
  },
  WeirHubbleNamespaceDropRatioCritical: {
    fires: { input: [hubbleSent(200), hubbleDropped(12)], alerts: ratioAlerts('flows', '6%') },
    quiet: { 'a high ratio at less than ten flows per second': [hubbleSent(50), hubbleDropped(9)] },
    at: '20m',
  },
  WeirHubbleNewDropReason: {
    fires: {
      input: [
        ['hubble_lost_events_total{source="perf_event_ring_buffer"}', holding(0, END)],
        [`hubble_drop_total{${SHOP_TO_DATA},reason="POLICY_DENIED",protocol="TCP"}`, `_x1560 0+60x40`],
      ],
      alerts: [
        { labels: { reason: 'POLICY_DENIED' }, description: 'Drop reason POLICY_DENIED is new: 1 flows per second.' },
      ],
    },
    quiet: {
      'a reason that occurred yesterday': [
        ['hubble_lost_events_total{source="perf_event_ring_buffer"}', holding(0, END)],
        hubbleDropped(1, END),
      ],
    },
    at: '1580m',
  },
  WeirHubbleWorkloadPairDrops: {
    fires: {
      input: [hubbleDropped(6)],
      alerts: [
        {
          labels: { ...PAIR, reason: 'POLICY_DENIED' },
          description: '6 flows per second from shop/api to data/database are dropped: POLICY_DENIED.',
        },
      ],
    },
    quiet: { 'just under the threshold': [hubbleDropped(4.9)] },
  },
  WeirHubbleConnectionsUnanswered: {
    fires: {
      input: [
        [`hubble_tcp_flags_total{${SHOP_TO_DATA},flag="SYN",family="IPv4"}`, counting(10)],
        [
          'hubble_tcp_flags_total{source_namespace="data",source_workload="database",destination_namespace="shop",destination_workload="api",flag="SYN-ACK",family="IPv4"}',
          counting(7),
        ],
      ],
      alerts: [
        { labels: TO, description: '30% of the TCP connections to data/database do not complete the handshake.' },
      ],
    },
    quiet: {
      'all answered': [
        [`hubble_tcp_flags_total{${SHOP_TO_DATA},flag="SYN",family="IPv4"}`, counting(10)],
        [
          'hubble_tcp_flags_total{source_namespace="data",source_workload="database",destination_namespace="shop",destination_workload="api",flag="SYN-ACK",family="IPv4"}',
          counting(10),
        ],
      ],
    },
  },
}
