/**
 * file-rules.ts - alerts on a configuration file that failed to load, so that its previous content stays in effect.
 *
 * Out:   a group of rules, over Weir's own families.
 */
import { M } from '../src/exporter/catalog/catalog.js'
import type { Metric } from '../src/exporter/catalog/metric.js'
import { ALL } from './drop-rules.js'
import { AT_NODE } from './exporter-rules.js'
import { select } from './promql.js'
import type { Alert, Group } from './rule.js'

export function fileGroup(): Group {
  return {
    name: 'weir-files',
    rules: [
      reloadFailed(M.inventoryReloadSuccessful, {
        alert: 'WeirInventoryReloadFailed',
        summary: 'The inventory file failed to load; the previous one is in effect.',
        description: `The inventory file on ${AT_NODE} has an error. Weir uses the names of its last valid version.`,
      }),
      reloadFailed(M.configReloadSuccessful, {
        alert: 'WeirConfigReloadFailed',
        summary: 'A configuration reload failed; the previous configuration is in effect.',
        description: `The configuration on ${AT_NODE} has an error. Weir keeps the previous one, but a restart would fail.`,
      }),
      reloadFailed(M.webConfigReloadSuccessful, {
        alert: 'WeirWebConfigReloadFailed',
        summary: 'The web config file or a certificate failed to load; the previous one is in effect.',
        description: `The web config file or a certificate on ${AT_NODE} has an error. Weir serves with the previous certificates and passwords.`,
      }),
      reloadFailed(M.hubbleConfigReloadSuccessful, {
        alert: 'WeirHubbleConfigReloadFailed',
        summary: 'The hubble_* metrics file failed to load; the previous one is in effect.',
        description: `The hubble_* metrics file on ${AT_NODE} has an error. Weir keeps the metrics of its last valid version.`,
      }),
    ],
  }
}

/** `successful` is a gauge: 1 when the file loaded the last time it was read. */
function reloadFailed(successful: Metric<never>, text: Pick<Alert, 'alert' | 'summary' | 'description'>): Alert {
  return { ...text, expr: `${select(ALL, successful)} == 0`, for: '5m', severity: 'warning' }
}
