/**
 * name-updates.ts - what became known of the world, brought to all who name by it: entities, flows, the kernel, series.
 *
 * In:    batches of changes, from an inventory file or the Kubernetes watch.
 * Out:   new connections bear the new names when apply() has resolved; the hubble_* series of deleted pods go in a minute.
 * Never: holds the thread longer than SLICE_MS and one slice, so that the ring is drained meanwhile.
 */
import { setImmediate as nextTurn } from 'node:timers/promises'
import type { Entities, EntityOptions, PodName } from '../../datapath/identity/entities.js'
import { BARE_FACTS, type EntityChanges, NO_CHANGES } from '../../datapath/identity/entity-changes.js'
import { NAMES_TTL_MS } from '../../datapath/identity/entity-ids.js'
import type { Inventory } from '../../datapath/inventory/inventory.js'
import { inventoryChanges } from '../../datapath/inventory/inventory-changes.js'
import type { Live } from '../../datapath/source/live.js'
import { DeletedPods } from '../../exporter/reduce/deleted-pods.js'
import type { Reducer } from '../../exporter/reduce/reduce.js'
import type { InventoryResolver } from '../../hubble/flow/inventory-resolver.js'
import type { Hubble } from '../../hubble/metrics/hubble.js'

export interface Named {
  readonly entities: Entities
  readonly resolver: InventoryResolver
  readonly reducer: Reducer
  readonly hubble: Hubble | undefined
}

/** Entries of a batch that are applied at once. */
const SLICE = 64
const SLICE_MS = 4

export class Names {
  live: Live | undefined
  readonly #named: Named
  /** Whose own series of weir_* have to go. */
  readonly #deleted: DeletedPods
  readonly #now: () => number
  #inventory: Inventory
  /** Names that flows have besides those of addresses changed since the last collect. */
  #renamed = false

  /** `world` is in force already. */
  constructor(
    named: Named,
    inventory: Inventory,
    { ttlMs = NAMES_TTL_MS, now = () => performance.now() }: EntityOptions = {},
  ) {
    this.#named = named
    this.#deleted = new DeletedPods(ttlMs)
    this.#now = now
    this.#inventory = inventory
  }

  /** Take a batch, in slices; the pods that it took away. */
  async apply(changes: EntityChanges): Promise<readonly PodName[]> {
    const deleted: PodName[] = []
    let begun = performance.now()
    for (const slice of slices(changes)) {
      deleted.push(...this.#take(slice))
      if (performance.now() - begun < SLICE_MS) continue
      this.live?.tellNames()
      await nextTurn()
      begun = performance.now()
    }
    this.live?.tellNames()
    return deleted
  }

  /** Names for prefixes, instead of the world that they are cut out of. */
  group(groups: Readonly<Record<string, readonly string[]>>): void {
    for (const [name, prefixes] of Object.entries(groups)) {
      this.#take({ ...NO_CHANGES, upserts: [{ ...BARE_FACTS, kind: 'cidr', key: `cidr/${name}`, prefixes }] })
    }
  }

  /**
   * Name by another world from now on, at once: what was counted until now by the names of until now, first. Entries
   * that it changes, and the pods that it takes away.
   */
  useInventory(inventory: Inventory): { readonly changes: EntityChanges; readonly deletedPods: readonly PodName[] } {
    this.live?.collect()
    const changes = inventoryChanges(this.#inventory, inventory)
    this.#inventory = inventory
    const deletedPods = this.#take(changes)
    this.#named.resolver.load(inventory)
    this.#renamed = true
    this.tell()
    this.live?.collect()
    return { changes, deletedPods }
  }

  /** Before each scrape: memories of names that are stale go, and numbers of what is long gone become free. */
  tell(): void {
    const { entities, reducer, hubble } = this.#named
    const freed = entities.recycle()
    if (freed.length > 0) {
      this.live?.collect()
      reducer.invalidate()
      this.live?.recycled(freed)
    }
    if (freed.length > 0 || this.#renamed) hubble?.namesChanged()
    this.#renamed = false
    const gone = this.#deleted.due(this.#now())
    if (gone.length > 0) reducer.removePods(gone)
  }

  /** Deleted pods whose series stay: more waited already than are kept. */
  get deletionsRefused(): number {
    return this.#deleted.refused
  }

  #take(changes: EntityChanges): PodName[] {
    const { entities, resolver, hubble } = this.#named
    const deleted = entities.apply(changes)
    if (resolver.apply(changes)) this.#renamed = true
    for (const pod of deleted) {
      hubble?.podDeleted(pod)
      this.#deleted.add(pod, this.#now())
    }
    for (const facts of changes.upserts) if (facts.kind === 'pod') this.#deleted.recreated(facts)
    return deleted
  }
}

/** In the order in which a batch is to be applied. */
function* slices({ identities, removals, upserts, forgotten, synced }: EntityChanges): Generator<EntityChanges> {
  for (const part of cut(identities)) yield { ...NO_CHANGES, identities: part }
  for (const part of cut(removals)) yield { ...NO_CHANGES, removals: part }
  for (const part of cut(upserts)) yield { ...NO_CHANGES, upserts: part }
  for (const part of cut(forgotten)) yield { ...NO_CHANGES, forgotten: part }
  if (synced) yield { ...NO_CHANGES, synced }
}

function* cut<Item>(items: readonly Item[]): Generator<readonly Item[]> {
  for (let at = 0; at < items.length; at += SLICE) yield items.slice(at, at + SLICE)
}
