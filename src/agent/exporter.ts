/**
 * exporter.ts - the parts of one exporter, put together: names, store, reduce, self metrics.
 *
 * Out:   what `weir run`, `weir metrics` and `weir demo` share.
 */

import type { Entities, EntityOptions } from '../datapath/identity/entities.js'
import { defaultInventory, type Inventory, loadInventory } from '../datapath/inventory/inventory.js'
import { inventoryChanges } from '../datapath/inventory/inventory-changes.js'
import { entitiesOf } from '../datapath/inventory/inventory-entities.js'
import type { Decoder } from '../datapath/record/decode.js'
import type { KernelReasons } from '../datapath/record/reasons.js'
import { Live } from '../datapath/source/live.js'
import type { FlowSink } from '../datapath/source/source.js'
import { Reducer } from '../exporter/reduce/reduce.js'
import { SelfMetrics } from '../exporter/reduce/self.js'
import { updateStoreMetrics } from '../exporter/reduce/store-metrics.js'
import { SeriesStore } from '../exporter/series/series.js'
import { InventoryResolver } from '../hubble/flow/inventory-resolver.js'
import type { MetricConfig } from '../hubble/metrics/config.js'
import { Hubble } from '../hubble/metrics/hubble.js'
import { REVISION, VERSION } from '../lib/version.js'
import { Names } from './names/name-updates.js'
import { kernelReasons } from './source/kernel-reasons.js'
import { tee } from './tee-sink.js'

export interface Exporter {
  readonly store: SeriesStore
  readonly entities: Entities
  readonly reducer: Reducer
  readonly self: SelfMetrics
  readonly kernelReasons: KernelReasons
  /** What flows need to know of the same world. */
  readonly resolver: InventoryResolver
  /** hubble_* metrics, where they are asked for. */
  readonly hubble: Hubble | undefined
  /** How names change from now on. */
  readonly names: Names
  /** Where records go: the reducer, and hubble. */
  readonly sink: FlowSink
}

/** `live`: the entities in records are this process's own. */
export function createExporter(
  inventoryFile: string | undefined,
  live: boolean,
  hubbleMetrics?: readonly MetricConfig[],
): Exporter {
  return exporterOf(
    inventoryFile === undefined ? defaultInventory() : loadInventory(inventoryFile),
    live,
    hubbleMetrics,
  )
}

/** `names`: how long they stay; a clock, for tests. */
export function exporterOf(
  inventory: Inventory,
  live: boolean,
  hubbleMetrics?: readonly MetricConfig[],
  names: EntityOptions = {},
): Exporter {
  const entities = entitiesOf(inventory, names)
  const store = new SeriesStore()
  const reasons = kernelReasons(live)
  const reducer = new Reducer(store, entities, reasons, live)
  const resolver = new InventoryResolver(entities)
  resolver.apply(inventoryChanges(undefined, inventory))
  resolver.load(inventory)
  const parts = { entities, kernelReasons: reasons, resolver, ...(names.now && { now: names.now }) }
  const hubble = hubbleMetrics && new Hubble(parts, hubbleMetrics)
  return {
    store,
    entities,
    reducer,
    self: new SelfMetrics(store, VERSION, REVISION),
    kernelReasons: reasons,
    resolver,
    hubble,
    names: new Names({ entities, resolver, reducer, hubble }, inventory, names),
    sink: hubble === undefined ? reducer : tee(reducer, hubble),
  }
}

/** Stores whose families are not Weir's own. */
export function otherStores({ hubble }: Exporter): readonly SeriesStore[] {
  return hubble?.stores ?? []
}

/** Bring everything up to date that is not counted as records come. */
export function updateSelf(exporter: Exporter, decoder: Decoder, live?: Live): void {
  const { self, reducer, entities, store, hubble, names } = exporter
  names.tell()
  self.records(decoder, reducer, entities)
  self.deletionsRefused(names.deletionsRefused)
  if (live !== undefined) self.live(live)
  if (live !== undefined) hubble?.setLost('perf_event_ring_buffer', live.counters.totals.ring_full.packets)
  hubble?.collect()
  updateStoreMetrics(store, otherStores(exporter))
}

export { Live }
