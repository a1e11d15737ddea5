/**
 * configuration-row.ts - "is what I configured in force?"
 *
 * Out:   a row of the board of Weir itself.
 */
import { M } from '../src/exporter/catalog/catalog.js'
import type { Metric } from '../src/exporter/catalog/metric.js'
import { CHOSEN, type Row } from './board.js'
import { lines } from './panel.js'
import { select, sumRate } from './promql.js'

const OF_NODE = '{{node}} {{instance}}'

export function configurationRow(): Row {
  const good = (metric: Metric<never>, what: string) => ({
    expr: `min by (node, instance) (${select(CHOSEN, metric)})`,
    legend: `${what} ${OF_NODE}`,
  })
  return {
    title: 'Configuration',
    panels: [
      lines(
        'In force as it stands',
        'Is every file that Weir follows in force as it is (1), or what it said before it broke (0)?',
        'short',
        good(M.configReloadSuccessful, 'configuration'),
        good(M.inventoryReloadSuccessful, 'inventory file'),
        good(M.webConfigReloadSuccessful, 'web config file'),
        good(M.hubbleConfigReloadSuccessful, 'file of hubble_* metrics'),
      ),
      lines('Age of the configuration', 'Since when is the configuration in force that is?', 's', {
        expr: `time() - max by (node, instance) (${select(CHOSEN, M.configReloadTime)})`,
        legend: OF_NODE,
      }),
      lines('Reloads', 'How often is the configuration read anew, and what becomes of it?', 'cps', {
        expr: sumRate(CHOSEN, M.configReloads, ['result']),
        legend: '{{result}}',
      }),
    ],
  }
}
