/**
 * otlp-rules.ts - alerts on OTLP exports that fail or lose data points.
 *
 * Out:   a group of rules, over Weir's own families. Without OTLP export they never fire.
 */
import { M } from '../src/exporter/catalog/catalog.js'
import { ALL } from './drop-rules.js'
import { AT_NODE, NODE } from './exporter-rules.js'
import { like, type Scope, sumRate, unlike } from './promql.js'
import type { Alert, Group } from './rule.js'

/** Covers four exports at an export interval of five minutes. */
const LONG: Scope = { ...ALL, window: '20m' }
/** The receiver accepted all points, or all but those it reported as rejected. */
const ARRIVED = 'success|partial'

export function otlpGroup(): Group {
  return { name: 'weir-otlp', rules: [failing(), lost()] }
}

/** `skipped` is not an export: one was due while another was running, or during a pause that the receiver asked for. */
function failing(): Alert {
  const failed = sumRate(LONG, M.otlpExports, [...NODE, 'result'], { result: unlike(`${ARRIVED}|skipped`) })
  const arrived = sumRate(LONG, M.otlpExports, NODE, { result: like(ARRIVED) })
  return {
    alert: 'WeirOtlpFailing',
    expr: `${failed} > 0\nand on (${NODE.join(', ')}) ${arrived} == 0`,
    for: '5m',
    severity: 'warning',
    summary: 'OTLP exports fail.',
    description: `The receiver accepted no export from ${AT_NODE} in the past 20 minutes: {{ $labels.result }}.`,
  }
}

function lost(): Alert {
  return {
    alert: 'WeirOtlpPointsLost',
    expr: `${sumRate(ALL, M.otlpPointsRejected, NODE)}\n+ ${sumRate(ALL, M.otlpPointsDropped, NODE)} > 0`,
    for: '5m',
    severity: 'warning',
    summary: 'OTLP export loses data points.',
    description: `{{ $value | humanize }} data points per second from ${AT_NODE} are rejected by the receiver or dropped.`,
  }
}
