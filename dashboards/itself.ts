/**
 * itself.ts - "is Weir well: does it lose anything, is it near a limit, what does it cost?"
 *
 * Out:   the board; for Weir's own families alone.
 */
import { M } from '../src/exporter/catalog/catalog.js'
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

export const itself: Board = {
  uid: 'weir-itself',
  title: 'Weir / Weir itself',
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
        title: 'Stages that do not work',
        question: 'Does the system refuse any stage of Weir its work? Zero is well.',
        unit: 'short',
        width: 8,
        targets: [{ expr: `count(${select(CHOSEN, M.stageUp)} == 0) or count(${select(CHOSEN, M.stageUp)}) * 0` }],
        thresholds: { warn: 1, bad: 1 },
      },
      {
        kind: 'number',
        title: 'Interfaces watched',
        question: 'On how many interfaces do the programs stand?',
        unit: 'short',
        width: 8,
        targets: [{ expr: sumOf(CHOSEN, M.interfacesWatched) }],
      },
      {
        kind: 'number',
        title: 'Versions',
        question: 'How many versions run at once? More than one during a roll-out alone.',
        unit: 'short',
        width: 8,
        targets: [{ expr: `count(count by (version) (${select(CHOSEN, M.buildInfo)}))` }],
        thresholds: { warn: 2, bad: 3 },
      },
      lines('Records read', 'How many records come from the kernel, and what becomes of them?', 'cps', {
        expr: sumRate(CHOSEN, M.records, ['type', 'result']),
        legend: '{{type}} {{result}}',
      }),
      lines('Packets seen', 'How many packets does each hook see?', 'pps', {
        expr: sumRate(CHOSEN, M.packetsSeen, ['hook']),
        legend: '{{hook}}',
      }),
    ],
  }
}

function losses(): Row {
  return {
    title: 'Losses, by stage',
    panels: [
      {
        ...lines(
          'Lost or without a name',
          'Is anything missing from the series? Each line is a stage; all at zero means exact.',
          'cps',
          { expr: sumRate(CHOSEN, M.unnamedPackets), legend: 'packets without a name' },
          { expr: sumRate(CHOSEN, M.observationsLost), legend: 'handshakes and durations overwritten' },
          { expr: sumRate(CHOSEN, M.bpfRecursionMisses), legend: 'program runs refused' },
          { expr: sumRate(CHOSEN, M.decodeFaults), legend: 'records refused by the decoder' },
          { expr: sumRate(CHOSEN, M.apiLost), legend: 'records that slow readers of the API lost' },
        ),
        thresholds: ANY_LOSS,
      },
      lines(
        'Put back, and told later',
        'Is the ring or a table too small? Nothing is lost here, but counts come later or with fewer names.',
        'cps',
        { expr: sumRate(CHOSEN, M.ringFull), legend: 'records put back: ring full' },
        { expr: sumRate(CHOSEN, M.ringLost), legend: 'the same as perf counts it' },
        { expr: sumRate(CHOSEN, M.connectionTableFull), legend: 'packets without a connection: table full' },
        { expr: sumRate(CHOSEN, M.counterOverflows), legend: 'tallies moved to the spill table' },
        { expr: sumRate(CHOSEN, M.fragmentsUnknown), legend: 'fragments without their first one' },
      ),
      lines(
        'Packets not counted, and why',
        'What do the programs see that is no IP packet?',
        'pps',
        {
          expr: sumRate(CHOSEN, M.packetsIgnored, ['reason']),
          legend: '{{reason}}',
        },
        { expr: sumRate(CHOSEN, M.bytesIgnored), legend: 'bytes a second of all of them' },
      ),
      lines(
        'Addresses without a name',
        'How often is an address looked up that nobody has?',
        'cps',
        {
          expr: sumRate(CHOSEN, M.entityMisses, NODE),
          legend: OF_NODE,
        },
        { expr: sumRate(CHOSEN, M.entityIdsReused), legend: 'rows of old names given away' },
      ),
      lines('Decode faults', 'Which records can the decoder not read?', 'cps', {
        expr: sumRate(CHOSEN, M.decodeFaults, ['reason']),
        legend: '{{reason}}',
      }),
      lines('Interface errors', 'Which nodes refuse to be attached to?', 'cps', {
        expr: sumRate(CHOSEN, M.interfaceErrors, NODE),
        legend: OF_NODE,
      }),
    ],
  }
}

