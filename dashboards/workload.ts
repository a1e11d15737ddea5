/**
 * workload.ts - "what does this namespace or workload talk to, how much, how fast, and what goes wrong?"
 *
 * In:    a vocabulary: Weir's families or Hubble's.
 * Out:   the board, with a graph of workloads.
 */
import { M } from '../src/exporter/catalog/catalog.js'
import { ENDPOINT_LABELS } from '../src/exporter/catalog/flow-catalog.js'
import { type Board, CHOSEN, FROM_CHOSEN, type Row, TO_CHOSEN } from './board.js'
import { pairTable } from './pair-table.js'
import { lines, type Panel } from './panel.js'
import { buckets, is, join, rename, sum, sumCountRate, sumOf, sumRate } from './promql.js'
import type { Vocabulary } from './vocabulary.js'

/** The board's uid, for links from other boards. */
export function workloadUid({ key }: Vocabulary): string {
  return key === 'weir' ? 'weir-workload' : 'weir-hubble-workload'
}

export function workload(vocabulary: Vocabulary): Board {
  const isWeir = vocabulary.key === 'weir'
  return {
    uid: workloadUid(vocabulary),
    title: `${vocabulary.title} / Namespace and workload`,
    description: 'What does a namespace or workload talk to, how much, how fast, and what goes wrong?',
    vocabulary,
    workloads: true,
    rows: [
      graph(vocabulary),
      traffic(vocabulary),
      peers(vocabulary),
      ...(isWeir ? [connections(), latencies()] : []),
      drops(vocabulary),
    ],
  }
}

/** Traffic per second from the selected workloads: bytes if the vocabulary has them, else flows. */
function sent(v: Vocabulary, by: readonly (typeof ENDPOINT_LABELS)[number][]): string {
  if (v.key === 'hubble') return v.sent.rate(CHOSEN, by, FROM_CHOSEN)
  return sumRate(CHOSEN, M.flowBytes, by, { reporter: is('source'), ...FROM_CHOSEN })
}

/** Traffic per second to the selected workloads. */
function received(v: Vocabulary, by: readonly (typeof ENDPOINT_LABELS)[number][]): string {
  if (v.key === 'hubble') return v.received.rate(CHOSEN, by, TO_CHOSEN)
  return sumRate(CHOSEN, M.flowBytes, by, { reporter: is('destination'), ...TO_CHOSEN })
}

function graph(v: Vocabulary): Row {
  return {
    title: 'Traffic graph',
    panels: [
      {
        kind: 'graph',
        title: 'Workloads',
        question: 'Which workloads do the selected ones send to, and how much? An arrow points to the receiver.',
        unit: v.key === 'weir' ? 'Bps' : v.unit,
        width: 24,
        targets: [{ expr: nodes(v) }, { expr: edges(v) }],
      },
    ],
  }
}

/** One node per source or destination workload: `id` is namespace/workload; `title` and `subtitle` are shown. */
function nodes(v: Vocabulary): string {
  const from = rename(rename(sent(v, ENDPOINT_LABELS), 'source_workload', 'title'), 'source_namespace', 'subtitle')
  const to = rename(
    rename(sent(v, ENDPOINT_LABELS), 'destination_workload', 'title'),
    'destination_namespace',
    'subtitle',
  )
  return join(sum(['title', 'subtitle'], `${from} or ${to}`), 'id', '/', ['subtitle', 'title'])
}

function edges(v: Vocabulary): string {
  const pairs = join(
    join(sent(v, ENDPOINT_LABELS), 'source', '/', ['source_namespace', 'source_workload']),
    'target',
    '/',
    ['destination_namespace', 'destination_workload'],
  )
  return join(sum(['source', 'target'], pairs), 'id', ' ', ['source', 'target'])
}

