/**
 * tcp-rules.ts - alerts on TCP connections that fail to open, or open more slowly than before.
 *
 * In:    a vocabulary. Hubble's has no latencies, and shows answers only as TCP flags.
 * Out:   groups of rules.
 */
import { M } from '../src/exporter/catalog/catalog.js'
import { ALL, prefixOf } from './drop-rules.js'
import { is, not, quantile, rename, sum, sumCountRate, sumRate } from './promql.js'
import type { Alert, Group, Recording } from './rule.js'
import { type ThresholdName, thresholdSeries } from './thresholds.js'
import type { Vocabulary } from './vocabulary.js'

const TO = ['cluster', 'destination_namespace', 'destination_workload'] as const
const FROM = ['cluster', 'source_namespace', 'source_workload'] as const
const P95 = 'workload:weir_tcp_handshake_seconds:p95_rate5m'
const HANDSHAKES = 'workload:weir_tcp_handshake_seconds:rate5m'

export function tcpGroups(v: Vocabulary): Group[] {
  const name = v.key === 'weir' ? 'weir-tcp' : 'weir-hubble-tcp'
  const latency = v.key === 'weir' ? [...latencyRecordings(), slow()] : []
  return [{ name, rules: [...answerRecordings(v), ...latency, unanswered(v)] }]
}

function series(v: Vocabulary) {
  return { opened: `workload:${v.key}_tcp_opened:rate5m`, answered: `workload:${v.key}_tcp_answered:rate5m` }
}

/** By destination workload. Weir counts handshakes; Hubble counts only flags, where a SYN-ACK is the answer. */
function answerRecordings(v: Vocabulary): Recording[] {
  const recorded = series(v)
  if (v.key === 'weir') {
    const from = { reporter: is('source') } as const
    return [
      { record: recorded.opened, expr: sumRate(ALL, M.connectionsOpened, TO, { ...from, protocol: is('TCP') }) },
      { record: recorded.answered, expr: sumCountRate(ALL, M.tcpHandshake, TO, from) },
    ]
  }
  const back = v.synAck.rate(ALL, FROM, { source_namespace: not('') })
  const swapped = rename(
    rename(back, 'source_namespace', 'destination_namespace'),
    'source_workload',
    'destination_workload',
  )
  return [
    { record: recorded.opened, expr: v.syn.rate(ALL, TO) },
    { record: recorded.answered, expr: sum(TO, swapped) },
  ]
}

function unanswered(v: Vocabulary): Alert {
  const { opened, answered } = series(v)
  const missing = `(${opened} - (${answered} or ${opened} * 0))`
  return {
    alert: `${prefixOf(v)}ConnectionsUnanswered`,
    expr: `${missing} / (${opened} > 0) > ${scalar('unanswered_ratio')}\nand on (${TO.join(', ')})\n${opened} > ${scalar('unanswered_rate')}`,
    for: '10m',
    severity: 'warning',
    summary: 'TCP connections to a workload are not answered.',
    description:
      '{{ $value | humanizePercentage }} of the TCP connections to {{ $labels.destination_namespace }}/{{ $labels.destination_workload }} do not complete the handshake.',
  }
}

/** Only while there are handshakes: without any the quantile is NaN, and so would be the average over the day. */
function latencyRecordings(): Recording[] {
  const from = { reporter: is('source') } as const
  return [
    { record: HANDSHAKES, expr: sumCountRate(ALL, M.tcpHandshake, TO, from) },
    {
      record: P95,
      expr: `${quantile(0.95, ALL, M.tcpHandshake, TO, from)} and on (${TO.join(', ')}) ${HANDSHAKES} > 0`,
    },
  ]
}

function slow(): Alert {
  return {
    alert: 'WeirHandshakesSlow',
    expr: `${P95} > ${scalar('handshake_times_slower')} * avg_over_time(${P95}[1d] offset 1h)\nand ${P95} > ${scalar('handshake_seconds')}`,
    for: '10m',
    severity: 'warning',
    summary: 'TCP handshakes with a workload take much longer than in the past day.',
    description:
      'The 95th percentile of handshake times with {{ $labels.destination_namespace }}/{{ $labels.destination_workload }} is {{ $value | humanizeDuration }}.',
  }
}

export function scalar(name: ThresholdName): string {
  return `scalar(${thresholdSeries(name)}{namespace=""})`
}