function fill(): Row {
  return {
    title: 'Tables and series',
    panels: [
      {
        ...lines('Connection table', 'How full is the table of connections, by node?', 'percentunit', {
          expr: `${sumOf(CHOSEN, M.connectionTableEntries, NODE)} / ${sumOf(CHOSEN, M.connectionTableLimit, NODE)}`,
          legend: OF_NODE,
        }),
        thresholds: FULL,
      },
      lines('Series', 'How many series does each family have, on the node with most?', 'short', {
        expr: `max by (family) (${select(CHOSEN, M.seriesCount)})`,
        legend: '{{family}}',
      }),
      {
        ...lines(
          'Series refused',
          'Which families are past their budget, so that their overflow series takes the rest?',
          'cps',
          {
            expr: sumRate(CHOSEN, M.seriesRefused, ['family']),
            legend: '{{family}}',
          },
        ),
        thresholds: ANY_LOSS,
      },
      lines('Series gone', 'How many series are removed because they rest?', 'cps', {
        expr: sumRate(CHOSEN, M.seriesExpired, ['family']),
        legend: '{{family}}',
      }),
      lines('Requests not served', 'Whom does the listener turn away, and why?', 'cps', {
        expr: sumRate(CHOSEN, M.webRefused, ['reason']),
        legend: '{{reason}}',
      }),
      lines('Readers of the flow API', 'How many streams do clients have open?', 'short', {
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
      lines('Known', 'What stands at the addresses that Weir knows, by kind?', 'short', {
        expr: `max by (kind) (${select(CHOSEN, M.entities)})`,
        legend: '{{kind}}',
      }),
      lines(
        'Waiting for a name',
        'How many connections wait for the name of an end, and how many got another one?',
        'short',
        { expr: sumOf(CHOSEN, M.connectionsDeferred), legend: 'waiting' },
        { expr: sumRate(CHOSEN, M.connectionsRenamed), legend: 'renamed a second' },
      ),
      {
        ...lines('Trie of addresses', "How full is the kernel's table of addresses, by node?", 'percentunit', {
          expr: `${sumOf(CHOSEN, M.ipCacheEntries, NODE)} / ${sumOf(CHOSEN, M.ipCacheLimit, NODE)}`,
          legend: OF_NODE,
        }),
        thresholds: FULL,
      },
      {
        ...lines(
          'Without room',
          'Is anything unnamed because a table of names is full?',
          'short',
          { expr: sumOf(CHOSEN, M.ipCacheMissing), legend: 'addresses missing in the kernel' },
          { expr: sumRate(CHOSEN, M.entityIdsRefused), legend: 'entities refused a second' },
        ),
        thresholds: ANY_LOSS,
      },
      {
        ...lines('Age of the watch', 'How long ago did the Kubernetes API last say anything, at most?', 's', {
          expr: `max by (resource) (${select(CHOSEN, M.kubernetesWatchAge)})`,
          legend: '{{resource}}',
        }),
        thresholds: { warn: 300, bad: 900 },
      },
      lines('Events of the watch', 'How much changes in the cluster?', 'cps', {
        expr: sumRate(CHOSEN, M.kubernetesEvents, ['resource', 'type']),
        legend: '{{resource}} {{type}}',
      }),
      lines('Watches that end', 'Why do lists and watches of the Kubernetes API end?', 'cps', {
        expr: sumRate(CHOSEN, M.kubernetesWatchRestarts, ['resource', 'reason']),
        legend: '{{resource}} {{reason}}',
      }),
      lines(
        'Watch and main thread',
        'Is every resource watched (1), and do changes of names wait?',
        'short',
        { expr: `min by (resource) (${select(CHOSEN, M.kubernetesWatchUp)})`, legend: '{{resource}} is watched' },
        { expr: sumOf(CHOSEN, M.kubernetesChangesPending), legend: 'changes waiting' },
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
      lines('Time a record', 'What does a record cost, from the ring to its series?', 's', {
        expr: `${sumRate(CHOSEN, M.stageSeconds, NODE, { stage: '=~"drain|sweep"' })} / (${sumRate(CHOSEN, M.records, NODE)} > 0)`,
        legend: OF_NODE,
      }),
      lines('Processor', 'How much of a core does the process use, by node?', 'percentunit', {
        expr: `sum by (node, instance) (rate(process_cpu_seconds_total{${CHOSEN.target}}[${CHOSEN.window}]))`,
        legend: OF_NODE,
      }),
      lines('Memory', 'How much memory does the process hold, by node?', 'bytes', {
        expr: `sum by (node, instance) (process_resident_memory_bytes{${CHOSEN.target}})`,
        legend: OF_NODE,
      }),
      lines('Scrapes', 'How long does Prometheus wait for a page, by node?', 's', {
        expr: `max by (node, instance) (scrape_duration_seconds{${CHOSEN.target}})`,
        legend: OF_NODE,
      }),
    ],
  }
}
