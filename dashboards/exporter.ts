/**
 * exporter.ts - "is Weir healthy: does it lose anything, is it near a limit, what does it cost?"
 *
 * Out:   the board; only for Weir's own families.
 */
import { M } from '../src/exporter/catalog/catalog.js'
import type { Metric } from '../src/exporter/catalog/metric.js'
import { type Board, CHOSEN, type Row } from './board.js'
import { configurationRow } from './configuration-row.js'
import { otlpRow } from './otlp-row.js'
import { lines, type Steps } from './panel.js'
import { select, sumOf, sumRate } from './promql.js'
import { WEIR } from './vocabulary.js'

const NODE = ['node', 'instance'] as const
const OF_NODE = '{{node}} {{instance}}'
const FULL: Steps = { warn: 0.7, bad: 0.9 }
const ANY_LOSS: Steps = { warn: 0.001, bad: 1 }

export const exporter: Board = {
  uid: 'weir-exporter',
  title: 'Weir / Exporter health',
  description: 'Does Weir lose anything, is it near a limit, and what does it cost?',
  vocabulary: WEIR,
  workloads: false,
  rows: [health(), losses(), fill(), names(), cost(), configurationRow(), otlpRow()],
}

function health(): Row {
  return {
    title: 'Health',
    panels: [
      {
        kind: 'number',
        title: 'Stages down',
        question: 'How many stages of Weir fail? Zero is healthy.',
        unit: 'short',
        width: 8,
        targets: [{ expr: `count(${select(CHOSEN, M.stageUp)} == 0) or count(${select(CHOSEN, M.stageUp)}) * 0` }],
        thresholds: { warn: 1, bad: 1 },
      },
      {
        kind: 'number',
        title: 'Interfaces watched',
        question: 'How many interfaces are the BPF programs attached to?',
        unit: 'short',
        width: 8,
        targets: [{ expr: sumOf(CHOSEN, M.interfacesWatched) }],
      },
      {
        kind: 'number',
        title: 'Versions',
        question: 'How many versions of Weir run? More than one is normal only during a rollout.',
        unit: 'short',
        width: 8,
        targets: [{ expr: `count(count by (version) (${select(CHOSEN, M.buildInfo)}))` }],
        thresholds: { warn: 2, bad: 3 },
      },
      lines('Records read', 'How many records does Weir read from the kernel, by type and result?', 'cps', {
        expr: sumRate(CHOSEN, M.records, ['type', 'result']),
        legend: '{{type}} {{result}}',
      }),
      lines('Packets seen', 'How many packets pass each hook?', 'pps', {
        expr: sumRate(CHOSEN, M.packetsSeen, ['hook']),
        legend: '{{hook}}',
      }),
    ],
  }
}

