/**
 * overview.ts - "is traffic flowing, who sends most, what is dropped, and is every packet counted?" One screen for a cluster.
 *
 * In:    a vocabulary: Weir's families or Hubble's.
 * Out:   the board.
 */
import { M } from '../src/exporter/catalog/catalog.js'
import { ENDPOINT_LABELS } from '../src/exporter/catalog/flow-catalog.js'
import { type Board, CHOSEN, linkTo, type Row } from './board.js'
import { pairTable } from './pair-table.js'
import type { Panel } from './panel.js'
import { is, like, not, rate, sum, sumOf, sumRate, topk } from './promql.js'
import type { Vocabulary } from './vocabulary.js'
import { workloadUid } from './workload.js'

const PODS = { source_namespace: not('') }
const TALKERS = 20

export function overview(vocabulary: Vocabulary): Board {
  const isWeir = vocabulary.key === 'weir'
  return {
    uid: `${isWeir ? 'weir' : 'weir-hubble'}-overview`,
    title: `${vocabulary.title} / Cluster overview`,
    description: 'Is traffic flowing, which workloads send most, what is dropped, and is every packet counted?',
    vocabulary,
    workloads: false,
    rows: [
      isWeir ? weirNow() : hubbleNow(vocabulary),
      ...(isWeir ? [bytes()] : []),
      flows(vocabulary),
      talkers(vocabulary),
      drops(vocabulary),
    ],
  }
}

function number(title: string, question: string, unit: string, expr: string, rest: Partial<Panel> = {}): Panel {
  return { kind: 'number', title, question, unit, targets: [{ expr }], width: 4, ...rest } as Panel
}

function dropRatio(v: Vocabulary): string {
  return `${v.drops.rate(CHOSEN)} / (${v.sent.rate(CHOSEN)} > 0)`
}

function weirNow(): Row {
  const lost = [M.unnamedPackets, M.bpfRecursionMisses, M.observationsLost]
    .map(metric => sumRate(CHOSEN, metric))
    .join(' + ')
  return {
    title: 'Now',
    panels: [
      number('Nodes', 'On how many nodes does Weir run?', 'short', `count(${M.buildInfo.name}{${CHOSEN.target}})`),
      number('Packets seen', 'How many packets per second pass the hooks?', 'pps', sumRate(CHOSEN, M.packetsSeen)),
      number(
        'Sent by pods',
        'How many bytes per second do pods send?',
        'Bps',
        sumRate(CHOSEN, M.flowBytes, [], { reporter: is('source') }),
      ),
      number(
        'Open connections',
        'How many connections are open, counted at the source?',
        'short',
        sumOf(CHOSEN, M.connectionsActive, [], { reporter: is('source') }),
      ),
      number(
        'Packets dropped',
        'Which share of the packets that pods send does the kernel drop?',
        'percentunit',
        `${sumRate(CHOSEN, M.dropPackets)} / (${sumRate(CHOSEN, M.flowPackets, [], { reporter: is('source') })} > 0)`,
        { thresholds: { warn: 0.01, bad: 0.05 } },
      ),
      number(
        'Losses',
        'Does Weir lose packets, names or observations? Zero means that every number here is exact.',
        'cps',
        lost,
        {
          thresholds: { warn: 0.001, bad: 1 },
        },
      ),
    ],
  }
}

function hubbleNow(v: Vocabulary): Row {
  return {
    title: 'Now',
    panels: [
      number(
        'Exporters',
        'How many exporters expose these metrics?',
        'short',
        `count(count by (instance) (${rate(CHOSEN, v.present)}))`,
      ),
      number('Sent by pods', 'How many flows per second leave pods?', v.unit, v.sent.rate(CHOSEN)),
      number('Received by pods', 'How many flows per second reach pods?', v.unit, v.received.rate(CHOSEN)),
      number('Dropped', 'How many flows per second are dropped?', v.unit, v.drops.rate(CHOSEN)),
      number('Drop ratio', 'Which share of the flows that pods send is dropped?', 'percentunit', dropRatio(v), {
        thresholds: { warn: 0.01, bad: 0.05 },
      }),
      number(
        'Lost events',
        'Does the exporter lose events? If so, the numbers here are too low.',
        'cps',
        sum([], rate(CHOSEN, v.present)),
        {
          thresholds: { warn: 0.001, bad: 1 },
        },
      ),
    ],
  }
}

