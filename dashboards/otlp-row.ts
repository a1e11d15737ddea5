/**
 * otlp-row.ts - "does what Weir pushes arrive?"
 *
 * Out:   a row of the board of Weir itself.
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
      lines('Exports', 'What becomes of exports by OTLP?', 'cps', {
        expr: sumRate(CHOSEN, M.otlpExports, ['result']),
        legend: '{{result}}',
      }),
      lines('Since the last that arrived', 'How old is what the receiver has, by node?', 's', {
        expr: `time() - max by (node, instance) (${select(CHOSEN, M.otlpLastSuccess)} > 0)`,
        legend: OF_NODE,
      }),
      lines('Time an export', 'How long does an export take, from its first row to its last answer?', 's', {
        expr: `${sumRate(CHOSEN, M.otlpSeconds, NODE)} / (${sumRate(CHOSEN, M.otlpExports, NODE, { result: '!="skipped"' })} > 0)`,
        legend: OF_NODE,
      }),
      {
        ...lines(
          'Points',
          'How many data points does the receiver accept, and does it lose any?',
          'cps',
          { expr: sumRate(CHOSEN, M.otlpPoints), legend: 'accepted' },
          { expr: sumRate(CHOSEN, M.otlpPointsRejected), legend: 'rejected by the receiver' },
          { expr: sumRate(CHOSEN, M.otlpPointsDropped), legend: 'given up' },
          { expr: sumRate(CHOSEN, M.otlpRestarts), legend: 'threads started anew' },
        ),
      },
    ],
  }
}
