/**
 * otlp-rules.ts - who is woken when what is pushed by OTLP does not arrive.
 *
 * Out:   a group of rules, over Weir's own families; without a push they never fire.
 */
import { M } from '../src/exporter/catalog/catalog.js'
import { ALL } from './drop-rules.js'
import { AT_NODE, NODE } from './itself-rules.js'
import { like, type Scope, sumRate, unlike } from './promql.js'
import type { Alert, Group } from './rule.js'

/** As many exports as four rates of five minutes at an interval of up to five. */
const LONG: Scope = { ...ALL, window: '20m' }
/** The receiver has all of it, or all but what it says. */
const ARRIVED = 'success|partial'

export function otlpGroup(): Group {
  return { name: 'weir-otlp', rules: [failing(), lost()] }
}

/** `skipped` is counted beside an outcome, or while the receiver asked for a pause: no export of its own. */
function failing(): Alert {
  const failed = sumRate(LONG, M.otlpExports, [...NODE, 'result'], { result: unlike(`${ARRIVED}|skipped`) })
  const arrived = sumRate(LONG, M.otlpExports, NODE, { result: like(ARRIVED) })
  return {
    alert: 'WeirOtlpFailing',
    expr: `${failed} > 0\nand on (${NODE.join(', ')}) ${arrived} == 0`,
    for: '5m',
    severity: 'warning',
    summary: 'The push by OTLP does not arrive.',
    description: `No export of ${AT_NODE} was accepted within 20 minutes: {{ $labels.result }}.`,
  }
}

function lost(): Alert {
  return {
    alert: 'WeirOtlpPointsLost',
    expr: `${sumRate(ALL, M.otlpPointsRejected, NODE)}\n+ ${sumRate(ALL, M.otlpPointsDropped, NODE)} > 0`,
    for: '5m',
    severity: 'warning',
    summary: 'Data points are lost on their way by OTLP.',
    description: `{{ $value | humanize }} points a second of ${AT_NODE} are rejected by the receiver or given up.`,
  }
}
