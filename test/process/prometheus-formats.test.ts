/**
 * prometheus-formats.test.ts - every family, label and option at once: promtool finds nothing, and a real Prometheus has the same
 * series whether it reads text or OpenMetrics, and the exemplars of the latter.
 */
import { once } from 'node:events'
import { readFileSync, writeFileSync } from 'node:fs'
import { createServer as httpServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import t, { type Test } from 'tap'
import { createExporter, otherStores, updateSelf } from '../../src/agent/exporter.js'
import { loadInventory } from '../../src/datapath/inventory/inventory.js'
import { Decoder } from '../../src/datapath/record/decode.js'
import { Replay } from '../../src/datapath/source/replay.js'
import { FLOW_METRICS } from '../../src/exporter/catalog/flow-catalog.js'
import { processMetrics } from '../../src/exporter/http/process.js'
import { createServer } from '../../src/exporter/http/server.js'
import { allowedLabels } from '../../src/exporter/reduce/flow-labels.js'
import { budgetOf, metricsConfig } from '../../src/exporter/reduce/metrics-config.js'
import { parseStatic } from '../../src/hubble/metrics/grammar.js'
import { parseOpenMetrics } from '../support/openmetrics.js'
import { startPrometheus } from '../support/prometheus.js'
import { promtool } from '../support/promtool.js'
import { frame } from '../support/records.js'
import { until } from '../support/until.js'
import { traceRecord } from '../support/weir-records.js'

const EXAMPLES = fileURLToPath(new URL('../../examples/', import.meta.url))
const OPENMETRICS = 'application/openmetrics-text; version=1.0.0'
const HUBBLE =
  'drop:sourceContext=pod|ip flow:destinationContext=workload flows-to-world:any-drop;port;syn-only icmp policy sctp ' +
  'port-distribution tcp:labelsContext=source_ip,source_pod,destination_workload,traffic_direction'
/** Every family with every label that it may have, a budget that one of them exceeds. */
const EVERYTHING = metricsConfig({
  families: Object.fromEntries(
    FLOW_METRICS.map(metric => [metric.name, { enabled: true, labels: allowedLabels(metric) }]),
  ),
  budgets: { weir_flow_bytes_total: 3 },
  exemplars: true,
})
const LIFE = {
  proto: 6,
  aPort: 40_000,
  bPort: 443,
  handshakeNs: 2_000_000,
  durationNs: 3_000_000_000,
  closedBytes: 5000,
}

async function served(t: Test) {
  const exporter = createExporter(loadInventory(zoned(t)), false, { hubbleMetrics: parseStatic(HUBBLE) })
  exporter.reducer.apply(EVERYTHING)
  exporter.hubble?.setBudgets(name => budgetOf(EVERYTHING, name))
  const decoder = new Decoder()
  new Replay(`${EXAMPLES}records.pcap`).run(decoder, exporter.sink)
  const life = frame(traceRecord({ a: '10.0.0.1', b: 'fd00::2', events: [1, 0, 1, 0], initiator: 0, ...LIFE }))
  decoder.decode(life, life.length, exporter.sink)
  const server = createServer({
    telemetryPath: '/metrics',
    store: exporter.store,
    otherStores: () => otherStores(exporter),
    collect: () => updateSelf(exporter, decoder),
    processText: await processMetrics(),
    ready: () => undefined,
    status: () => [],
  })
  t.teardown(() => server.close(0))
  const url = await server.listen('127.0.0.1:0')
  // Metrics about a page are on the next page.
  await (await fetch(`${url}/metrics`)).text()
  return url
}

/** The world of the records, with a zone for each endpoint: what stays in a zone is in no family of zones. */
function zoned(t: Test): string {
  const inventory = JSON.parse(readFileSync(`${EXAMPLES}inventory.json`, 'utf8')) as { endpoints: { zone?: string }[] }
  for (const [i, endpoint] of inventory.endpoints.entries()) endpoint.zone = `zone-${i % 3}`
  const file = join(t.testdir({}), 'inventory.json')
  writeFileSync(file, JSON.stringify(inventory))
  return file
}

/** The page as text, whoever asks: nothing counts meanwhile, so it is the same for the whole test. */
async function textOnly(t: Test, url: string): Promise<string> {
  const page = await fetch(`${url}/metrics`, { headers: { accept: 'text/plain' } })
  const [type, body] = [page.headers.get('content-type') ?? '', Buffer.from(await page.arrayBuffer())]
  const server = httpServer((_, response) => {
    response.setHeader('content-type', type)
    response.end(body)
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

t.test('promtool has nothing to say of a page with everything on it, and OpenMetrics is strict', async t => {
  const url = await served(t)
  const text = await (await fetch(`${url}/metrics`, { headers: { accept: 'text/plain' } })).text()
  for (const { name } of FLOW_METRICS) t.ok(text.includes(`# TYPE ${name} `), name)
  t.match(text, /hubble_flows_to_world_total\{/)
  t.match(text, /otel_metric_overflow="true"/)
  t.strictSame(await promtool(text), { code: 0, output: '' })
  const open = await (await fetch(`${url}/metrics`, { headers: { accept: OPENMETRICS } })).text()
  const families = parseOpenMetrics(open)
  // A first collection of garbage between the two adds a family.
  const lasting = (names: readonly string[]) => names.filter(name => name !== 'nodejs_gc_duration_seconds').sort()
  t.strictSame(
    lasting(families.map(({ name, type }) => `${name}${type === 'counter' ? '_total' : ''}`)),
    lasting([...text.matchAll(/^# TYPE (\S+) /gm)].map(([, name = '']) => name)),
    'the same families',
  )
  t.ok(families.some(({ samples }) => samples.some(({ exemplar }) => exemplar !== undefined)))
})

t.test('a real Prometheus has the same series of both formats, and the exemplars', { timeout: 90_000 }, async t => {
  const url = await served(t)
  const prometheus = await startPrometheus(
    t,
    url,
    { format: 'openmetrics' },
    {
      targets: [{ url: await textOnly(t, url), labels: { format: 'text' } }],
      flags: ['--enable-feature=exemplar-storage'],
    },
  )
  await until('both are up', async () => (await prometheus.query('sum(up)')) === 2)
  const began = Date.now() / 1000
  // A scrape that fails on a busy machine removes the series of its target until the next one.
  const scraped = `count(timestamp(weir_build_info) > ${began})`
  await until('both have been scraped since', async () => (await prometheus.query(scraped)) === 2)
  const of = async (format: string) => {
    const found = await prometheus.series(`{format="${format}",__name__=~"(weir|hubble)_.+"}`)
    return found
      .filter(({ labels }) => !/_created$|^weir_stage_seconds/.test(labels.__name__ ?? ''))
      .map(
        ({ labels: { instance: _, job: __, format: ___, ...labels }, value }) =>
          `${JSON.stringify(Object.entries(labels).sort())} ${value}`,
      )
      .sort()
  }
  const [text, open] = [await of('text'), await of('openmetrics')]
  t.ok(text.length > 1000, `${text.length} series`)
  t.strictSame(difference(open, text), { missing: [], more: [] })
  t.equal(await prometheus.query('count({format="text",__name__=~".+_created"})'), undefined)
  t.ok(((await prometheus.query('count({format="openmetrics",__name__=~"weir_.+_created"})')) ?? 0) > 100)
  const [handshake, ...others] = await prometheus.exemplars('weir_tcp_handshake_seconds_bucket{format="openmetrics"}')
  t.match(handshake, { labels: { source: '10.0.0.1:40000', destination: '[fd00::2]:443' }, value: 0.002 })
  t.match(handshake?.series.le, /^0\.0025$/)
  t.strictSame(others, [])
  t.strictSame(await prometheus.exemplars('{format="text"}'), [])
})

function difference(all: readonly string[], of: readonly string[]) {
  const [here, there] = [new Set(all), new Set(of)]
  return {
    missing: of.filter(line => !here.has(line)).slice(0, 10),
    more: all.filter(line => !there.has(line)).slice(0, 10),
  }
}
