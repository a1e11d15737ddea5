/**
 * otlp-row.ts - "do OTLP exports reach the receiver?"
 *
 * Out:   a row of the exporter's own dashboard.
 */
import { M } from '../src/exporter/catalog/catalog.js'
import { CHOSEN, type Row } from './board.js'
import { lines } from './panel.js'
import { select, sumRate } from './promql.js'

const OF_NODE = '{{node}} {{instance}}'
const NODE = ['node', 'instance'] as const

export function otlpRow(): Row {
  return {
    title: 'OTLP',
    panels: [
      lines('Exports', 'How many OTLP exports does Weir make, and with which result?', 'cps', {
        expr: sumRate(CHOSEN, M.otlpExports, ['result']),
        legend: '{{result}}',
      }),
      lines('Time since last success', 'How long ago did the receiver last accept an export, by node?', 's', {
        expr: `time() - max by (node, instance) (${select(CHOSEN, M.otlpLastSuccess)} > 0)`,
        legend: OF_NODE,
      }),
      lines('Time per export', 'How long does an export take, from its first series to the last response?', 's', {
        expr: `${sumRate(CHOSEN, M.otlpSeconds, NODE)} / (${sumRate(CHOSEN, M.otlpExports, NODE, { result: '!="skipped"' })} > 0)`,
        legend: OF_NODE,
      }),
      lines(
        'Data points',
        'How many data points does the receiver accept, and are any lost?',
        'cps',
        { expr: sumRate(CHOSEN, M.otlpPoints), legend: 'accepted' },
        { expr: sumRate(CHOSEN, M.otlpPointsRejected), legend: 'rejected by the receiver' },
        { expr: sumRate(CHOSEN, M.otlpPointsDropped), legend: 'dropped' },
        { expr: sumRate(CHOSEN, M.otlpRestarts), legend: 'worker restarts' },
      ),
    ],
  }
}
