/**
 * flow-families.ts - the flow families as the configuration wants them: which there are, with which labels, of whom.
 *
 * In:    a MetricsConfig, and others that replace it while records come.
 * Out:   slots for label values; a sink for what nobody wants; weir_excluded_* for what namespaces leave out.
 * Never: loses a count at a change: series are summed under their new labels, those of a family that goes are told as
 *        expired.
 */
import type { Entities } from '../../datapath/identity/entities.js'
import { M } from '../catalog/catalog.js'
import { FLOW_NAMES, type FlowName } from '../catalog/flow-catalog.js'
import type { Family, Slot } from '../series/family.js'
import type { SeriesStore } from '../series/series.js'
import { type LabelSource, PACKET_LABELS, type Reader, readerOf, splitLabels } from './flow-labels.js'
import { budgetOf, chosenMetric, isEnabled, type MetricsConfig } from './metrics-config.js'
import { EXCLUSIONS, NamespaceFilter } from './namespace-filter.js'
import type { PacketFields } from './packet-endpoints.js'

const REPORTERS = ['source', 'destination', 'uplink', 'node'] as const

/** What a namespace leaves out is counted here, by who reported it; of other families nothing is. */
const EXCLUDED_METRICS: Partial<Record<FlowName, typeof M.excludedPackets>> = {
  flowPackets: M.excludedPackets,
  flowBytes: M.excludedBytes,
}

interface ConfiguredFamily {
  readonly family: Family
  readonly enabled: boolean
  /** Of its labels that can be chosen, in their order. */
  readonly readers: readonly Reader[]
}

export class FlowFamilies {
  /** Cells for the widest histogram: where increments go that nobody wants. */
  readonly sink: Slot
  readonly #store: SeriesStore
  readonly #entities: Entities
  readonly #configured = new Map<FlowName, ConfiguredFamily>()
  #filter: NamespaceFilter
  #exemplars = false

  constructor(store: SeriesStore, entities: Entities, config: MetricsConfig) {
    this.#store = store
    this.#entities = entities
    this.#filter = new NamespaceFilter(config)
    const families = FLOW_NAMES.map(name => store.family(M[name]))
    this.sink = store.sink(Math.max(...families.map(({ buckets }) => buckets.length + 2)))
    for (const metric of [M.excludedPackets, M.excludedBytes]) {
      for (const reporter of REPORTERS) for (const why of EXCLUSIONS) store.family(metric).series([reporter, why])
    }
    this.#configure(config)
  }

  /** Another configuration from now on. Slots that were given before mean nothing any more. */
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

  all(): readonly Family[] {
    return [...this.#configured.values()].map(({ family }) => family)
  }

  /** What any family's labels ask of the packet; undefined: nothing. */
  packetFields(): PacketFields | undefined {
    const labels = new Set<string>(
      [...this.#configured.values()].filter(each => each.enabled).flatMap(({ family }) => family.metric.labels),
    )
    const packetFields = {
      sourceIp: labels.has(PACKET_LABELS.sourceIp),
      destinationIp: labels.has(PACKET_LABELS.destinationIp),
      destinationPort: labels.has(PACKET_LABELS.destinationPort),
    }
    return Object.values(packetFields).includes(true) ? packetFields : undefined
  }

  /** Where a family counts for these ends; `own`: values of its own labels. */
  slot(name: FlowName, ends: LabelSource, own: readonly string[]): Slot {
    const { family, enabled, readers } = this.#of(name)
    const why = this.#filter.exclusion(
      this.#entities.namespace(ends.source),
      this.#entities.namespace(ends.destination),
    )
    if (why !== undefined) {
      const metric = EXCLUDED_METRICS[name]
      return metric === undefined ? this.sink : this.#store.family(metric).series([ends.reporter, why])
    }
    if (!enabled) return this.sink
    return family.series([...readers.map(read => read(ends, this.#entities)), ...own])
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
      if (exemplars !== ((this.#configured.get(name)?.enabled ?? false) && this.#exemplars))
        family.keepExemplars(exemplars)
      this.#configured.set(name, { family, enabled, readers })
    }
    this.#exemplars = config.exemplars
  }
}

function sameLabels(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && a.every((label, i) => label === b[i])
}
