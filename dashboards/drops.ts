/**
 * drops.ts - "what is dropped, between which workloads, why, and is it more than usual?"
 *
 * In:    a vocabulary: Weir's families or Hubble's.
 * Out:   the board.
 */
import { M } from '../src/exporter/catalog/catalog.js'
import { ENDPOINT_LABELS } from '../src/exporter/catalog/flow-catalog.js'
import { type Board, CHOSEN, FROM_NAMESPACE, type Row, TO_NAMESPACE } from './board.js'
import { pairTable } from './pair-table.js'
import { lines, type Panel } from './panel.js'
import { not, sumRate } from './promql.js'
import type { Vocabulary } from './vocabulary.js'

/** The default thresholds of the alerts (thresholds.ts). */
const RATIO = { warn: 0.01, bad: 0.05 }

export function drops(vocabulary: Vocabulary): Board {
  const isWeir = vocabulary.key === 'weir'
  return {
    uid: isWeir ? 'weir-drops' : 'weir-hubble-drops',
    title: `${vocabulary.title} / Drops`,
    description: 'What is dropped, between which workloads, and why?',
    vocabulary,
    workloads: true,
    rows: [namespaces(vocabulary), reasons(vocabulary), pairs(vocabulary), ...(isWeir ? [policy(), coverage()] : [])],
  }
}

function namespaces(v: Vocabulary): Row {
  const ratio = (by: 'source_namespace' | 'destination_namespace') =>
    by === 'source_namespace'
      ? `${v.drops.rate(CHOSEN, [by], FROM_NAMESPACE)} / (${v.sent.rate(CHOSEN, [by], FROM_NAMESPACE)} > 0)`
      : `${v.drops.rate(CHOSEN, [by], TO_NAMESPACE)} / (${v.received.rate(CHOSEN, [by], TO_NAMESPACE)} + ${v.drops.rate(CHOSEN, [by], TO_NAMESPACE)} > 0)`
  return {
    title: 'By namespace',
    panels: [
      lines('Drops by source namespace', 'Which namespaces send traffic that is dropped, and how much?', v.unit, {
        expr: v.drops.rate(CHOSEN, ['source_namespace'], FROM_NAMESPACE),
        legend: '{{source_namespace}}',
      }),
      lines('Drops by destination namespace', 'Which namespaces miss traffic that is dropped, and how much?', v.unit, {
        expr: v.drops.rate(CHOSEN, ['destination_namespace'], TO_NAMESPACE),
        legend: '{{destination_namespace}}',
      }),
      {
        ...lines(
          'Drop ratio by source namespace',
          'Which share of the traffic that a namespace sends is dropped?',
          'percentunit',
          { expr: ratio('source_namespace'), legend: '{{source_namespace}}' },
        ),
        thresholds: RATIO,
      },
      {
        ...lines(
          'Drop ratio by destination namespace',
          'Which share of the traffic sent to a namespace is dropped?',
          'percentunit',
          { expr: ratio('destination_namespace'), legend: '{{destination_namespace}}' },
        ),
        thresholds: RATIO,
      },
    ],
  }
}

function reasons(v: Vocabulary): Row {
  return {
    title: 'By reason',
    panels: [
      lines('Drops by reason', 'Why are packets dropped? Reasons carry the names that the datapath reports.', v.unit, {
        expr: v.drops.rate(CHOSEN, ['reason'], FROM_NAMESPACE),
        legend: '{{reason}}',
      }),
      lines('Drops by protocol', 'Which protocols are affected?', v.unit, {
        expr: v.drops.rate(CHOSEN, ['protocol'], FROM_NAMESPACE),
        legend: '{{protocol}}',
      }),
      ...(v.key === 'weir' ? [droppedBytes()] : []),
    ],
  }
}

function droppedBytes(): Panel {
  return lines('Bytes dropped by reason', 'How many bytes per second are dropped?', 'Bps', {
    expr: sumRate(CHOSEN, M.dropBytes, ['reason'], FROM_NAMESPACE),
    legend: '{{reason}}',
  })
}

function pairs(v: Vocabulary): Row {
  return {
    title: 'By workload pair',
    panels: [
      pairTable({
        title: 'Drops by workload pair',
        question: 'Between which workloads is traffic dropped, and why?',
        unit: v.unit,
        width: 24,
        expr: `${v.drops.rate(CHOSEN, [...ENDPOINT_LABELS, 'reason'], FROM_NAMESPACE)} > 0`,
        others: { reason: 'Reason' },
        value: v.key === 'weir' ? 'Packets per second' : 'Flows per second',
      }),
    ],
  }
}

/** Only records of Cilium's datapath carry policy verdicts; Weir's own datapath enforces no policy. */
function policy(): Row {
  return {
    title: 'Policy verdicts',
    panels: [
      lines(
        'Verdicts by action',
        "What did network policies decide? Needs records of Cilium's datapath; Weir enforces no policy.",
        'cps',
        {
          expr: sumRate(CHOSEN, M.policyVerdicts, ['action', 'direction'], FROM_NAMESPACE),
          legend: '{{action}} {{direction}}',
        },
      ),
      pairTable({
        title: 'Recent verdicts',
        question:
          'Which workload pairs got policy verdicts in the last minutes, what matched, and what was the action?',
        unit: 'cps',
        expr: sumRate(CHOSEN, M.policyVerdicts, [...ENDPOINT_LABELS, 'direction', 'match', 'action'], FROM_NAMESPACE),
        others: { direction: 'Direction', match: 'Matched', action: 'Action' },
        value: 'Verdicts per second',
      }),
    ],
  }
}

function coverage(): Row {
  return {
    title: 'Coverage',
    panels: [
      lines(
        'Freed, but not counted as drops',
        'How many freed packets are no drops: already delivered to a socket, or not IP?',
        'pps',
        {
          expr: sumRate(CHOSEN, M.dropsIgnored, ['reason']),
          legend: '{{reason}}',
        },
      ),
      lines(
        'Drops without names',
        'How many drops were counted by reason only, because the drop table was full?',
        'pps',
        {
          expr: sumRate(CHOSEN, M.dropTableFull),
          legend: 'without names',
        },
      ),
      lines('Drops seen', 'How many drops does the kernel report, by node?', 'pps', {
        expr: sumRate(CHOSEN, M.dropsSeen, ['node', 'instance']),
        legend: '{{node}} {{instance}}',
      }),
      lines(
        'Drops from outside the cluster',
        'How many dropped packets come from sources without a namespace?',
        'pps',
        {
          expr: sumRate(CHOSEN, M.dropPackets, ['source_workload'], {
            source_namespace: '=""',
            source_workload: not(''),
          }),
          legend: '{{source_workload}}',
        },
      ),
    ],
  }
}
