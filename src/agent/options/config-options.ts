// SPDX-License-Identifier: Apache-2.0
/**
 * config-options.ts - converts a configuration into the options of Weir's parts.
 */
import type { Config } from '../../config/schema.js'
import type { MetricsConfig } from '../../exporter/reduce/metrics-config.js'
import type { KubernetesOptions } from '../../kubernetes/watch/message.js'
import { VERSION } from '../../lib/version.js'
import { nodeName } from '../node-name.js'
import { hubbleOptions } from './hubble-options.js'
import { otlpOptions } from './otlp-options.js'
import type { RunOptions } from './run-options.js'

/** Options of the live source. */
export function liveOptions(config: Config) {
  return {
    interfaces: config.interfaces,
    uplinks: config.uplinks,
    netns: config.netns,
    attach: config.attach,
    podEnd: config['pod-end'],
    unmanaged: config.unmanaged,
    reportIntervalMs: config['report-interval'],
    drainIntervalMs: config['drain-interval'],
    ring: config.ring,
    ringPages: config['ring-pages'],
    connections: config.connections,
    captureBytes: config['capture-bytes'],
    dropKinds: config['drop-kinds'],
    entityWaitMs: config['entity-wait'],
    identities: config.identities,
  }
}

/**
 * Options of `weir run`. Throws an InvalidConfig if a file named by the configuration cannot be used. `warn`: called for each
 * variable of OpenTelemetry that is ignored.
 */
export function runOptions(config: Config, warn?: (warning: string) => void): RunOptions {
  const { inventory } = config
  const apiAddresses = config['hubble.listen-address']
  const otlp = otlpOptions(config, process.env, warn)
  const webFile = config['web.config.file']
  return {
    ...liveOptions(config),
    ...hubbleOptions(config),
    source: config.source,
    onBypass: config['on-bypass'],
    metrics: metricsOptions(config),
    web: config.web,
    listenAddresses: config['web.listen-address'],
    lifecycle: config['web.enable-lifecycle'],
    entityTtlMs: config['entity-ttl'],
    cidrGroups: config['cidr-group'],
    telemetryPath: config['web.telemetry-path'],
    maxRequests: config['web.max-requests'],
    exporterMetrics: !config['web.disable-exporter-metrics'],
    created: config['openmetrics.created'],
    flowBuffer: config['flow-buffer'],
    ...(otlp && { otlp }),
    ...(apiAddresses === undefined ? {} : { apiAddresses }),
    ...(inventory === undefined ? {} : { inventoryFile: inventory }),
    ...(webFile === undefined ? {} : { webFile }),
    ...(config.kubernetes ? { kubernetes: kubernetesOptions(config) } : {}),
  }
}

/** Options of the flow families. */
export function metricsOptions(config: Config): MetricsConfig {
  return {
    budget: config['series.budget'],
    budgets: config['series.budgets'],
    ttlMs: config['series.ttl'],
    families: config.families,
    includeNamespaces: config['namespaces.include'],
    excludeNamespaces: config['namespaces.exclude'],
    exemplars: config.exemplars,
  }
}

function kubernetesOptions(config: Config): KubernetesOptions {
  return {
    kubeconfig: config['kubernetes.kubeconfig'],
    context: config['kubernetes.context'],
    nodeName: config['kubernetes.node-name'] ?? nodeName(),
    cilium: config['kubernetes.cilium'],
    requireSync: config['kubernetes.require-sync'],
    userAgent: `weir/${VERSION}`,
  }
}
