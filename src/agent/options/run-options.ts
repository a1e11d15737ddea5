// SPDX-License-Identifier: Apache-2.0
/**
 * run-options.ts - the options of `weir run`, made from a configuration or by `weir demo`.
 */
import type { OnBypass, SourceChoice } from '../../config/settings/source.js'
import type { Inventory } from '../../datapath/inventory/inventory.js'
import type { LiveOptions } from '../../datapath/source/live.js'
import type { RecentLines } from '../../exporter/http/recent-lines.js'
import type { MetricsConfig } from '../../exporter/reduce/metrics-config.js'
import type { KubernetesOptions } from '../../kubernetes/watch/message.js'
import type { OtlpConfig } from '../../otlp/config.js'
import type { FlowApiOptions } from './flow-api-options.js'
import type { HubbleOptions } from './hubble-options.js'

export interface RunOptions extends LiveOptions, FlowApiOptions, HubbleOptions {
  readonly source: SourceChoice
  /** What to do while packets bypass an interface. */
  readonly onBypass: OnBypass
  /** The flow families. */
  readonly metrics: MetricsConfig
  /** Read at the start, and again when it changes. */
  readonly inventoryFile?: string
  /** In place of a file. */
  readonly inventory?: Inventory
  /** Names from the Kubernetes API. */
  readonly kubernetes?: KubernetesOptions
  /** CIDRs by the name that replaces `world`. */
  readonly cidrGroups?: Readonly<Record<string, readonly string[]>>
  /** How long names of deleted entities are kept. */
  readonly entityTtlMs?: number
  /** Whether to listen for HTTP at all. */
  readonly web: boolean
  readonly listenAddresses: readonly string[]
  /** Web config file: TLS, basic auth, headers, rate limit. */
  readonly webFile?: string
  /** Reload on POST to /-/reload. */
  readonly lifecycle: boolean
  readonly telemetryPath: string
  /** Concurrent scrapes; 0: no limit. */
  readonly maxRequests: number
  /** Export process_* and nodejs_*. */
  readonly exporterMetrics: boolean
  /** Export _created series in OpenMetrics. */
  readonly created: boolean
  /** The last warnings and errors of the log, for the landing page. */
  readonly recent?: RecentLines
  /** Push metrics, in addition to HTTP or in place of it. */
  readonly otlp?: OtlpConfig
}
