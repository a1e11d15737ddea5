/**
 * reloadable-parts.ts - the parts of a running exporter that can take another configuration.
 */
import { InvalidConfig } from '../../config/problem.js'
import type { Hubble } from '../../hubble/metrics/hubble.js'
import type { Log } from '../log.js'
import { metricsOptions } from '../options/options.js'
import { otlpOptions } from '../options/otlp-options.js'
import type { SeriesExpiry } from '../series-expiry.js'
import type { Reloadable } from './config-reload.js'
import type { InventoryWatch } from './inventory-file.js'

const HUBBLE = 'hubble-metrics'

/** The least level to log. */
export function levelOf(log: Log): Reloadable {
  return {
    prepare: next => () => {
      log.level = next['log.level']
    },
  }
}

/** The list of hubble_* metrics; with a file of them it is the file that changes. */
export function hubbleOf(hubble: Hubble | undefined, list: boolean): Reloadable {
  return {
    prepare(next) {
      const metrics = next[HUBBLE]?.metrics
      if ((metrics !== undefined) !== list) {
        throw refused(HUBBLE, 'cannot be switched on or off while Weir runs; allowed: a restart')
      }
      return () => {
        if (metrics !== undefined) hubble?.reconfigure(metrics)
      }
    },
  }
}

/** Flow families: their bounds, labels, and what is left out. */
export function familiesOf(series: SeriesExpiry): Reloadable {
  return {
    prepare(next) {
      // A push wants a TTL that leaves it time. The rest is checked with the settings, by the same function that apply() has.
      otlpOptions(next)
      return () => series.apply(metricsOptions(next))
    },
  }
}

/** The content of the inventory file; the settings have its path. */
export function inventoryOf(watch: InventoryWatch): Reloadable {
  return {
    prepare() {
      const apply = watch.prepare()
      if (apply instanceof Error) throw refused('inventory', apply.message)
      return apply
    },
  }
}

function refused(name: string, message: string): InvalidConfig {
  return new InvalidConfig([{ where: '', name, message }])
}
