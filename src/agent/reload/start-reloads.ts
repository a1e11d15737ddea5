/**
 * start-reloads.ts - what a running exporter follows: its configuration, the inventory file, the file of hubble_* metrics.
 */

import type { Inventory } from '../../datapath/inventory/inventory.js'
import { LogLimit } from '../../lib/log-limit.js'
import type { Exporter } from '../exporter.js'
import type { Log } from '../log.js'
import type { HubbleFile } from '../options/hubble-options.js'
import type { SeriesExpiry } from '../series-expiry.js'
import { type Configuration, type Exclusive, Reload } from './config-reload.js'
import { watchHubbleFile } from './hubble-file.js'
import { type InventoryFile, InventoryWatch } from './inventory-file.js'
import { familiesOf, hubbleOf, inventoryOf, levelOf } from './reloadable-parts.js'

/** A minute. A refused configuration has a line for each thing that is wrong. */
const RELOAD_LINES = 100

export interface Files {
  readonly inventory: InventoryFile | undefined
  readonly hubble: HubbleFile | undefined
}

/** What follow() started. */
export interface Followed {
  readonly reload: Reload
  stop(): void
}

/** From now on changed files are in force seconds later, and the configuration is read anew at SIGHUP. */
export function follow(
  configuration: Configuration,
  files: Files,
  exporter: Exporter,
  series: SeriesExpiry,
  log: Log,
  exclusive: Exclusive,
): Followed {
  const { hubble, store } = exporter
  const unfollow = hubble && files.hubble && watchHubbleFile(hubble, files.hubble, log, exclusive)
  const watch = files.inventory && followInventory(files.inventory, exporter, log)
  const parts = [levelOf(log), familiesOf(series), hubbleOf(hubble, files.hubble === undefined && hubble !== undefined)]
  const all = watch === undefined ? parts : [...parts, inventoryOf(watch)]
  // Whoever may post to /-/reload causes lines.
  const limit = new LogLimit(log, { lines: RELOAD_LINES })
  const reload = new Reload(configuration, all, store, limit, exclusive)
  reload.start()
  return {
    reload,
    stop() {
      reload.stop()
      limit.close()
      unfollow?.()
      watch?.stop()
    },
  }
}

function followInventory(file: InventoryFile, { names, store }: Exporter, log: Log): InventoryWatch {
  const rename = (inventory: Inventory) => {
    const { changes, deletedPods } = names.useInventory(inventory)
    return { told: changes.upserts.length, gone: changes.removals.length, podsDeleted: deletedPods.length }
  }
  const watch = new InventoryWatch(file, rename, store, log)
  watch.start()
  return watch
}
