/**
 * case.ts - a case of an alert: input that makes it fire, and input that must not; series that several cases share.
 *
 * In:    counters as a rate per second, as series of an exposition.
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

export const MINUTES = 90
/** A day and the hour that `offset 1h` adds. */
export const DAY_MINUTES = 1500
/** When the behaviour changes, and when the input ends. */
export const CHANGE = 1600
export const END = 1660

/** A counter that grows by `perSecond`. */
export function counting(perSecond: number, minutes = MINUTES): string {
  return `0+${perSecond * 60}x${minutes}`
}

export function holding(value: number, minutes = MINUTES): string {
  return `${value}+0x${minutes}`
}

export const SHOP_TO_DATA =
  'source_namespace="shop",source_workload="api",destination_namespace="data",destination_workload="database"'
export const NODE = 'node="n1",instance="10.0.0.1:10960"'
export const WHERE = 'n1 (10.0.0.1:10960)'
export const AT_NODE = { node: 'n1', instance: '10.0.0.1:10960' }

export const sent = (rate: number): Input => [
  `weir_flow_packets_total{${SHOP_TO_DATA},reporter="source",verdict="FORWARDED",protocol="TCP"}`,
  counting(rate),
]
export const dropped = (rate: number, minutes = MINUTES): Input => [
  `weir_drop_packets_total{${SHOP_TO_DATA},reporter="node",reason="NETFILTER_DROP",protocol="TCP"}`,
  counting(rate, minutes),
]
export const hubbleSent = (rate: number): Input => [
  `hubble_flows_processed_total{${SHOP_TO_DATA},protocol="TCP",type="Trace",subtype="to-stack",verdict="FORWARDED"}`,
  counting(rate),
]
export const hubbleDropped = (rate: number, minutes = MINUTES): Input => [
  `hubble_drop_total{${SHOP_TO_DATA},reason="POLICY_DENIED",protocol="TCP"}`,
  counting(rate, minutes),
]
export const opened = (rate: number): Input => [
  `weir_connections_opened_total{${SHOP_TO_DATA},reporter="source",protocol="TCP"}`,
  counting(rate),
]
export const handshakes = (rate: number, bound = '0.001', minutes = MINUTES): Input[] =>
  ['0.001', '0.1', '1', '+Inf'].map(le => [
    `weir_tcp_handshake_seconds_bucket{${SHOP_TO_DATA},reporter="source",le="${le}"}`,
    counting(Number(le === '+Inf' ? Infinity : le) >= Number(bound) ? rate : 0, minutes),
  ])
export const completed = (rate: number, minutes = MINUTES): Input => [
  `weir_tcp_handshake_seconds_count{${SHOP_TO_DATA},reporter="source"}`,
  counting(rate, minutes),
]
export const node = (name: string, value: string, labels = ''): Input => [
  `${name}{${NODE}${labels && ','}${labels}}`,
  value,
]
export const exported = (result: string, rate: number): Input =>
  node('weir_otlp_exports_total', counting(rate), `result="${result}"`)
export const UP = 'up{job="weir",node="n1",instance="10.0.0.1:10960"}'
export const INFO = 'weir_build_info{job="weir",node="n1",instance="10.0.0.1:10960"}'

export const PAIR = {
  source_namespace: 'shop',
  source_workload: 'api',
  destination_namespace: 'data',
  destination_workload: 'database',
}
export const TO = { destination_namespace: 'data', destination_workload: 'database' }

/** Egress of the sender, and ingress of a receiver that receives nothing else. */
export function ratioAlerts(noun: string, egress: string) {
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

export const SHOP_THRESHOLD: Input = ['weir:alert_threshold:drop_ratio_warning{namespace="shop"}', holding(0.5)]
export const DATA_THRESHOLD: Input = ['weir:alert_threshold:drop_ratio_warning{namespace="data"}', holding(1)]

/** A day at one rate, then about an hour at another. */
export function then(first: number, second: number): string {
  return `0+${first * 60}x${CHANGE} ${first * 60 * CHANGE}+${second * 60}x60`
}

export function slowing(fast: number, slow: number, bound: string): Input[] {
  const of = (le: string) => Number(le === '+Inf' ? Infinity : le)
  return ['0.001', '0.1', '1', '+Inf'].map(le => {
    const later = of(le) >= of(bound) ? slow : 0
    return [`weir_tcp_handshake_seconds_bucket{${SHOP_TO_DATA},reporter="source",le="${le}"}`, then(fast, later)]
  })
}
