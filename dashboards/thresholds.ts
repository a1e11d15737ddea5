/**
 * thresholds.ts - where alerts begin: every number an operator may want otherwise, in one place.
 *
 * In:    nothing; these are the defaults of the Helm chart's `rules.thresholds`, too.
 * Out:   THRESHOLDS, by name. Each becomes a recorded series, so that alerts are the same text whatever the numbers,
 *        and one namespace can have its own.
 */

export interface Threshold {
  readonly value: number
  /** What it is, in which unit. */
  readonly help: string
}

/** Series are named `weir:alert_threshold:NAME`. */
export const THRESHOLDS = {
  drop_ratio_warning: { value: 0.01, help: "Share of a namespace's packets dropped, 0 to 1." },
  drop_ratio_critical: { value: 0.05, help: "Share of a namespace's packets dropped, 0 to 1." },
  drop_rate_warning: { value: 1, help: 'Dropped packets a second under which the share says nothing.' },
  drop_rate_critical: { value: 10, help: 'Dropped packets a second under which the share says nothing.' },
  drop_rate_pair: { value: 5, help: 'Dropped packets a second from one workload to another.' },
  unanswered_ratio: { value: 0.2, help: 'Share of the opened TCP connections without a handshake, 0 to 1.' },
  unanswered_rate: { value: 0.2, help: 'Opened connections a second under which the share says nothing.' },
  handshake_times_slower: { value: 3, help: 'Times the 95th percentile of the past day.' },
  handshake_seconds: { value: 0.05, help: 'Seconds under which no handshake is slow.' },
  table_fill: { value: 0.8, help: 'Share of the connection table in use, 0 to 1.' },
  names_stale_seconds: { value: 300, help: 'Seconds since names from Kubernetes were known to be true.' },
} as const satisfies Record<string, Threshold>

export type ThresholdName = keyof typeof THRESHOLDS

/** Of namespaces that are judged otherwise: by threshold, then by namespace. An example for the chart's values. */
export type NamespaceThresholds = Readonly<Partial<Record<ThresholdName, Readonly<Record<string, number>>>>>

export function thresholdSeries(name: ThresholdName): string {
  return `weir:alert_threshold:${name}`
}
