/**
 * dynamic.test.ts - metrics from a file: filters, changes of the file, invalid files.
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import t from 'tap'
import { render } from '../../../src/exporter/exposition/text.js'
import { ConfigError } from '../../../src/hubble/metrics/config.js'
import { DynamicConfig } from '../../../src/hubble/metrics/dynamic-config.js'
import { parseDynamic } from '../../../src/hubble/metrics/dynamic-document.js'
import { parseStatic } from '../../../src/hubble/metrics/grammar.js'
import { Hubble } from '../../../src/hubble/metrics/hubble.js'
import { compileFilters } from '../../../src/hubble/observe/filter/filter.js'
import type { FlowFilter } from '../../../src/hubble/observe/filter/flow-filter.js'
import {
  countWithoutKeys,
  decodeAll,
  differences,
  feed,
  hubbleMetrics,
  PARTS,
  parseSeries,
  recordedRecords,
  seriesOf,
} from '../../support/hubble-metrics.js'
import { Samples } from '../../support/samples.js'

const records = recordedRecords()
const parse = (text: string) =>
  parseDynamic(text, 'metrics.yaml', (include, exclude) =>
    compileFilters(include as readonly FlowFilter[], exclude as readonly FlowFilter[]),
  )
const seriesIn = (hubble: Hubble) => {
  hubble.collect()
  return parseSeries(render(...hubble.stores).toString())
}
const sum = (hubble: Hubble, name: string, labels = {}) => {
  hubble.collect()
  return Samples.parse(render(...hubble.stores).toString()).sum(name, labels)
}

t.test('a file gives the same metrics as the static list', async t => {
  const file = `
metrics:
  - name: drop
    contextOptions:
      - { name: sourceContext, values: [workload, reserved-identity] }
      - { name: labelsContext, values: [destination_ip, traffic_direction] }
  - name: flows-to-world
    contextOptions: [{ name: any-drop, values: [] }, { name: port, values: [""] }]
  - name: tcp
`
  const list =
    'drop:sourceContext=workload|reserved-identity;labelsContext=destination_ip,traffic_direction flows-to-world:any-drop;port tcp'
  const metrics = hubbleMetrics(parse(file))
  feed(metrics, records)
  t.strictSame(differences(countWithoutKeys(list, records), seriesOf(metrics)), [])
})

const FILTERS: readonly (readonly [yaml: string, keeps: string])[] = [
  ['includeFilters: [{ verdict: [DROPPED] }]', 'verdict'],
  ['excludeFilters: [{ verdict: [DROPPED, AUDIT] }]', 'all but some verdicts'],
  ['includeFilters: [{ source_pod: ["shop/"] }, { destination_pod: ["shop/", "default/app-9"] }]', 'pods'],
  ['includeFilters: [{ source_label: ["app in (app-1, app-2)"] }]', 'labels'],
  ['includeFilters: [{ destination_ip: ["10.200.0.0/16"], protocol: [tcp, icmp] }]', 'addresses'],
  ['includeFilters: [{ traffic_direction: [EGRESS], reply: [false] }]', 'directions'],
  ['includeFilters: [{ event_type: [{ type: 4, match_sub_type: true, sub_type: 3 }] }]', 'event types'],
  ['excludeFilters: [{ drop_reason_desc: [POLICY_DENIED, AUTH_REQUIRED] }]', 'drop reasons'],
  ['includeFilters: [{ tcp_flags: [{ SYN: true }, { RST: true }] }]', 'flags of the key'],
  ['includeFilters: [{ tcp_flags: [{ PSH: true }] }]', 'a flag that no key holds'],
  ['includeFilters: [{ destination_port: ["443"] }, { source_port: ["53"] }]', 'ports'],
  ['excludeFilters: [{ source_identity: [2] }, { destination_workload: [{ kind: Deployment }] }]', 'identities'],
  ['includeFilters: [{ destination_fqdn: ["*.com"] }]', 'names'],
  ['includeFilters: [{ encrypted: [true] }]', 'encryption'],
]

t.test('filters select flows, whatever the labels need', async t => {
  for (const [filters, keeps] of FILTERS) {
    const config = parse(`metrics:
  - { name: flow, ${filters} }
  - { name: port-distribution, ${filters} }
  - name: icmp`)
    const metrics = hubbleMetrics(config)
    feed(metrics, [...records, ...records.toReversed()])
    const want = countWithoutKeys(config, [...records, ...records])
    t.strictSame(differences(want, seriesOf(metrics)), [], keeps)
    t.ok(
      [...want.keys()].some(text => text.startsWith('hubble_flows_processed_total')),
      `${keeps}: some flows match`,
    )
  }
})

t.test('with a filter that no key holds, the flow of each record is made once', async t => {
  const metrics = hubbleMetrics(
    parse(`metrics:
  - { name: drop, includeFilters: [{ source_port: ["53"] }] }
  - name: flow
  - name: port-distribution`),
  )
  feed(metrics, records)
  let decoded = 0
  const count = () => void decoded++
  decodeAll(records, { trace: count, drop: count, verdict: count, capture: count, sock: count })
  t.equal(metrics.flowsMade, decoded)
})

const BAD: readonly (readonly [yaml: string, ...words: string[]])[] = [
  ['metrics: [{ name: dorp }]', 'unknown metric "dorp"'],
  ['metrics: [{ name: drop }, { name: drop }]', 'drop is given twice'],
  ['metric: []', 'metrics.yaml: unknown key "metric"', 'allowed: metrics'],
  ['metrics: { name: drop }', 'metrics.yaml: metrics: expected a list'],
  ['metrics: [drop]', 'metrics[0]: expected a map with name, contextOptions'],
  ['metrics: [{ contextOptions: [] }]', 'metrics[0]: name: expected'],
  ['metrics: [{ name: drop, includeFilter: [] }]', 'metrics[0]: unknown key "includeFilter"', 'includeFilters'],
  ['metrics: [{ name: drop, contextOptions: [{ name: source, values: [pod] }] }]', 'drop: unknown option "source"'],
  ['metrics: [{ name: drop, contextOptions: [{ name: sourceContext, values: [x] }] }]', 'unknown context "x"'],
  ['metrics: [{ name: drop, contextOptions: [{ name: sourceContext, values: [1] }] }]', '1 is not a string'],
  ['metrics: [{ name: drop, contextOptions: [{ name: sourceContext, value: pod }] }]', 'unknown key "value"'],
  [
    'metrics: [{ name: drop, includeFilters: [{ pod: [a] }] }]',
    'metrics[0] (drop)',
    'unknown filter "pod"',
    'source_pod',
  ],
  ['metrics: [{ name: drop, includeFilters: [{ source_pod: a }] }]', 'source_pod: expected a list'],
  ['metrics: [{ name: drop, excludeFilters: [{ source_port: ["70000"] }] }]', '"70000" is not a port'],
  ['metrics: [', 'metrics.yaml:1: not YAML'],
]

t.test('an invalid file is refused with the place and the word', async t => {
  for (const [yaml, ...words] of BAD) {
    let message = 'accepted'
    try {
      hubbleMetrics(parse(yaml))
    } catch (error) {
      if (!(error instanceof ConfigError)) throw error
      message = error.message
    }
    for (const word of words) t.ok(message.includes(word), `${word} in: ${message}`)
  }
})

t.test(
  'after a reload a metric with unchanged options keeps its series, a changed one restarts at 0, a removed one is gone',
  async t => {
    const hubble = new Hubble(PARTS, parseStatic('drop tcp:sourceContext=pod icmp'))
    decodeAll(records, hubble)
    const before = seriesIn(hubble)
    hubble.reconfigure(parseStatic('drop tcp:sourceContext=namespace flow'))
    const after = seriesIn(hubble)
    const of = (series: ReadonlyMap<string, number>, name: string) =>
      new Map([...series].filter(([text]) => text.startsWith(name)))
    t.strictSame(of(after, 'hubble_drop'), of(before, 'hubble_drop'))
    t.equal(of(before, 'hubble_icmp').size > 0, true)
    t.equal(after.size, of(before, 'hubble_drop').size)
    decodeAll(records, hubble)
    const drops = new Map([...of(before, 'hubble_drop')].map(([text, value]) => [text, value * 2]))
    const rest = countWithoutKeys('tcp:sourceContext=namespace flow', records)
    t.strictSame(differences(new Map([...drops, ...rest]), seriesIn(hubble)), [])
  },
)

t.test('a metric with a changed filter keeps its series', async t => {
  const drops = (filter: string) => parse(`metrics: [{ name: drop, includeFilters: [{ ${filter} }] }]`)
  const hubble = new Hubble(PARTS, drops('verdict: [DROPPED]'))
  decodeAll(records, hubble)
  const all = sum(hubble, 'hubble_drop_total')
  hubble.reconfigure(drops('verdict: [FORWARDED]'))
  decodeAll(records, hubble)
  t.equal(sum(hubble, 'hubble_drop_total'), all)
  t.ok(all > 0)
})

t.test('a refused configuration changes nothing', async t => {
  const hubble = new Hubble(PARTS, parseStatic('drop'))
  t.throws(() => hubble.reconfigure(parseStatic('drop dorp')), { message: /unknown metric "dorp"/ })
  decodeAll(records, hubble)
  t.ok(sum(hubble, 'hubble_drop_total') > 0)
})

t.test(
  'a changed file is applied; an invalid or missing file is reported and the last good one stays in force',
  async t => {
    const folder = mkdtempSync(join(tmpdir(), 'weir-hubble-'))
    t.teardown(() => rmSync(folder, { recursive: true }))
    const path = join(folder, 'metrics.yaml')
    const hubble = new Hubble(PARTS, [])
    const reported: string[] = []
    const config = new DynamicConfig(path, parse, {
      apply: metrics => hubble.reconfigure(metrics),
      onApplied: () => reported.push('applied'),
      onRefused: error => reported.push(error.message),
    })
    const look = (text?: string) => {
      if (text !== undefined) writeFileSync(path, text)
      reported.length = 0
      config.check()
      decodeAll(records, hubble)
      return reported.join()
    }
    t.match(look(), /no such file/)
    t.equal(look(), '', 'reported once')
    t.equal(look('metrics: [{ name: drop }]'), 'applied')
    const drops = sum(hubble, 'hubble_drop_total')
    t.ok(drops > 0)
    t.equal(look(), '', 'unchanged')
    t.match(look('metrics: [{ name: dorp }]'), /unknown metric "dorp"/)
    t.match(look('metrics: ['), /not YAML/)
    t.equal(sum(hubble, 'hubble_drop_total'), drops * 4, 'still counting')
    rmSync(path)
    t.match(look(), /no such file/)
    t.equal(look('metrics: [{ name: drop }]'), 'applied', 'after the file is back')
    t.equal(sum(hubble, 'hubble_drop_total'), drops * 6)
  },
)
