/**
 * drops.ts - "what is dropped, whose, on the way to whom, why, and is it more than usual?"
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

/** As the alerts have them unless configured otherwise (thresholds.ts). */
const RATIO = { warn: 0.01, bad: 0.05 }

export function drops(vocabulary: Vocabulary): Board {
  const own = vocabulary.key === 'weir'
  return {
    uid: own ? 'weir-drops' : 'weir-hubble-drops',
    title: `${vocabulary.title} / Drops`,
    description: 'What is dropped, whose, on the way to whom, and why?',
    vocabulary,
    workloads: true,
    rows: [namespaces(vocabulary), reasons(vocabulary), pairs(vocabulary), ...(own ? [policy(), unseen()] : [])],
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
      lines('Dropped of what a namespace sends', 'Whose traffic is dropped, and how much?', v.unit, {
        expr: v.drops.rate(CHOSEN, ['source_namespace'], FROM_NAMESPACE),
        legend: '{{source_namespace}}',
      }),
      lines('Dropped on the way to a namespace', 'To whom does traffic not get, and how much?', v.unit, {
        expr: v.drops.rate(CHOSEN, ['destination_namespace'], TO_NAMESPACE),
        legend: '{{destination_namespace}}',
      }),
      {
        ...lines('Share dropped of what a namespace sends', 'Is it much of what it sends?', 'percentunit', {
          expr: ratio('source_namespace'),
          legend: '{{source_namespace}}',
        }),
        thresholds: RATIO,
      },
      {
        ...lines('Share dropped on the way to a namespace', 'Is it much of what it should get?', 'percentunit', {
          expr: ratio('destination_namespace'),
          legend: '{{destination_namespace}}',
        }),
        thresholds: RATIO,
      },
    ],
  }
}

function reasons(v: Vocabulary): Row {
  return {
    title: 'By reason',
    panels: [
      lines('By reason', 'Why are packets dropped? Names are those of the datapath.', v.unit, {
        expr: v.drops.rate(CHOSEN, ['reason'], FROM_NAMESPACE),
        legend: '{{reason}}',
      }),
      lines('By protocol', 'Which protocols suffer?', v.unit, {
        expr: v.drops.rate(CHOSEN, ['protocol'], FROM_NAMESPACE),
        legend: '{{protocol}}',
      }),
      ...(v.key === 'weir' ? [droppedBytes()] : []),
    ],
  }
}

function droppedBytes(): Panel {
  return lines('Bytes dropped by reason', 'How much data does not arrive?', 'Bps', {
    expr: sumRate(CHOSEN, M.dropBytes, ['reason'], FROM_NAMESPACE),
    legend: '{{reason}}',
  })
}

function pairs(v: Vocabulary): Row {
  return {
    title: 'By workload pair',
    panels: [
      pairTable({
        title: 'Who cannot reach whom',
        question: 'Between which workloads is traffic dropped, and why?',
        unit: v.unit,
        width: 24,
        expr: `${v.drops.rate(CHOSEN, [...ENDPOINT_LABELS, 'reason'], FROM_NAMESPACE)} > 0`,
        others: { reason: 'Reason' },
        value: v.key === 'weir' ? 'Packets a second' : 'Flows a second',
      }),
    ],
  }
}

/** Records of Cilium's datapath alone tell of verdicts; Weir's own has no policies. */
function policy(): Row {
  return {
    title: 'Policy verdicts',
    panels: [
      lines(
        'Verdicts by action',
        'What did policies decide? Only with records of a datapath that has policies.',
        'cps',
        {
          expr: sumRate(CHOSEN, M.policyVerdicts, ['action', 'direction'], FROM_NAMESPACE),
          legend: '{{action}} {{direction}}',
        },
      ),
      pairTable({
        title: 'Recent verdicts',
        question: 'Between whom did policies decide in the last minutes, what matched, and what was done?',
        unit: 'cps',
        expr: sumRate(CHOSEN, M.policyVerdicts, [...ENDPOINT_LABELS, 'direction', 'match', 'action'], FROM_NAMESPACE),
        others: { direction: 'Direction', match: 'Matched', action: 'Action' },
        value: 'Verdicts a second',
      }),
    ],
  }
}

function unseen(): Row {
  return {
    title: 'Beside the drops',
    panels: [
      lines(
        'Freed with a reason, and no drop',
        'What does the kernel free that had been delivered, or is not IP?',
        'pps',
        {
          expr: sumRate(CHOSEN, M.dropsIgnored, ['reason']),
          legend: '{{reason}}',
        },
      ),
      lines('Drops without names', 'Was the table of drops full, so that only the reason was counted?', 'pps', {
        expr: sumRate(CHOSEN, M.dropTableFull),
        legend: 'without names',
      }),
      lines('Drops seen', 'How many drops does the kernel tell of, by node?', 'pps', {
        expr: sumRate(CHOSEN, M.dropsSeen, ['node', 'instance']),
        legend: '{{node}} {{instance}}',
      }),
      lines('Ends without a namespace', 'How many of the drops come from outside the cluster?', 'pps', {
        expr: sumRate(CHOSEN, M.dropPackets, ['source_workload'], {
          source_namespace: '=""',
          source_workload: not(''),
        }),
        legend: '{{source_workload}}',
      }),
    ],
  }
}
