/**
 * tcp.ts - "do connections come about, how fast, and how do they end?"
 *
 * In:    a vocabulary: Weir's families or Hubble's, which has flags alone.
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
/** A SYN without an answer for a while, because one was on its way when the counters were read, is no failure. */
const SOME_UNANSWERED = { warn: 0.2, bad: 1 }

export function tcp(vocabulary: Vocabulary): Board {
  const own = vocabulary.key === 'weir'
  return {
    uid: own ? 'weir-tcp' : 'weir-hubble-tcp',
    title: `${vocabulary.title} / TCP health`,
    description: 'Do connections come about, how fast, and how do they end?',
    vocabulary,
    workloads: true,
    rows: own ? [handshakes(), lives(), failures(vocabulary)] : [failures(vocabulary)],
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
        ...lines('Handshake time', 'How long from SYN to the ACK that completes the handshake?', 's', percentile(0.5)),
        targets: [percentile(0.5), percentile(0.95), percentile(0.99)],
        thresholds: SLOW,
      },
      lines('Slowest destinations', 'To whom do handshakes take longest (95th percentile)?', 's', {
        expr: `topk(10, ${quantile(0.95, CHOSEN, M.tcpHandshake, ['destination_namespace', 'destination_workload'], FROM)})`,
        legend: '{{destination_namespace}}/{{destination_workload}}',
      }),
      {
        kind: 'heatmap',
        title: 'Handshakes, spread',
        question: 'Are there two kinds of handshakes: a fast one, and one that had to send its SYN again (1 s, 3 s)?',
        unit: 's',
        targets: [{ expr: buckets(CHOSEN, M.tcpHandshake, [], FROM) }],
      },
      lines('Handshakes completed', 'How many handshakes a second?', 'cps', {
        expr: sumCountRate(CHOSEN, M.tcpHandshake, ['destination_workload'], FROM),
        legend: '{{destination_workload}}',
      }),
    ],
  }
}

function lives(): Row {
  const tcpOnly = { ...FROM, protocol: is('TCP') }
  return {
    title: 'Connections',
    panels: [
      lines(
        'Opened and closed',
        'Do as many connections end as begin?',
        'cps',
        {
          expr: sumRate(CHOSEN, M.connectionsOpened, [], tcpOnly),
          legend: 'opened',
        },
        { expr: sumRate(CHOSEN, M.connectionsClosed, ['reason'], tcpOnly), legend: 'closed by {{reason}}' },
      ),
      lines('Open', 'How many connections are open, and does it only grow?', 'short', {
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
        'How much does a connection carry, both ways?',
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
        ...lines('SYNs without an answer', 'To whom do connections not come about? SYNs less SYN-ACKs.', 'pps', {
          expr: unanswered,
          legend: '{{destination_namespace}}/{{destination_workload}}',
        }),
        thresholds: SOME_UNANSWERED,
      },
      lines('Resets', 'Who resets connections?', 'pps', {
        expr: v.flags.rate(CHOSEN, ['source_namespace', 'source_workload'], { ...FROM_CHOSEN, flag: is('RST') }),
        legend: '{{source_namespace}}/{{source_workload}}',
      }),
      lines('Flags', 'Are SYN, SYN-ACK and FIN in balance?', 'pps', {
        expr: v.flags.rate(CHOSEN, ['flag'], FROM_CHOSEN),
        legend: '{{flag}}',
      }),
      ...(v.key === 'weir' ? [ended()] : []),
    ],
  }
}

function ended(): Panel {
  const ways = { ...FROM, protocol: is('TCP'), reason: like('reset|timeout') }
  return pairTable({
    title: 'Ended by reset or silence',
    question: 'Between whom do TCP connections end by reset, or time out?',
    unit: 'cps',
    expr: `${sumRate(CHOSEN, M.connectionsClosed, [...ENDPOINT_LABELS, 'reason'], ways)} > 0`,
    others: { reason: 'Reason' },
    value: 'Connections a second',
  })
}
