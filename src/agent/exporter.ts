// SPDX-License-Identifier: Apache-2.0
/**
 * exporter.ts - the parts that turn records into series: entities, resolver, store, reducer, hubble and self metrics.
 *
 * Out:   shared by `weir run`, `weir demo`, `weir metrics` and the tests.
 */
import type { Entities, EntityOptions } from '../datapath/identity/entities.js'
import { BARE_FACTS, type EntityChanges, NO_CHANGES } from '../datapath/identity/entity-changes.js'
import type { Inventory } from '../datapath/inventory/inventory.js'
import { inventoryChanges } from '../datapath/inventory/inventory-changes.js'
import { entitiesOf } from '../datapath/inventory/inventory-entities.js'
import type { Decoder } from '../datapath/record/decode.js'
import type { KernelReasons } from '../datapath/record/reasons.js'
import type { BypassCheck } from '../datapath/source/bypass-check.js'
import type { Live } from '../datapath/source/live.js'
import type { FlowSink } from '../datapath/source/source.js'
import { Reducer } from '../exporter/reduce/reduce.js'
import { SelfMetrics } from '../exporter/reduce/self.js'
import { updateStoreMetrics } from '../exporter/reduce/store-metrics.js'
import { SeriesStore } from '../exporter/series/series.js'
import { InventoryResolver } from '../hubble/flow/inventory-resolver.js'
import type { MetricConfig } from '../hubble/metrics/config.js'
import { Hubble } from '../hubble/metrics/hubble.js'
import { REVISION, VERSION } from '../lib/version.js'
import { kernelReasons } from './source/kernel-reasons.js'
import { teeSink } from './tee-sink.js'

type CidrGroups = Readonly<Record<string, readonly string[]>>

export interface ExporterOptions extends EntityOptions {
  readonly hubbleMetrics?: readonly MetricConfig[] | undefined
  /** CIDRs by the name that replaces `world`. */
  readonly cidrGroups?: CidrGroups | undefined
}

export interface Exporter {
  readonly store: SeriesStore
  readonly entities: Entities
  readonly reducer: Reducer
  readonly self: SelfMetrics
  readonly kernelReasons: KernelReasons
  /** Names for Hubble flows. */
  readonly resolver: InventoryResolver
  /** hubble_* metrics, if configured. */
  readonly hubble: Hubble | undefined
  /** The sink for records: the reducer, and hubble if configured. */
  readonly sink: FlowSink
  /** The names at the start. */
  readonly inventory: Inventory
  readonly entityOptions: EntityOptions
}

/** `live`: the entity ids in the records are those of this process. */
export function createExporter(inventory: Inventory, live: boolean, options: ExporterOptions = {}): Exporter {
  const { hubbleMetrics, cidrGroups = {}, ...entityOptions } = options
  const entities = entitiesOf(inventory, entityOptions, live)
  const store = new SeriesStore()
  const reasons = kernelReasons(live)
  const reducer = new Reducer(store, entities, reasons, live)
  const resolver = new InventoryResolver(entities)
  resolver.apply(inventoryChanges(undefined, inventory))
  resolver.load(inventory)
  for (const changes of cidrGroupChanges(cidrGroups)) {
    entities.apply(changes)
    resolver.apply(changes)
  }
  const { now } = entityOptions
  const parts = { entities, kernelReasons: reasons, resolver, ...(now && { now }) }
  const hubble = hubbleMetrics && new Hubble(parts, hubbleMetrics)
  const self = new SelfMetrics(store, VERSION, REVISION)
  self.deletionsRefused(0)
  return {
    store,
    entities,
    reducer,
    self,
    kernelReasons: reasons,
    resolver,
    hubble,
    sink: hubble === undefined ? reducer : teeSink(reducer, hubble),
    inventory,
    entityOptions,
  }
}

/** The stores of hubble_* families. */
export function otherStores({ hubble }: Exporter): readonly SeriesStore[] {
  return hubble?.stores ?? []
}

/** Updates the series that are not counted as records arrive. */
export function updateSelf(exporter: Exporter, decoder: Decoder, live?: Live, bypass?: BypassCheck): void {
  const { self, reducer, entities, store, hubble } = exporter
  self.records(decoder, reducer, entities)
  if (live !== undefined) self.live(live)
  if (bypass !== undefined) self.bypass(bypass)
  if (live !== undefined) hubble?.setLost('perf_event_ring_buffer', live.counters.totals.ring_full.packets)
  hubble?.collect()
  updateStoreMetrics(store, otherStores(exporter))
}

function cidrGroupChanges(groups: CidrGroups): EntityChanges[] {
  return Object.entries(groups).map(([name, prefixes]) => ({
    ...NO_CHANGES,
    upserts: [{ ...BARE_FACTS, kind: 'cidr', key: `cidr/${name}`, prefixes }],
  }))
}
