// SPDX-License-Identifier: Apache-2.0
/**
 * name-updates.ts - applies name changes to all that use names: entities, resolver, kernel tables, hubble_* metrics.
 *
 * In:    batches of changes from the Kubernetes watch, or a new inventory.
 * Out:   new connections have the new names once apply() has resolved.
 * Never: blocks the thread for longer than SLICE_MS plus one slice, so that the ring is drained meanwhile.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { PodName } from '../../datapath/identity/entities.js'
import type { EntityChanges } from '../../datapath/identity/entity-changes.js'
import { NAMES_TTL_MS } from '../../datapath/identity/entity-ids.js'
import type { Inventory } from '../../datapath/inventory/inventory.js'
import { inventoryChanges } from '../../datapath/inventory/inventory-changes.js'
import type { Live } from '../../datapath/source/live.js'
import type { Exporter } from '../exporter.js'
import { slices } from './change-slices.js'
import { DeletedPodSeries } from './deleted-pod-series.js'

/** The part of the live source that stores names in the kernel. */
export type NamingKernel = Pick<Live, 'collect' | 'publishNames' | 'recycled'>

export interface InventorySwitch {
  readonly changes: EntityChanges
  readonly deletedPods: readonly PodName[]
}

/** What flows need of an inventory besides its entities. */
export type InventoryTables = Pick<Inventory, 'dns' | 'links' | 'cgroups'>

export interface InventoryCounts {
  readonly updated: number
  readonly removed: number
  readonly podsDeleted: number
}

const SLICE_MS = 4

export class NameUpdates {
  readonly #exporter: Exporter
  readonly #kernel: NamingKernel | undefined
  readonly #deletedPods: DeletedPodSeries
  /** Undefined once a thread compares inventories. */
  #inventory: Inventory | undefined
  /** The resolver has changed since the last refresh, so hubble_* labels may be stale. */
  #resolverChanged = false

  /** `kernel`: absent for a recording. */
  constructor(exporter: Exporter, kernel?: NamingKernel) {
    const { inventory, reducer, entityOptions } = exporter
    const { ttlMs = NAMES_TTL_MS, now = () => performance.now() } = entityOptions
    this.#exporter = exporter
    this.#kernel = kernel
    this.#inventory = inventory
    this.#deletedPods = new DeletedPodSeries(reducer, ttlMs, now)
  }

  /** Applies a batch in slices; resolves to the pods it deleted. */
  async apply(changes: EntityChanges): Promise<readonly PodName[]> {
    const deleted: PodName[] = []
    let start = performance.now()
    for (const slice of slices(changes)) {
      deleted.push(...this.#applySlice(slice))
      if (performance.now() - start < SLICE_MS) continue
      this.#kernel?.publishNames()
      await nextTurn()
      start = performance.now()
    }
    this.#kernel?.publishNames()
    return deleted
  }

  /** Switches to a new inventory at once. Flushes pending counts under the old names first. */
  useInventory(inventory: Inventory): InventorySwitch {
    this.#kernel?.collect()
    const changes = inventoryChanges(this.#inventory, inventory)
    this.#inventory = inventory
    const deletedPods = this.#applySlice(changes)
    this.#exporter.resolver.load(inventory)
    this.#resolverChanged = true
    this.refresh()
    this.#kernel?.collect()
    return { changes, deletedPods }
  }

  /** The inventory in effect, as long as this thread compares them. */
  get inventory(): Inventory | undefined {
    return this.#inventory
  }

  /** Switches to an inventory that another thread has compared, in slices; `tables`: of the new inventory. */
  async useChanges(batches: Iterable<EntityChanges>, tables: InventoryTables): Promise<InventoryCounts> {
    const counts = { updated: 0, removed: 0, podsDeleted: 0 }
    this.#kernel?.collect()
    this.#inventory = undefined
    let start = performance.now()
    for (const batch of batches) {
      counts.updated += batch.upserts.length
      counts.removed += batch.removals.length
      counts.podsDeleted += this.#applySlice(batch).length
      if (performance.now() - start < SLICE_MS) continue
      this.#kernel?.publishNames()
      await nextTurn()
      start = performance.now()
    }
    this.#kernel?.publishNames()
    this.#exporter.resolver.load(tables)
    this.#resolverChanged = true
    this.refresh()
    this.#kernel?.collect()
    return counts
  }

  /** Before each scrape: recycles the ids of expired entities, drops stale labels and the series of deleted pods. */
  refresh(): void {
    const recycled = this.#recycleIds()
    if (recycled || this.#resolverChanged) this.#exporter.hubble?.namesChanged()
    this.#resolverChanged = false
    this.#deletedPods.expire()
    this.#exporter.self.deletionsRefused(this.#deletedPods.refused)
  }

  /** True if ids were recycled. Flushes the counts under the old names before an id gets a new one. */
  #recycleIds(): boolean {
    const { entities, reducer } = this.#exporter
    const recycled = entities.recycle()
    if (recycled.length === 0) return false
    this.#kernel?.collect()
    reducer.invalidate()
    this.#kernel?.recycled(recycled)
    return true
  }

  #applySlice(changes: EntityChanges): readonly PodName[] {
    const { entities, resolver, hubble } = this.#exporter
    const deleted = entities.apply(changes)
    if (resolver.apply(changes)) this.#resolverChanged = true
    for (const pod of deleted) hubble?.podDeleted(pod)
    this.#deletedPods.update(deleted, changes)
    return deleted
  }
}