function losses(): Row {
  return {
    title: 'Losses',
    panels: [
      {
        ...lines(
          'Losses by stage',
          'Is anything missing from the series? One line per kind of loss; zero means exact.',
          'cps',
          { expr: sumRate(CHOSEN, M.unnamedPackets), legend: 'packets without names' },
          { expr: sumRate(CHOSEN, M.observationsLost), legend: 'handshakes and durations overwritten' },
          { expr: sumRate(CHOSEN, M.bpfRecursionMisses), legend: 'BPF program runs refused' },
          { expr: sumRate(CHOSEN, M.bypassedConnections), legend: 'connections that bypass the interface' },
          { expr: sumRate(CHOSEN, M.decodeFaults), legend: 'records rejected by the decoder' },
          { expr: sumRate(CHOSEN, M.apiLost), legend: 'records lost by slow flow API clients' },
        ),
        thresholds: ANY_LOSS,
      },
      lines(
        'Delayed counts',
        'Is the ring or a table too small? Nothing is lost here: counts arrive later or with less detail.',
        'cps',
        { expr: sumRate(CHOSEN, M.ringFull), legend: 'records put back: ring full' },
        { expr: sumRate(CHOSEN, M.ringLost), legend: 'ring full, as counted by perf' },
        { expr: sumRate(CHOSEN, M.connectionTableFull), legend: 'packets without a connection: table full' },
        { expr: sumRate(CHOSEN, M.counterOverflows), legend: 'counts moved to the overflow table' },
        { expr: sumRate(CHOSEN, M.fragmentsUnknown), legend: 'fragments without a first fragment' },
      ),
      lines(
        'Packets ignored by reason',
        'How many packets do the programs ignore, and why: ARP, not IP, too short, malformed?',
        'pps',
        {
          expr: sumRate(CHOSEN, M.packetsIgnored, ['reason']),
          legend: '{{reason}}',
        },
        { expr: sumRate(CHOSEN, M.bytesIgnored), legend: 'bytes per second, all reasons' },
      ),
      lines(
        'Addresses without a name',
        'How many address lookups find no name?',
        'cps',
        {
          expr: sumRate(CHOSEN, M.entityMisses, NODE),
          legend: OF_NODE,
        },
        { expr: sumRate(CHOSEN, M.entityIdsReused), legend: 'entity ids reused' },
      ),
      lines('Decode faults', 'How many records does the decoder reject, and why?', 'cps', {
        expr: sumRate(CHOSEN, M.decodeFaults, ['reason']),
        legend: '{{reason}}',
      }),
      lines('Interface errors', 'On which nodes does attaching to an interface fail?', 'cps', {
        expr: sumRate(CHOSEN, M.interfaceErrors, NODE),
        legend: OF_NODE,
      }),
      lines('Attached again', 'Do other programs detach or overtake Weir, and how?', 'cps', {
        expr: sumRate(CHOSEN, M.interfaceReattached, ['reason']),
        legend: '{{reason}}',
      }),
      lines(
        'Interfaces not covered',
        'Where are packets not counted, or only after another program has seen them?',
        'short',
        { expr: sumOf(CHOSEN, M.interfacesPending), legend: 'without the programs' },
        { expr: orNone(M.interfaceBehind), legend: 'behind another program' },
        { expr: orNone(M.interfaceBypassed), legend: 'bypassed' },
        { expr: orNone(M.bridgeUplinkUnknown), legend: 'bridges with an unknown uplink' },
      ),
    ],
  }
}

/** 0 where no interface has a series. */
function orNone(metric: Metric): string {
  return `${sumOf(CHOSEN, metric)} or ${sumOf(CHOSEN, M.interfacesWatched)} * 0`
}

function fill(): Row {
  return {
    title: 'Tables and series',
    panels: [
      {
        ...lines('Connection table', 'How full is the connection table, by node?', 'percentunit', {
          expr: `${sumOf(CHOSEN, M.connectionTableEntries, NODE)} / ${sumOf(CHOSEN, M.connectionTableLimit, NODE)}`,
          legend: OF_NODE,
        }),
        thresholds: FULL,
      },
      {
        ...lines('Drop table', 'How full is the table of kinds of drop, by node?', 'percentunit', {
          expr: `${sumOf(CHOSEN, M.dropTableEntries, NODE)} / ${sumOf(CHOSEN, M.dropTableLimit, NODE)}`,
          legend: OF_NODE,
        }),
        thresholds: FULL,
      },
      lines('Series', 'How many series does each family have on the node with the most?', 'short', {
        expr: `max by (family) (${select(CHOSEN, M.seriesCount)})`,
        legend: '{{family}}',
      }),
      {
        ...lines('Series refused', 'Which families exceed their budget and count in their overflow series?', 'cps', {
          expr: sumRate(CHOSEN, M.seriesRefused, ['family']),
          legend: '{{family}}',
        }),
        thresholds: ANY_LOSS,
      },
      lines('Series expired', 'How many series are removed because they no longer change?', 'cps', {
        expr: sumRate(CHOSEN, M.seriesExpired, ['family']),
        legend: '{{family}}',
      }),
      lines('Requests refused', 'How many requests and connections does the HTTP listener refuse, and why?', 'cps', {
        expr: sumRate(CHOSEN, M.webRefused, ['reason']),
        legend: '{{reason}}',
      }),
      lines('Flow API streams', 'How many streams do clients have open?', 'short', {
        expr: sumOf(CHOSEN, M.apiStreams, NODE),
        legend: OF_NODE,
      }),
    ],
  }
}

