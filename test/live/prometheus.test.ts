/**
 * prometheus.test.ts - what a real Prometheus stores is what was sent; many scrapers at once disturb nothing.
 */
import t, { type Test } from 'tap'
import type { Lab } from '../../src/lab/lab.js'
import { quiet } from '../../src/lab/links.js'
import { ping } from '../../src/lab/traffic.js'
import { startPrometheus } from '../support/prometheus.js'
import { promtool } from '../support/promtool.js'
import { Samples } from '../support/samples.js'
import { until } from '../support/until.js'
import { labOf, ROOT, watch } from '../support/watched-lab.js'
import type { WeirProcess } from '../support/weir-process.js'

const NETWORK = 63
const PORTS = [8001, 8002]
const SCRAPERS = 20
const STORM = 4000

const FLOW = { source_workload: 'a', destination_workload: 'b' } as const
const SELECTOR = 'source_workload="a",destination_workload="b"'

t.test('a real Prometheus has the exact numbers once traffic stops', ROOT, async t => {
  const lab = await labOf(t, ['prometheus/a', 'prometheus/b'], { network: NETWORK })
  const [a, b] = [lab.pod('a'), lab.pod('b')]
  await b.agent.call('tcpServe', { ports: PORTS })
  await b.agent.call('udpServe', { port: 9000, answer: 'echo' })
  const weir = await watch(t, lab)
  const prometheus = await startPrometheus(t, weir.url)
  await until('the target is up', async () => (await prometheus.target()).health === 'up')
  const before = await lab.allCounters()
  await a.agent.call('udpSend', { host: b.ipv4, port: 9000, count: 321, size: 100, echo: true })
  await a.agent.call('tcpStorm', { host: b.ipv6, ports: PORTS, count: 50, concurrency: 5 })
  t.strictSame(await ping(a, b.ipv4, { count: 7 }), { sent: 7, received: 7 })
  await settle(lab)
  const sent = (await lab.linkCounters(a)).rx.packets - before.get('a')!.rx.packets
  const sum = (more: string) => `sum(weir_flow_packets_total{${SELECTOR},verdict="FORWARDED"${more}})`
  const last = 'timestamp(weir_build_info)'
  const stopped = Date.now() / 1000
  await until('it has scraped since', async () => ((await prometheus.query(last)) ?? 0) > stopped)
  for (const reporter of ['source', 'destination']) {
    t.equal(await prometheus.query(sum(`,reporter="${reporter}"`)), sent, `packets at the ${reporter}`)
    t.equal(await prometheus.query(sum(`,reporter="${reporter}",protocol="UDP"`)), 321)
    t.equal(await prometheus.query(sum(`,reporter="${reporter}",protocol="ICMPv4"`)), 7)
    const opened = `sum(weir_connections_opened_total{${SELECTOR},protocol="TCP",reporter="${reporter}"})`
    t.equal(await prometheus.query(opened), 50)
  }
  t.strictSame(await prometheus.target(), { health: 'up', lastError: '' })
  t.strictSame(await promtool(await (await fetch(`${weir.url}/metrics`)).text()), { code: 0, output: '' })
})

t.test('promtool would find something, if there were something', ROOT, async t => {
  const found = await promtool('# TYPE weir_packets counter\nweir_packets 1\n')
  t.not(found.code, 0)
  t.match(found.output, /weir_packets/)
})

t.test(`${SCRAPERS} scrapers during a storm see whole pages that only rise, and the end is exact`, ROOT, async t => {
  const lab = await labOf(t, ['prometheus/a', 'prometheus/b'], { network: NETWORK })
  const [a, b] = [lab.pod('a'), lab.pod('b')]
  await b.agent.call('tcpServe', { ports: PORTS })
  const before = await lab.allCounters()
  const weir = await watch(t, lab, '--ring-pages', '8')
  let over = false
  const scrapers = Array.from({ length: SCRAPERS }, (_, n) => scrapeUntil(weir, () => over, n))
  const storm = { host: b.ipv4, ports: PORTS, count: STORM, concurrency: 20 }
  t.strictSame(await a.agent.call('tcpStorm', storm), { succeeded: STORM, failed: 0, errors: {} })
  over = true
  const pages = (await Promise.all(scrapers)).reduce((sum, pages) => sum + pages, 0)
  t.comment(`${pages} pages during the storm`)
  t.ok(pages > SCRAPERS, 'more than one each')
  await settle(lab)
  await checkLinks(t, lab, before, weir)
})

