/**
 * configuration-row.ts - "is my configuration in effect?"
 *
 * Out:   a row of the exporter's own dashboard.
 */
import { M } from '../src/exporter/catalog/catalog.js'
import type { Metric } from '../src/exporter/catalog/metric.js'
import { CHOSEN, type Row } from './board.js'
import { lines } from './panel.js'
import { select, sumRate } from './promql.js'

const OF_NODE = '{{node}} {{instance}}'

export function configurationRow(): Row {
  const loaded = (metric: Metric<never>, file: string) => ({
    expr: `min by (node, instance) (${select(CHOSEN, metric)})`,
    legend: `${file} ${OF_NODE}`,
  })
  const age = (time: Metric<never>, file: string) => ({
    expr: `time() - max by (node, instance) (${select(CHOSEN, time)})`,
    legend: `${file} ${OF_NODE}`,
  })
  return {
    title: 'Configuration',
    panels: [
      lines(
        'Last reload successful',
        'Did each file load the last time it was read? 1: yes. 0: it has an error, and its previous content is in use.',
        'short',
        loaded(M.configReloadSuccessful, 'configuration'),
        loaded(M.inventoryReloadSuccessful, 'inventory file'),
        loaded(M.webConfigReloadSuccessful, 'web config file'),
        loaded(M.hubbleConfigReloadSuccessful, 'hubble_* metrics file'),
      ),
      lines(
        'Configuration age',
        'How long ago was the current content of each file loaded?',
        's',
        age(M.configReloadTime, 'configuration'),
        age(M.inventoryReloadTime, 'inventory file'),
        age(M.webConfigReloadTime, 'web config file'),
        age(M.hubbleConfigReloadTime, 'hubble_* metrics file'),
      ),
      lines('Reloads', 'How often is the configuration reloaded, and with which result?', 'cps', {
        expr: sumRate(CHOSEN, M.configReloads, ['result']),
        legend: '{{result}}',
      }),
    ],
  }
}