function traffic(v: Vocabulary): Row {
  const unit = v.key === 'weir' ? 'Bps' : v.unit
  return {
    title: 'Traffic',
    panels: [
      {
        kind: 'lines',
        title: 'Sent by destination',
        question: 'Which destinations do the selected workloads send to?',
        unit,
        stack: true,
        targets: [
          {
            expr: sent(v, ['destination_namespace', 'destination_workload']),
            legend: '{{destination_namespace}}/{{destination_workload}}',
          },
        ],
      },
      {
        kind: 'lines',
        title: 'Received by source',
        question: 'Which sources do the selected workloads receive from?',
        unit,
        stack: true,
        targets: [
          {
            expr: received(v, ['source_namespace', 'source_workload']),
            legend: '{{source_namespace}}/{{source_workload}}',
          },
        ],
      },
      lines('Sent by protocol', 'Which protocols do the selected workloads use?', v.unit, {
        expr: v.sent.rate(CHOSEN, ['protocol'], FROM_CHOSEN),
        legend: '{{protocol}}',
      }),
      lines('TCP flags sent', 'How many connections do they open (SYN) and close (FIN, RST)?', 'pps', {
        expr: v.flags.rate(CHOSEN, ['flag'], FROM_CHOSEN),
        legend: '{{flag}}',
      }),
      lines('ICMP sent', 'Which ICMP messages do they send, and do any report errors?', 'pps', {
        expr: v.icmp.rate(CHOSEN, ['type'], FROM_CHOSEN),
        legend: '{{type}}',
      }),
      ...(v.key === 'weir' ? [packetSizes()] : []),
    ],
  }
}

function packetSizes(): Panel {
  return {
    kind: 'heatmap',
    title: 'Packet sizes sent',
    question: 'How large are the packets that they send?',
    unit: 'bytes',
    targets: [{ expr: buckets(CHOSEN, M.packetSize, [], { reporter: is('source'), ...FROM_CHOSEN }) }],
  }
}

function peers(v: Vocabulary): Row {
  return {
    title: 'Peers',
    panels: [
      pairTable({
        title: 'Workload pairs',
        question: 'How much do the selected workloads send to each peer?',
        unit: v.key === 'weir' ? 'Bps' : v.unit,
        width: 24,
        expr: sent(v, ENDPOINT_LABELS),
        value: v.key === 'weir' ? 'Bytes per second' : 'Flows per second',
      }),
    ],
  }
}

function connections(): Row {
  const from = { reporter: is('source'), ...FROM_CHOSEN }
  return {
    title: 'Connections',
    panels: [
      lines('Opened by destination', 'Which destinations do they open connections to?', 'cps', {
        expr: sumRate(CHOSEN, M.connectionsOpened, ['destination_namespace', 'destination_workload'], from),
        legend: '{{destination_namespace}}/{{destination_workload}}',
      }),
      lines('Closed by reason', 'Do connections close in order (fin), by reset, or by timeout?', 'cps', {
        expr: sumRate(CHOSEN, M.connectionsClosed, ['reason'], from),
        legend: '{{reason}}',
      }),
      lines('Open now', 'How many of their connections are open?', 'short', {
        expr: sumOf(CHOSEN, M.connectionsActive, ['destination_namespace', 'destination_workload'], from),
        legend: '{{destination_namespace}}/{{destination_workload}}',
      }),
      lines(
        'Closed by destination',
        'How many connections closed? The heatmaps below show their duration and size.',
        'cps',
        {
          expr: sumCountRate(CHOSEN, M.connectionDuration, ['destination_workload'], from),
          legend: '{{destination_workload}}',
        },
      ),
    ],
  }
}

function latencies(): Row {
  const from = { reporter: is('source'), ...FROM_CHOSEN }
  return {
    title: 'Latencies',
    panels: [
      heat('Handshakes', 'How long does a TCP handshake take?', 's', buckets(CHOSEN, M.tcpHandshake, [], from)),
      heat(
        'Connection durations',
        'How long do connections last?',
        's',
        buckets(CHOSEN, M.connectionDuration, [], from),
      ),
      heat(
        'Bytes per connection',
        'How many bytes does a connection carry?',
        'bytes',
        buckets(CHOSEN, M.connectionBytes, [], from),
      ),
    ],
  }
}

function drops(v: Vocabulary): Row {
  return {
    title: 'Drops',
    panels: [
      lines('Drops of sent traffic', 'What is dropped on the way from the selected workloads, and why?', v.unit, {
        expr: v.drops.rate(CHOSEN, ['destination_namespace', 'destination_workload', 'reason'], FROM_CHOSEN),
        legend: '{{destination_namespace}}/{{destination_workload}} {{reason}}',
      }),
      lines('Drops of received traffic', 'What is dropped on the way to the selected workloads, and why?', v.unit, {
        expr: v.drops.rate(CHOSEN, ['source_namespace', 'source_workload', 'reason'], TO_CHOSEN),
        legend: '{{source_namespace}}/{{source_workload}} {{reason}}',
      }),
    ],
  }
}

function heat(title: string, question: string, unit: string, expr: string): Panel {
  return { kind: 'heatmap', title, question, unit, width: 8, targets: [{ expr }] }
}
