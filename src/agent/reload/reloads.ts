// SPDX-License-Identifier: Apache-2.0
/**
 * reloads.ts - everything a running exporter reloads: configuration, inventory file, file of hubble_* metrics.
 */
import type { EntityChanges } from '../../datapath/identity/entity-changes.js'
import type { Inventory } from '../../datapath/inventory/inventory.js'
import { type PackedChanges, unpack } from '../../kubernetes/cluster/packed-changes.js'
import { Interner } from '../../kubernetes/object/interner.js'
import { LogLimit } from '../../lib/log-limit.js'
import type { Exporter } from '../exporter.js'
import type { Log } from '../log.js'
import type { NameUpdates } from '../names/name-updates.js'
import type { HubbleFile } from '../options/hubble-options.js'
import type { SeriesExpiry } from '../series-expiry.js'
import { ConfigReload, type Configuration, type Exclusive } from './config-reload.js'
import { hubbleFileWatch } from './hubble-file.js'
import {
  type InventoryFile,
  InventoryFileWatch,
  type LargeInventories,
  type SwitchInventory,
} from './inventory-file.js'
import { familiesPart, hubblePart, inventoryPart, logLevelPart } from './reloadable-parts.js'

/** Lines per minute: a failed reload logs one line per problem, and anyone who may POST to /-/reload can cause them. */
const LOG_LINES = 100

export interface ReloadTargets {
  readonly exporter: Exporter
  readonly names: NameUpdates
  readonly series: SeriesExpiry
  readonly log: Log
  readonly inventoryFile: InventoryFile | undefined
  readonly hubbleFile: HubbleFile | undefined
}

export class Reloads {
  readonly #config: ConfigReload
  readonly #inventory: InventoryFileWatch | undefined
  readonly #hubble: ReturnType<typeof hubbleFileWatch> | undefined
  readonly #limit: LogLimit

  constructor(configuration: Configuration, targets: ReloadTargets, exclusive: Exclusive) {
    const { exporter, names, series, log, inventoryFile, hubbleFile } = targets
    const { hubble, store } = exporter
    this.#limit = new LogLimit(log, { lines: LOG_LINES })
    this.#hubble = hubble && hubbleFile && hubbleFileWatch(hubble, hubbleFile, store, log, exclusive)
    this.#inventory =
      inventoryFile && new InventoryFileWatch(inventoryFile, switchWith(names), store, log, largeWith(names))
    const fromList = hubbleFile === undefined && hubble !== undefined
    const parts = [logLevelPart(log), familiesPart(series), hubblePart(hubble, fromList)]
    if (this.#inventory !== undefined) parts.push(inventoryPart(this.#inventory))
    const whenParsed: Exclusive = async change => {
      await this.#inventory?.prepareLarge()
      await exclusive(change)
      await this.#inventory?.settled()
    }
    this.#config = new ConfigReload(configuration, parts, store, this.#limit, whenParsed)
  }

  /** From now on changed files take effect within seconds, and SIGHUP reloads the configuration. */
  start(): void {
    this.#hubble?.start()
    this.#inventory?.start()
    this.#config.start()
  }

  /** Resolves to the problems of the configuration, one per line, or undefined on success. */
  reloadConfig(): Promise<string | undefined> {
    return this.#config.now()
  }

  stop(): void {
    this.#config.stop()
    this.#limit.close()
    this.#hubble?.stop()
    this.#inventory?.stop()
  }
}

function largeWith(names: NameUpdates): LargeInventories {
  const interner = new Interner()
  return {
    get current() {
      return names.inventory
    },
    async use({ changes, tables }) {
      return { ...(await names.useChanges(unpacked(changes, interner), tables)) }
    },
  }
}

function* unpacked(batches: readonly PackedChanges[], interner: Interner): Generator<EntityChanges> {
  for (const packed of batches) yield unpack(packed, interner)
}

function switchWith(names: NameUpdates): SwitchInventory {
  return (inventory: Inventory) => {
    const { changes, deletedPods } = names.useInventory(inventory)
    return { updated: changes.upserts.length, removed: changes.removals.length, podsDeleted: deletedPods.length }
  }
}