async function settle(lab: Lab): Promise<void> {
  await quiet(
    lab.node.netns,
    lab.pods.map(({ link }) => link),
  )
}

/** Series against the links' own counters; nothing is ignored in this lab. */
async function checkLinks(t: Test, lab: Lab, before: Awaited<ReturnType<Lab['allCounters']>>, weir: WeirProcess) {
  const page = await weir.metrics()
  const after = await lab.allCounters()
  t.equal(page.sum('weir_packets_ignored_total'), 0)
  const back = { source_workload: 'b', destination_workload: 'a' }
  for (const [name, labels, way] of [
    ['a', { ...FLOW, reporter: 'source' }, 'rx'],
    ['b', { ...FLOW, reporter: 'destination' }, 'tx'],
    ['b', { ...back, reporter: 'source' }, 'rx'],
    ['a', { ...back, reporter: 'destination' }, 'tx'],
  ] as const) {
    const carried = (what: 'packets' | 'bytes') => after.get(name)![way][what] - before.get(name)![way][what]
    t.equal(page.sum('weir_flow_packets_total', labels), carried('packets'), `${way} packets of ${name}`)
    t.equal(page.sum('weir_flow_bytes_total', labels), carried('bytes'), `${way} bytes of ${name}`)
  }
  for (const reporter of ['source', 'destination']) {
    t.equal(page.sum('weir_connections_opened_total', { ...FLOW, reporter, protocol: 'TCP' }), STORM)
    t.equal(page.sum('weir_connections_closed_total', { ...FLOW, reporter, reason: 'fin' }), STORM)
  }
  t.equal(page.sum('weir_connections_active', { protocol: 'TCP' }), 0)
}

/** Scrape by turns plain, gzipped and by HEAD; how many pages. Throws when a counter falls. */
async function scrapeUntil(weir: WeirProcess, over: () => boolean, n: number): Promise<number> {
  let pages = 0
  let last: Samples | undefined
  for (; !over(); pages++) {
    if ((n + pages) % 3 === 2) {
      const head = await fetch(`${weir.url}/metrics`, { method: 'HEAD' })
      if (!head.ok || (await head.text()) !== '') throw new Error(`HEAD: ${head.status}`)
      continue
    }
    const page = Samples.parse(await ((n + pages) % 3 === 0 ? plainPage(weir) : gzipPage(weir)))
    if (last !== undefined) mustRise(last, page)
    last = page
  }
  return pages
}

async function plainPage(weir: WeirProcess): Promise<string> {
  const response = await fetch(`${weir.url}/metrics`, { headers: { 'accept-encoding': 'identity' } })
  if (response.headers.get('content-encoding') !== null) throw new Error('encoded, and not asked to be')
  return response.text()
}

/** fetch() decompresses by itself; the header shows that the answer was compressed. */
async function gzipPage(weir: WeirProcess): Promise<string> {
  const response = await fetch(`${weir.url}/metrics`, { headers: { 'accept-encoding': 'gzip' } })
  if (response.headers.get('content-encoding') !== 'gzip') throw new Error('not gzipped')
  return response.text()
}

function mustRise(before: Samples, after: Samples): void {
  for (const name of before.names) {
    const family = name.replace(/_(bucket|count|sum)$/, '')
    const type = before.type(name) ?? before.type(family)
    if (type !== 'counter' && type !== 'histogram') continue
    for (const { labels, value } of before.series(name)) {
      const now = after.get(name, labels)
      if (now === undefined || now < value) throw new Error(`${name} ${JSON.stringify(labels)}: ${value}, then ${now}`)
    }
  }
}