function bytes(): Row {
  return {
    title: 'Bytes and connections',
    panels: [
      {
        kind: 'lines',
        title: 'Bytes sent by namespace',
        question: 'How much does each namespace send? Counted once, at the source.',
        unit: 'Bps',
        stack: true,
        targets: [
          {
            expr: sumRate(CHOSEN, M.flowBytes, ['source_namespace'], { reporter: is('source'), ...PODS }),
            legend: '{{source_namespace}}',
          },
        ],
      },
      {
        kind: 'lines',
        title: 'Bytes received by namespace',
        question: 'How much does each namespace receive? Counted once, at the destination.',
        unit: 'Bps',
        stack: true,
        targets: [
          {
            expr: sumRate(CHOSEN, M.flowBytes, ['destination_namespace'], {
              reporter: is('destination'),
              destination_namespace: not(''),
            }),
            legend: '{{destination_namespace}}',
          },
        ],
      },
      {
        kind: 'lines',
        title: 'Connections opened by namespace',
        question: 'How many connections does each namespace open?',
        unit: 'cps',
        targets: [
          {
            expr: sumRate(CHOSEN, M.connectionsOpened, ['source_namespace'], { reporter: is('source'), ...PODS }),
            legend: '{{source_namespace}}',
          },
        ],
      },
      {
        kind: 'lines',
        title: 'Bytes over uplinks',
        question: 'How much traffic enters and leaves the nodes? Zero unless --uplinks names interfaces.',
        unit: 'Bps',
        targets: [{ expr: sumRate(CHOSEN, M.bytesSeen, ['hook'], { hook: like('uplink_.*') }), legend: '{{hook}}' }],
      },
    ],
  }
}

function flows(v: Vocabulary): Row {
  return {
    title: capital(v.noun),
    panels: [
      {
        kind: 'lines',
        title: `${capital(v.noun)} by verdict`,
        question: `How many ${v.noun} are forwarded, and how many are dropped?`,
        unit: v.unit,
        targets: [
          { expr: v.received.rate(CHOSEN, ['verdict']), legend: '{{verdict}}' },
          { expr: v.drops.rate(CHOSEN), legend: 'DROPPED' },
        ],
      },
      {
        kind: 'lines',
        title: `${capital(v.noun)} by protocol`,
        question: 'Which protocols do pods use?',
        unit: v.unit,
        stack: true,
        targets: [{ expr: v.sent.rate(CHOSEN, ['protocol']), legend: '{{protocol}}' }],
      },
    ],
  }
}

function talkers(v: Vocabulary): Row {
  const expr =
    v.key === 'weir'
      ? topk(TALKERS, sumRate(CHOSEN, M.flowBytes, ENDPOINT_LABELS, { reporter: is('source') }))
      : topk(TALKERS, v.sent.rate(CHOSEN, ENDPOINT_LABELS))
  return {
    title: 'Top talkers',
    panels: [
      pairTable({
        title: 'Top workload pairs',
        question: 'Which pairs of workloads send most? Counted once, at the source.',
        unit: v.key === 'weir' ? 'Bps' : v.unit,
        width: 24,
        height: 11,
        expr,
        value: v.key === 'weir' ? 'Bytes per second' : 'Flows per second',
        linkTo: `${linkTo(workloadUid(v))}&var-namespace=\${__data.fields["From namespace"]}&var-workload=\${__data.fields["From workload"]}`,
      }),
    ],
  }
}

function drops(v: Vocabulary): Row {
  return {
    title: 'Drops',
    panels: [
      {
        kind: 'lines',
        title: 'Drops by source namespace',
        question: `Which namespaces send ${v.noun} that are dropped?`,
        unit: v.unit,
        targets: [{ expr: v.drops.rate(CHOSEN, ['source_namespace']), legend: '{{source_namespace}}' }],
      },
      {
        kind: 'lines',
        title: 'Drops by reason',
        question: `Why are ${v.noun} dropped?`,
        unit: v.unit,
        targets: [{ expr: v.drops.rate(CHOSEN, ['reason']), legend: '{{reason}}' }],
      },
    ],
  }
}

function capital(word: string): string {
  return word[0]!.toUpperCase() + word.slice(1)
}
