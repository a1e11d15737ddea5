/**
 * tcp.ts - "do connections open, how fast, and how do they close?"
 *
 * In:    a vocabulary: Weir's families or Hubble's, which has only flags.
 * Out:   the board.
 */
import { M } from '../src/exporter/catalog/catalog.js'
import { ENDPOINT_LABELS } from '../src/exporter/catalog/flow-catalog.js'
import { type Board, CHOSEN, FROM_CHOSEN, type Row } from './board.js'
import { pairTable } from './pair-table.js'
import { lines, type Panel, type Target } from './panel.js'
import { buckets, is, like, quantile, rename, sumCountRate, sumOf, sumRate } from './promql.js'
import type { Vocabulary } from './vocabulary.js'

const SLOW = { warn: 0.1, bad: 1 }
/** A SYN and its SYN-ACK may fall into different scrapes, so a small difference is no failure. */
const SOME_UNANSWERED = { warn: 0.2, bad: 1 }

export function tcp(vocabulary: Vocabulary): Board {
  const isWeir = vocabulary.key === 'weir'
  return {
    uid: isWeir ? 'weir-tcp' : 'weir-hubble-tcp',
    title: `${vocabulary.title} / TCP health`,
    description: isWeir
      ? 'Do connections open, how fast, and how do they close?'
      : 'Are SYNs answered, and which workloads reset connections?',
    vocabulary,
    workloads: true,
    rows: isWeir ? [handshakes(), connections(), failures(vocabulary)] : [failures(vocabulary)],
  }
}

const FROM = { reporter: is('source'), ...FROM_CHOSEN }

function handshakes(): Row {
  const percentile = (q: number): Target => ({
    expr: quantile(q, CHOSEN, M.tcpHandshake, [], FROM),
    legend: `p${q * 100}`,
  })
  return {
    title: 'Handshakes',
    panels: [
      {
        ...lines(
          'Handshake time',
          'How long does a handshake take, from the SYN to the ACK that completes it?',
          's',
          ...[0.5, 0.95, 0.99].map(percentile),
        ),
        thresholds: SLOW,
      },
      lines('Slowest destinations', 'Which destinations have the slowest handshakes (95th percentile)?', 's', {
        expr: `topk(10, ${quantile(0.95, CHOSEN, M.tcpHandshake, ['destination_namespace', 'destination_workload'], FROM)})`,
        legend: '{{destination_namespace}}/{{destination_workload}}',
      }),
      {
        kind: 'heatmap',
        title: 'Handshake time distribution',
        question: 'How are handshake times distributed? Bands at 1 s and 3 s are handshakes with a retransmitted SYN.',
        unit: 's',
        targets: [{ expr: buckets(CHOSEN, M.tcpHandshake, [], FROM) }],
      },
      lines('Handshakes completed', 'How many handshakes complete per second?', 'cps', {
        expr: sumCountRate(CHOSEN, M.tcpHandshake, ['destination_workload'], FROM),
        legend: '{{destination_workload}}',
      }),
    ],
  }
}

function connections(): Row {
  const tcpOnly = { ...FROM, protocol: is('TCP') }
  return {
    title: 'Connections',
    panels: [
      lines(
        'Opened and closed',
        'Do as many connections close as open?',
        'cps',
        {
          expr: sumRate(CHOSEN, M.connectionsOpened, [], tcpOnly),
          legend: 'opened',
        },
        { expr: sumRate(CHOSEN, M.connectionsClosed, ['reason'], tcpOnly), legend: 'closed by {{reason}}' },
      ),
      lines('Open', 'How many connections are open, and does the number only grow?', 'short', {
        expr: sumOf(CHOSEN, M.connectionsActive, ['source_workload'], tcpOnly),
        legend: '{{source_workload}}',
      }),
      lines(
        'Duration',
        'How long do connections last?',
        's',
        {
          expr: quantile(0.5, CHOSEN, M.connectionDuration, [], FROM),
          legend: 'p50',
        },
        { expr: quantile(0.95, CHOSEN, M.connectionDuration, [], FROM), legend: 'p95' },
      ),
      lines(
        'Bytes',
        'How many bytes does a connection carry in both directions?',
        'bytes',
        {
          expr: quantile(0.5, CHOSEN, M.connectionBytes, [], FROM),
          legend: 'p50',
        },
        { expr: quantile(0.95, CHOSEN, M.connectionBytes, [], FROM), legend: 'p95' },
      ),
    ],
  }
}

function failures(v: Vocabulary): Row {
  const answered = rename(
    rename(
      v.synAck.rate(CHOSEN, ['source_namespace', 'source_workload'], {
        destination_namespace: FROM_CHOSEN.source_namespace,
        destination_workload: FROM_CHOSEN.source_workload,
      }),
      'source_namespace',
      'destination_namespace',
    ),
    'source_workload',
    'destination_workload',
  )
  const by = ['destination_namespace', 'destination_workload'] as const
  const unanswered = `${v.syn.rate(CHOSEN, by, FROM_CHOSEN)} - on (${by.join(', ')}) (sum by (${by.join(', ')}) (${answered}) or ${v.syn.rate(CHOSEN, by, FROM_CHOSEN)} * 0)`
  return {
    title: 'Failures',
    panels: [
      {
        ...lines('Unanswered SYNs', 'Which destinations do not answer connections? SYNs minus SYN-ACKs.', 'pps', {
          expr: unanswered,
          legend: '{{destination_namespace}}/{{destination_workload}}',
        }),
        thresholds: SOME_UNANSWERED,
      },
      lines('Resets', 'Which workloads reset connections?', 'pps', {
        expr: v.flags.rate(CHOSEN, ['source_namespace', 'source_workload'], { ...FROM_CHOSEN, flag: is('RST') }),
        legend: '{{source_namespace}}/{{source_workload}}',
      }),
      lines('Flags', 'Are SYN, SYN-ACK and FIN in balance?', 'pps', {
        expr: v.flags.rate(CHOSEN, ['flag'], FROM_CHOSEN),
        legend: '{{flag}}',
      }),
      ...(v.key === 'weir' ? [closedAbnormally()] : []),
    ],
  }
}

function closedAbnormally(): Panel {
  const abnormal = { ...FROM, protocol: is('TCP'), reason: like('reset|timeout') }
  return pairTable({
    title: 'Closed by reset or timeout',
    question: 'Between which workloads do TCP connections close by reset or timeout?',
    unit: 'cps',
    expr: `${sumRate(CHOSEN, M.connectionsClosed, [...ENDPOINT_LABELS, 'reason'], abnormal)} > 0`,
    others: { reason: 'Reason' },
    value: 'Connections per second',
  })
}
