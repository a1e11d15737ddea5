/**
 * file-rules.ts - who is woken when a file of Weir's is broken and what it said before is in force.
 *
 * Out:   a group of rules, over Weir's own families.
 */
import { M } from '../src/exporter/catalog/catalog.js'
import type { Metric } from '../src/exporter/catalog/metric.js'
import { ALL } from './drop-rules.js'
import { AT_NODE } from './itself-rules.js'
import { select } from './promql.js'
import type { Alert, Group } from './rule.js'

export function fileGroup(): Group {
  return {
    name: 'weir-files',
    rules: [
      broken(M.inventoryReloadSuccessful, {
        alert: 'WeirInventoryReloadFailed',
        summary: 'The inventory file is broken; the last good one is in force.',
        description: `${AT_NODE} names by an old inventory file, since the present one has an error.`,
      }),
      broken(M.configReloadSuccessful, {
        alert: 'WeirConfigReloadFailed',
        summary: 'A reload of the configuration was refused; what was in force stays.',
        description: `${AT_NODE} refused its configuration when it was to reload it; a restart would fail.`,
      }),
      broken(M.webConfigReloadSuccessful, {
        alert: 'WeirWebConfigBad',
        summary: 'The web config file or a certificate is broken; what it was before is in force.',
        description: `${AT_NODE} serves with old certificates or passwords, since the present files have an error.`,
      }),
      broken(M.hubbleConfigReloadSuccessful, {
        alert: 'WeirHubbleConfigBad',
        summary: 'The file of hubble_* metrics is broken; the last good one is in force.',
        description: `${AT_NODE} keeps hubble_* metrics of an old file, since the present one has an error.`,
      }),
    ],
  }
}

/** A gauge that is 1 while the file is in force as it is. */
function broken(good: Metric<never>, words: Pick<Alert, 'alert' | 'summary' | 'description'>): Alert {
  return { ...words, expr: `${select(ALL, good)} == 0`, for: '5m', severity: 'warning' }
}
