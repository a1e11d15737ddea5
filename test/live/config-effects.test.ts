/**
 * config-effects.test.ts - settings of a running Weir, looked at from outside: what its help says is what happens.
 *
 * Those of a part alone are in that part's tests: OTLP, Kubernetes, the web config file, hubble_* metrics, families.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { parseInventory } from '../../src/datapath/inventory/inventory.js'
import { ObserverClient } from '../../src/hubble/api/client.js'
import { must } from '../../src/lab/process.js'
import { ping } from '../../src/lab/traffic.js'
import { liveExporter } from '../support/live-exporter.js'
import { ownFilters } from '../support/own-filters.js'
import { Samples } from '../support/samples.js'
import { socketPath } from '../support/served-flows.js'
import { until } from '../support/until.js'
import { labOf, ROOT, watch } from '../support/watched-lab.js'
import { startWeir } from '../support/weir-process.js'

const NETWORK = 89
const FLOWS = 'weir_flow_packets_total'
const BYTES = 'weir_flow_bytes_total'
const REPLAY = ['--source', 'replay:examples/records.pcap', '--inventory', 'examples/inventory.json']

t.test('addresses, paths, the buffer, budgets, namespaces and the log of a replay are as they were set', async t => {
  const file = join(t.testdir({ 'weir.yaml': '' }), 'weir.yaml')
  const budgets = `series: {budgets: {${FLOWS}: 3}}\n`
  writeFileSync(file, `${budgets}log: {level: info}\nnamespaces: {exclude: [shop]}\n`)
  const sockets = [socketPath(t), socketPath(t)].map(path => `unix://${path}`)
  const weir = await startWeir([
    ...REPLAY,
    ...['--config.file', file, '--log.format', 'json', '--flow-buffer', '15'],
    ...['--cidr-group', 'office=192.168.0.0/16,2001:4860::/32'],
    ...['--web.listen-address', '[::1]:0', '--web.telemetry-path', '/flows/page', '--web.enable-lifecycle'],
    ...sockets.flatMap(socket => ['--hubble.listen-address', socket]),
  ])
  t.teardown(() => weir.stop('SIGKILL'))
  const lines = () =>
    weir
      .stderr()
      .trim()
      .split('\n')
      .map(line => JSON.parse(line) as { readonly msg: string; readonly url?: string; readonly level: string })
  const urls = lines().flatMap(({ msg, url }) => (msg === 'listening' && url !== undefined ? [url] : []))
  t.match(urls, [/^http:\/\/127\.0\.0\.1:/, /^http:\/\/\[::1\]:/])
  for (const url of urls) {
    t.equal((await fetch(`${url}/metrics`)).status, 404)
    const page = Samples.parse(await (await fetch(`${url}/flows/page`)).text())
    t.equal(page.get('weir_series_budget', { family: FLOWS }), 3, 'the budget of this family')
    t.ok((page.get('weir_series_budget', { family: BYTES }) ?? 0) > 3, 'and of no other')
    t.notOk(
      page.series(BYTES).some(({ labels }) => inShop(labels)),
      'no series of the excluded namespace',
    )
    t.ok(page.sum(BYTES, { destination_workload: 'office' }) > 0, 'a group of prefixes has its name')
    t.ok((page.sum('weir_excluded_packets_total') ?? 0) > 0, 'the rest is counted as left out')
  }
  for (const socket of sockets) {
    const client = await ObserverClient.connect(socket)
    t.match(await client.serverStatus(), { num_flows: '15', max_flows: '15' }, 'as many flows as the buffer holds')
    client.close()
  }
  await t.test('the level of the log, changed while it runs', async t => {
    const reload = async (text: string) => {
      writeFileSync(file, text)
      return (await fetch(`${weir.url}/-/reload`, { method: 'POST' })).status
    }
    t.equal(await reload('log: {level: error}\n'), 200)
    const before = lines().length
    t.equal(await reload('log: {level: error}\nseries: {budget: 77}\n'), 200)
    t.equal(await reload('series: {budget: many}\n'), 500)
    t.strictSame(
      lines()
        .slice(before)
        .map(({ level }) => level),
      ['error'],
      'an applied reload is logged at a lower level, a refused one is not',
    )
  })
})

function inShop({ source_namespace: source, destination_namespace: destination }: Readonly<Record<string, string>>) {
  return source === 'shop' || destination === 'shop'
}

t.test('interfaces, uplinks, attachment, ring and table of a live source are as they were set', ROOT, async t => {
  const lab = await labOf(t, ['effects/a', 'effects/b', 'effects/c'], { network: NETWORK })
  const [a, b, c] = ['a', 'b', 'c'].map(name => lab.pod(name))
  const weir = await watch(
    t,
    lab,
    ...['--interfaces', `${a!.link.slice(0, -1)}[${a!.link.at(-1)}]`, '--uplinks', c!.link, '--attach', 'tc'],
    ...['--ring-pages', '8', '--connections', '1000', '--identities', '2048'],
  )
  const page = await weir.metrics()
  t.equal(page.get('weir_interfaces_watched', { hook: 'pod' }), 1)
  t.equal(page.get('weir_interfaces_watched', { hook: 'uplink' }), 1)
  t.equal(page.get('weir_connection_table_limit'), 1000)
  const filters = await ownFilters(lab)
  t.strictSame([...new Set(filters.map(({ link }) => link))].sort(), [a!.link, c!.link].sort(), 'and not b')
  t.strictSame(
    [...new Set(filters.map(({ hook }) => hook))].sort(),
    ['clsact/egress', 'clsact/ingress'],
    'by tc, not by TCX',
  )
  const pageBytes = Number(await must(['getconf', 'PAGESIZE']))
  const rings = readFileSync(`/proc/${weir.pid}/maps`, 'utf8')
    .split('\n')
    .filter(line => line.includes('[perf_event]'))
    .map(line => line.split(/[\s-]/))
    .map(([from, to]) => (Number.parseInt(to!, 16) - Number.parseInt(from!, 16)) / pageBytes)
  t.ok(rings.length > 0)
  t.strictSame([...new Set(rings)], [9], 'the pages of each ring, and the header page of the kernel')
  t.match(rooms(weir.pid), { 1000: 1, 2048: 2 }, 'one table of connections, one of addresses and one of prefixes')
  const sent = await ping(b!, c!.ipv4, { count: 2 })
  t.strictSame(sent, { sent: 2, received: 2 })
  const after = await weir.metrics()
  t.equal(after.sum(FLOWS, { source_workload: 'b', reporter: 'source' }), 0, 'no program is attached to b')
})

/** How many of a process's tables in the kernel have room for so many entries. */
function rooms(pid: number): Record<string, number> {
  const found: Record<string, number> = {}
  for (const fd of readdirSync(`/proc/${pid}/fdinfo`)) {
    const room = /^max_entries:\s*(\d+)$/m.exec(readFileSync(`/proc/${pid}/fdinfo/${fd}`, 'utf8'))?.[1]
    if (room !== undefined) found[room] = (found[room] ?? 0) + 1
  }
  return found
}

