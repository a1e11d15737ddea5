/**
 * cardinality.test.ts - what families cost in series, by family and label: the numbers, and `weir metrics --dry-run`.
 */
import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import t from 'tap'
import { M } from '../../src/exporter/catalog/catalog.js'
import { cardinality, cardinalityTable, type FamilyCost } from '../../src/exporter/reduce/cardinality.js'
import { metricsConfig } from '../../src/exporter/reduce/metrics-config.js'
import { SeriesStore } from '../../src/exporter/series/series.js'

const at = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const METRIC = { name: 'weir_x_total', type: 'counter', help: 'X.', labels: ['pod', 'port'] } as const

function weir(...args: string[]) {
  const flags = ['--input-file', at('../../examples/records.pcap'), '--inventory', at('../../examples/inventory.json')]
  return spawnSync(process.execPath, [at('../../dist/cli/main.js'), 'metrics', ...flags, ...args], {
    encoding: 'utf8',
  })
}

function filled() {
  const family = new SeriesStore().family(METRIC)
  for (const [pod, port] of ['a1', 'a2', 'a3', 'b1'] as unknown as [string, string][]) family.series([pod, port])
  return family
}

t.test('a label costs what the family has less without it', async t => {
  const costs = cardinality([filled()], metricsConfig({ budgets: { weir_x_total: 3 } }))
  t.strictSame(costs, [
    {
      family: 'weir_x_total',
      series: 4,
      budget: 3,
      refused: 1,
      labels: [
        { label: 'pod', values: 2, seriesWithout: 3 },
        { label: 'port', values: 3, seriesWithout: 2 },
      ],
    },
  ])
})

t.test('the table is aligned, and has the label that saves most first', async t => {
  t.equal(
    cardinalityTable(cardinality([filled()], metricsConfig())),
    `FAMILY        SERIES  BUDGET  REFUSED
weir_x_total       4   10000        0

FAMILY        LABEL  VALUES  SERIES WITHOUT
weir_x_total  port        3               2
weir_x_total  pod         2               3
`,
  )
})

t.test('weir metrics --dry-run says what a budget would refuse of a recording', async t => {
  const { stdout, status } = weir('--dry-run', '-o', 'json', '--series.budget', '2')
  t.equal(status, 0)
  const flows = (JSON.parse(stdout) as FamilyCost[]).find(({ family }) => family === M.flowPackets.name)
  t.ok(flows !== undefined && flows.series > 2)
  t.equal(flows?.refused, (flows?.series ?? 0) - 2)
})

t.test('weir metrics has the flow families as configured', async t => {
  const off = weir('--families', JSON.stringify({ [M.flowPackets.name]: { enabled: false } })).stdout
  t.notMatch(off, /^weir_flow_packets_total\{/m)
  t.match(off, /^weir_flow_bytes_total\{/m)
  const refused = weir('--dry-run', '-o', 'xml')
  t.not(refused.status, 0)
  t.match(refused.stderr, /table, json/)
})
