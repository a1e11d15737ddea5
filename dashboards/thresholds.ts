/**
 * thresholds.ts - the thresholds of the alerts: every number that an operator may want to change.
 *
 * In:    nothing; these are also the defaults of the Helm chart's `rules.thresholds`.
 * Out:   THRESHOLDS, by name. Each becomes a recorded series, so the text of the alerts does not depend on the values,
 *        and a namespace can have thresholds of its own.
 */

export interface Threshold {
  readonly value: number
  /** Meaning and unit. */
  readonly help: string
}

/** Series are named `weir:alert_threshold:NAME`. */
export const THRESHOLDS = {
  drop_ratio_warning: { value: 0.01, help: "Share of a namespace's packets dropped, 0 to 1." },
  drop_ratio_critical: { value: 0.05, help: "Share of a namespace's packets dropped, 0 to 1." },
  drop_rate_warning: { value: 1, help: 'Dropped packets per second below which the ratio is ignored.' },
  drop_rate_critical: { value: 10, help: 'Dropped packets per second below which the ratio is ignored.' },
  drop_rate_pair: { value: 5, help: 'Dropped packets per second from one workload to another.' },
  unanswered_ratio: { value: 0.2, help: 'Share of opened TCP connections without a completed handshake, 0 to 1.' },
  unanswered_rate: { value: 0.2, help: 'Opened connections per second below which the ratio is ignored.' },
  handshake_times_slower: { value: 3, help: 'Multiple of the 95th percentile over the past day.' },
  handshake_seconds: { value: 0.05, help: 'Seconds below which no handshake counts as slow.' },
  table_fill: { value: 0.8, help: 'Share of the connection table in use, 0 to 1.' },
  names_stale_seconds: { value: 300, help: 'Seconds since the Kubernetes API last sent anything about a resource.' },
} as const satisfies Record<string, Threshold>

export type ThresholdName = keyof typeof THRESHOLDS

/** Thresholds of single namespaces: by threshold, then by namespace, as in the chart's `rules.namespaces`. */
export type NamespaceThresholds = Readonly<Partial<Record<ThresholdName, Readonly<Record<string, number>>>>>

export function thresholdSeries(name: ThresholdName): string {
  return `weir:alert_threshold:${name}`
}