function names(): Row {
  return {
    title: 'Names',
    panels: [
      lines('Entities', 'How many entities does Weir know, by kind?', 'short', {
        expr: `max by (kind) (${select(CHOSEN, M.entities)})`,
        legend: '{{kind}}',
      }),
      lines(
        'Deferred and renamed connections',
        'How many connections are deferred until an address has a name, and how many were renamed?',
        'short',
        { expr: sumOf(CHOSEN, M.connectionsDeferred), legend: 'deferred' },
        { expr: sumRate(CHOSEN, M.connectionsRenamed), legend: 'renamed per second' },
        { expr: sumRate(CHOSEN, M.serviceUnresolved), legend: 'Service without its backend per second' },
      ),
      {
        ...lines('IP cache', "How full are the kernel's tables of addresses and prefixes, by node?", 'percentunit', {
          expr: `${sumOf(CHOSEN, M.ipCacheEntries, NODE)} / ${sumOf(CHOSEN, M.ipCacheLimit, NODE)}`,
          legend: OF_NODE,
        }),
        thresholds: FULL,
      },
      {
        ...lines(
          'Names that did not fit',
          'Is anything without a name because a table is full?',
          'short',
          { expr: sumOf(CHOSEN, M.ipCacheMissing), legend: 'addresses missing in the kernel' },
          { expr: sumRate(CHOSEN, M.entityIdsRefused), legend: 'entities refused per second' },
        ),
        thresholds: ANY_LOSS,
      },
      {
        ...lines('Watch age', 'How long ago did the Kubernetes API last send anything, at most?', 's', {
          expr: `max by (resource) (${select(CHOSEN, M.kubernetesWatchAge)})`,
          legend: '{{resource}}',
        }),
        thresholds: { warn: 300, bad: 900 },
      },
      lines(
        'Watch events',
        'How many changes does the Kubernetes API report, and which objects are malformed?',
        'cps',
        { expr: sumRate(CHOSEN, M.kubernetesEvents, ['resource', 'type']), legend: '{{resource}} {{type}}' },
        { expr: sumRate(CHOSEN, M.kubernetesObjectsSkipped, ['resource']), legend: '{{resource}} skipped' },
      ),
      lines('Watch restarts', 'Why do lists and watches of the Kubernetes API end?', 'cps', {
        expr: sumRate(CHOSEN, M.kubernetesWatchRestarts, ['resource', 'reason']),
        legend: '{{resource}} {{reason}}',
      }),
      lines(
        'Watch state',
        'Is every resource watched (1), and are changes of names pending?',
        'short',
        { expr: `min by (resource) (${select(CHOSEN, M.kubernetesWatchUp)})`, legend: '{{resource}} watched' },
        { expr: sumOf(CHOSEN, M.kubernetesChangesPending), legend: 'changes pending' },
      ),
    ],
  }
}

function cost(): Row {
  return {
    title: 'Cost',
    panels: [
      lines('Time by stage', 'Where does Weir spend its time? One core is 100 %.', 'percentunit', {
        expr: sumRate(CHOSEN, M.stageSeconds, ['stage']),
        legend: '{{stage}}',
      }),
      lines('Time per record', 'How much time does a record take, from the ring to its series?', 's', {
        expr: `${sumRate(CHOSEN, M.stageSeconds, NODE, { stage: '=~"drain|flush"' })} / (${sumRate(CHOSEN, M.records, NODE)} > 0)`,
        legend: OF_NODE,
      }),
      lines('CPU', 'How much of a core does the process use, by node?', 'percentunit', {
        expr: `sum by (node, instance) (rate(process_cpu_seconds_total{${CHOSEN.target}}[${CHOSEN.window}]))`,
        legend: OF_NODE,
      }),
      lines('Memory', 'How much resident memory does the process use, by node?', 'bytes', {
        expr: `sum by (node, instance) (process_resident_memory_bytes{${CHOSEN.target}})`,
        legend: OF_NODE,
      }),
      lines('Scrape duration', 'How long does a scrape take, by node?', 's', {
        expr: `max by (node, instance) (scrape_duration_seconds{${CHOSEN.target}})`,
        legend: OF_NODE,
      }),
    ],
  }
}
