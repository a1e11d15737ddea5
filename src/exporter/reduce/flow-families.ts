// SPDX-License-Identifier: Apache-2.0
/**
 * flow-families.ts - the flow families as configured: enabled or not, labels, budgets, namespace filter.
 *
 * In:    a MetricsConfig, which can be replaced while records are counted.
 * Out:   slots for label values; a sink for increments that are not exposed; weir_excluded_* for filtered namespaces.
 * Never: loses a count on a change: series are summed under their new labels, and those of a disabled family are counted as
 *        expired.
 */
import type { Entities } from '../../datapath/identity/entities.js'
import { M } from '../catalog/catalog.js'
import { FLOW_NAMES, type FlowName } from '../catalog/flow-catalog.js'
import type { Family, Slot } from '../series/family.js'
import type { SeriesStore } from '../series/series.js'
import { type LabelSource, PACKET_LABELS, type Reader, readerOf, SERVICE_LABELS, splitLabels } from './flow-labels.js'
import { budgetOf, chosenMetric, isEnabled, type MetricsConfig } from './metrics-config.js'
import { EXCLUSIONS, NamespaceFilter } from './namespace-filter.js'
import type { PacketFields } from './packet-endpoints.js'
import { REPORTERS } from './reporter.js'

/** Filtered packets and bytes are counted here by reporter and reason. Other families do not count filtered packets. */
const EXCLUDED_METRICS: Partial<Record<FlowName, typeof M.excludedPackets>> = {
  flowPackets: M.excludedPackets,
  flowBytes: M.excludedBytes,
}

interface ConfiguredFamily {
  readonly family: Family
  readonly enabled: boolean
  /** Readers of its configurable labels, in order. */
  readonly readers: readonly Reader[]
}

export class FlowFamilies {
  /** Cells for increments that are not exposed, enough for the widest histogram. */
  readonly sink: Slot
  readonly #store: SeriesStore
  readonly #entities: Entities
  readonly #configured = new Map<FlowName, ConfiguredFamily>()
  #filter: NamespaceFilter

  constructor(store: SeriesStore, entities: Entities, config: MetricsConfig) {
    this.#store = store
    this.#entities = entities
    this.#filter = new NamespaceFilter(config)
    const families = FLOW_NAMES.map(name => store.family(M[name]))
    this.sink = store.sink(Math.max(...families.map(({ buckets }) => buckets.length + 2)))
    for (const metric of [M.excludedPackets, M.excludedBytes]) {
      for (const reporter of REPORTERS) for (const reason of EXCLUSIONS) store.family(metric).series([reporter, reason])
    }
    this.#configure(config)
  }

  /** Switches to another configuration. All slots returned before are invalid. */
  apply(config: MetricsConfig): void {
    this.#store.setBudgets(name => budgetOf(config, name))
    this.#filter = new NamespaceFilter(config)
    this.#configure(config)
    this.#store.tidy()
  }

  family(name: FlowName): Family {
    return this.#of(name).family
  }

  enabled(name: FlowName): boolean {
    return this.#of(name).enabled
  }

  enabledFamilies(): readonly Family[] {
    return [...this.#configured.values()].filter(({ enabled }) => enabled).map(({ family }) => family)
  }

  families(): readonly Family[] {
    return [...this.#configured.values()].map(({ family }) => family)
  }

  /** The packet fields that labels of enabled families use; undefined if none. */
  packetFields(): PacketFields | undefined {
    const labels = new Set<string>(
      [...this.#configured.values()].filter(each => each.enabled).flatMap(({ family }) => family.metric.labels),
    )
    const packetFields = {
      sourceIp: labels.has(PACKET_LABELS.sourceIp),
      destinationIp: labels.has(PACKET_LABELS.destinationIp),
      destinationPort: labels.has(PACKET_LABELS.destinationPort),
      service: SERVICE_LABELS.some(label => labels.has(label)),
    }
    return Object.values(packetFields).includes(true) ? packetFields : undefined
  }

  /** Whether a family is enabled and has this label. */
  shows(name: FlowName, label: string): boolean {
    const { enabled, family } = this.#of(name)
    return enabled && family.metric.labels.includes(label)
  }

  /** The slot of a family for these entities and packet fields; `own`: values of its own labels. */
  slot(name: FlowName, from: LabelSource, own: readonly string[]): Slot {
    const { family, enabled, readers } = this.#of(name)
    const entities = this.#entities
    const exclusion = this.#filter.exclusion(entities.namespace(from.source), entities.namespace(from.destination))
    if (exclusion !== undefined) {
      const metric = EXCLUDED_METRICS[name]
      return metric === undefined ? this.sink : this.#store.family(metric).series([from.reporter, exclusion])
    }
    if (!enabled) return this.sink
    return family.series([...readers.map(read => read(from, entities)), ...own])
  }

  #of(name: FlowName): ConfiguredFamily {
    return this.#configured.get(name)!
  }

  #configure(config: MetricsConfig): void {
    for (const name of FLOW_NAMES) {
      const family = this.#store.family(M[name])
      const metric = chosenMetric(config, M[name])
      const enabled = isEnabled(config, metric)
      const { own } = splitLabels(M[name])
      const readers = metric.labels.slice(0, metric.labels.length - own.length).map(label => readerOf(label)!)
      if (!enabled) family.clear(() => {})
      if (!sameLabels(family.metric.labels, metric.labels)) family.relabel(metric.labels)
      const exemplars = enabled && config.exemplars
      if (exemplars !== family.keepsExemplars) family.keepExemplars(exemplars)
      this.#configured.set(name, { family, enabled, readers })
    }
  }
}

function sameLabels(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((label, i) => label === b[i])
}