t.test('counts leave the kernel at the report interval, records at the drain interval', ROOT, async t => {
  const lab = await labOf(t, ['effects/a', 'effects/b'], { network: NETWORK })
  const [a, b] = [lab.pod('a'), lab.pod('b')]
  const inventory = parseInventory(JSON.stringify(lab.inventory()), 'the lab')
  const hour = 3_600_000
  const started = [
    { reportIntervalMs: 100, drainIntervalMs: hour },
    { reportIntervalMs: hour, drainIntervalMs: hour },
    { reportIntervalMs: hour, drainIntervalMs: 10 },
  ].map(async intervals => {
    const { exporter, live } = await liveExporter(t, lab, { inventory, ...intervals })
    live.collect() // a ring calls until it was drained once
    return exporter
  })
  const [quick, slow, draining] = await Promise.all(started)
  /** Without collecting anything. */
  const counted = ({ store }: NonNullable<typeof quick>) => {
    const family = store.families().find(({ metric }) => metric.name === FLOWS)
    return Array.from({ length: family?.size ?? 0 }, (_, row) => store.get(family!.slot(row))).reduce(
      (x, y) => x + y,
      0,
    )
  }
  t.strictSame(await ping(a, b.ipv4, { count: 3 }), { sent: 3, received: 3 })
  await until('the quick one has all packets of both sides', () => counted(quick!) >= 12)
  await until('the draining one has its first records', () => counted(draining!) > 0)
  t.equal(counted(slow!), 0, 'one that waits for an hour has nothing')
  t.ok(counted(draining!) < 12, 'and of what is only counted, the draining one has nothing')
})
