/**
 * followed.ts - what a running exporter follows: its configuration, the world file, the file of hubble_* metrics.
 */

import type { World } from '../datapath/inventory/inventory.js'
import { LogLimit } from '../lib/log-limit.js'
import type { Exporter } from './exporter.js'
import type { HubbleFile } from './hubble-options.js'
import { watchHubbleFile } from './hubble-watch.js'
import type { Log } from './log.js'
import { type Around, type Configuration, Reload } from './reload.js'
import { familiesOf, hubbleOf, levelOf, worldOf } from './reloadable.js'
import type { SeriesSweep } from './series-expiry.js'
import { type WorldFile, WorldWatch } from './inventory-watch.js'

/** A minute. A refused configuration has a line for each thing that is wrong. */
const RELOAD_LINES = 100

export interface Files {
  readonly world: WorldFile | undefined
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
  series: SeriesSweep,
  log: Log,
  around: Around,
): Followed {
  const { hubble, store } = exporter
  const unfollow = hubble && files.hubble && watchHubbleFile(hubble, files.hubble, log, around)
  const watch = files.world && followWorld(files.world, exporter, log)
  const parts = [levelOf(log), familiesOf(series), hubbleOf(hubble, files.hubble === undefined && hubble !== undefined)]
  const all = watch === undefined ? parts : [...parts, worldOf(watch)]
  // Whoever may post to /-/reload causes lines.
  const limit = new LogLimit(log, { lines: RELOAD_LINES })
  const reload = new Reload(configuration, all, store, limit, around)
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

function followWorld(file: WorldFile, { names, store }: Exporter, log: Log): WorldWatch {
  const rename = (world: World) => {
    const { changes, deletedPods } = names.useWorld(world)
    return { told: changes.upserts.length, gone: changes.removals.length, podsDeleted: deletedPods.length }
  }
  const watch = new WorldWatch(file, rename, store, log)
  watch.start()
  return watch
}
