/**
 * thresholds.ts - where alerts begin: every number an operator may want otherwise, in one place.
 *
 * In:    the Helm chart's `rules.thresholds`, which has these defaults.
 * Out:   THRESHOLDS; rules.ts puts them into the expressions.
 */

export interface DropThreshold {
  /** Share of a namespace's packets, 0 to 1. */
  readonly warning: number
  readonly critical: number
}

export interface Thresholds {
  readonly drops: DropThreshold & {
    /** Packets a second under which a share says nothing. */
    readonly warningFloor: number
    readonly criticalFloor: number
    /** Of namespaces that are to be judged otherwise. */
    readonly namespaces: Readonly<Record<string, DropThreshold>>
    /** Packets a second between one pair of workloads. */
    readonly pair: number
  }
  readonly handshakes: {
    /** Share of SYNs without a handshake, and the SYNs a second under which it says nothing. */
    readonly unanswered: number
    readonly unansweredFloor: number
    /** Times the past day's own 95th percentile, and the seconds under which nothing is slow. */
    readonly slower: number
    readonly slowFloor: number
  }
  /** Share of the connection table in use. */
  readonly tableFull: number
  /** Seconds since names from Kubernetes were known to be true. */
  readonly namesStale: number
}

export const THRESHOLDS: Thresholds = {
  drops: { warning: 0.01, critical: 0.05, warningFloor: 1, criticalFloor: 10, namespaces: {}, pair: 5 },
  handshakes: { unanswered: 0.2, unansweredFloor: 0.2, slower: 3, slowFloor: 0.05 },
  tableFull: 0.8,
  namesStale: 300,
}
