// SPDX-License-Identifier: Apache-2.0
/**
 * reloadable-parts.ts - the parts of a running exporter that a configuration reload can change.
 */
import { InvalidConfig } from '../../config/problem.js'
import type { Hubble } from '../../hubble/metrics/hubble.js'
import type { Log } from '../log.js'
import { metricsOptions } from '../options/config-options.js'
import { otlpOptions } from '../options/otlp-options.js'
import type { SeriesExpiry } from '../series-expiry.js'
import type { Reloadable } from './config-reload.js'
import type { InventoryFileWatch } from './inventory-file.js'

const HUBBLE_METRICS = 'hubble-metrics'

export function logLevelPart(log: Log): Reloadable {
  return {
    prepare: next => () => {
      log.level = next['log.level']
    },
  }
}

/** The list of hubble_* metrics. `fromList`: the running metrics come from the list, not from a file. */
export function hubblePart(hubble: Hubble | undefined, fromList: boolean): Reloadable {
  return {
    prepare(next) {
      const metrics = next[HUBBLE_METRICS]?.metrics
      if ((metrics !== undefined) !== fromList) {
        throw problem(HUBBLE_METRICS, 'cannot be enabled or disabled while Weir runs; restart to apply')
      }
      return () => {
        if (metrics !== undefined) hubble?.reconfigure(metrics)
      }
    },
  }
}

/** The flow families: budgets, TTL, labels and namespace filters. */
export function familiesPart(series: SeriesExpiry): Reloadable {
  return {
    prepare(next) {
      // The TTL must leave a push enough time. Everything else was checked when the settings were loaded.
      otlpOptions(next)
      return () => series.apply(metricsOptions(next))
    },
  }
}

/** The content of the inventory file; its path cannot change. */
export function inventoryPart(watch: InventoryFileWatch): Reloadable {
  return {
    prepare() {
      const apply = watch.prepare()
      if (apply instanceof Error) throw problem('inventory', apply.message)
      return apply
    },
  }
}

function problem(name: string, message: string): InvalidConfig {
  return new InvalidConfig([{ where: '', name, message }])
}
