/**
 * cilium-dashboards.test.ts - the queries of Cilium's Grafana dashboards for Hubble find data in a Prometheus that scrapes Weir.
 *
 * Titles and queries are those of cilium/cilium install/kubernetes/cilium/files/hubble/dashboards/hubble-dashboard.json
 * (46bea90) and hubble-network-overview-namespace.json (32f7e59). The other two, hubble-dns-namespace.json and
 * hubble-l7-http-metrics-by-workload.json, and the panels of DNS and HTTP here show layer 7, of which no datapath has records.
 */
import { setTimeout as sleep } from 'node:timers/promises'
import t from 'tap'
import { Lab } from '../../src/lab/lab.js'
import { ping } from '../../src/lab/traffic.js'
import { type Prometheus, startPrometheus } from '../support/prometheus.js'
import { until } from '../support/until.js'
import { podSpec, ROOT, watch } from '../support/watched-lab.js'

const NETWORK = 66
const PODS = ['shop-66/client', 'shop-66/web', 'data-66/database']
/** The node answers for these by a route, and has no such address: the world. */
const OUTSIDE = ['192.0.2.66', '2001:db8::66'] as const
const PORT = { web: 8080, dns: 53, database: 5432, closed: 9 } as const
const CONTEXT = 'sourceContext=pod|reserved-identity;destinationContext=pod|reserved-identity'
const NAMESPACES = `${CONTEXT};labelsContext=source_namespace,destination_namespace`
const METRICS = [
  ...['flow', 'drop', 'tcp', 'icmp'].map(name => `${name}:${NAMESPACES}`),
  ...[`dns:query;${CONTEXT}`, 'http', 'port-distribution', 'flows-to-world'],
].join(' ')
/** What the dashboards want of the scrape: `pod` is the exporter's. */
const TARGET = { pod: 'weir-66', cluster: 'lab' }

/** As Grafana fills them in: "All" of a variable with or without a value of its own for that, four scrapes or more. */
const VARIABLES: Readonly<Record<string, string>> = {
  $cluster: 'lab',
  $source_namespace: '.*',
  $destination_namespace: '.*',
  $__rate_interval: '15s',
}
const SELECTED =
  'cluster=~"$cluster", source_namespace=~"$source_namespace", destination_namespace=~"$destination_namespace"'
const SWAPPED =
  'cluster=~"$cluster", source_namespace=~"$destination_namespace", destination_namespace=~"$source_namespace"'

type Row = readonly [panel: string, query: string]

const METRICS_AND_MONITORING: readonly Row[] = [
  ['Flows processed Per Node, avg', 'avg(sum(rate(hubble_flows_processed_total[1m])) by (pod))'],
  ['Flows processed Per Node, min', 'min(sum(rate(hubble_flows_processed_total[1m])) by (pod))'],
  ['Flows processed Per Node, max', 'max(sum(rate(hubble_flows_processed_total[1m])) by (pod))'],
  ['Flows Types', 'sum(rate(hubble_flows_processed_total[1m])) by (pod, type)'],
  ['Trace Flow Distribution', 'sum(rate(hubble_flows_processed_total{type="Trace"}[1m])) by (pod, subtype)'],
  ['Forwarded vs Dropped', 'sum(rate(hubble_flows_processed_total[1m])) by (pod, verdict)'],
  ['Drop Reason', 'sum(rate(hubble_drop_total[1m])) by (pod, reason)'],
  ['Protocol Usage', 'sum(rate(hubble_port_distribution_total[1m])) by (pod, protocol)'],
  [
    'Top 10 Port Distribution',
    'topk(10, sum(rate(hubble_port_distribution_total{port!="0"}[1m])) by (pod, port, protocol))',
  ],
  ['TCPv4', 'sum(rate(hubble_tcp_flags_total{family="IPv4"}[1m])) by (pod, flag)'],
  ['TCPv6', 'sum(rate(hubble_tcp_flags_total{family="IPv6"}[1m])) by (pod, flag)'],
  ['Missing TCPv4 SYN-ACKs', missing('hubble_tcp_flags_total', 'IPv4', 'flag', 'SYN', 'SYN-ACK')],
  ['Missing TCPv6 SYN-ACKs', missing('hubble_tcp_flags_total', 'IPv6', 'flag', 'SYN', 'SYN-ACK')],
  ['ICMPv4', 'sum(rate(hubble_icmp_total{family="IPv4"}[1m])) by (pod, type)'],
  ['ICMPv6', 'sum(rate(hubble_icmp_total{family="IPv6"}[1m])) by (pod, type)'],
  ['Missing ICMPv4 Echo-Reply', missing('hubble_icmp_total', 'IPv4', 'type', 'EchoRequest', 'EchoReply')],
  ['Missing ICMPv6 Echo-Reply', missing('hubble_icmp_total', 'IPv6', 'type', 'EchoRequest', 'EchoReply')],
  ['Denies by Reason', 'sum(rate(hubble_drop_total{reason="POLICY_DENIED"}[1m])) by (pod, reason)'],
  ['Denied Packets by Protocol', 'sum(rate(hubble_drop_total{reason="POLICY_DENIED"}[1m])) by (pod, protocol)'],
  [
    'Top 10 Source Pods with Denied Packets',
    'topk(10, sum(rate(hubble_drop_total{reason="POLICY_DENIED"}[1m])) by (pod, source))',
  ],
  [
    'Top 10 Destination Pods with Denied Packets',
    'topk(10, sum(rate(hubble_drop_total{reason="POLICY_DENIED"}[1m])) by (pod, destination))',
  ],
]

const NETWORK_OVERVIEW: readonly Row[] = [
  ['variable cluster', 'count(cilium_version) by (cluster)'],
  ['variable source_namespace', 'count({source_namespace="shop-66"}) by (source_namespace)'],
  ['variable destination_namespace', 'count({destination_namespace="data-66"}) by (destination_namespace)'],
  ['Flows processed by type', `sum(${rate('hubble_flows_processed_total')}) by (type, subtype)`],
  ['Flows processed by verdict', `sum(${rate('hubble_flows_processed_total')}) by (verdict)`],
  ['Top 10 sources', `topk(10, sum(${rate('hubble_flows_processed_total')}) by (source))`],
  ['Top 10 destinations', `topk(10, sum(${rate('hubble_flows_processed_total')}) by (destination))`],
  ['Missing TCP SYN-ACKs', missingBySource('hubble_tcp_flags_total', 'flag="SYN"', 'flag="SYN-ACK"')],
  ['Missing ICMP Echo Replies', missingBySource('hubble_icmp_total', 'type="EchoRequest"', 'type="EchoReply"')],
  ['Network Policy drops by source', `sum(${rate('hubble_drop_total')}) by (source, reason) > 0`],
  ['Network Policy drops by destination', `sum(${rate('hubble_drop_total')}) by (destination, reason) > 0`],
]

const DASHBOARDS: Readonly<Record<string, readonly Row[]>> = {
  'Hubble Metrics and Monitoring': METRICS_AND_MONITORING,
  'Hubble / Network Overview (Namespace)': NETWORK_OVERVIEW,
}

t.test('every panel of layers 3 and 4 shows data of a live lab', ROOT, async t => {
  const lab = await shop(t)
  const weir = await watch(t, lab, '--hubble-metrics', METRICS, '--report-interval', '500ms')
  const prometheus = await startPrometheus(t, weir.url, TARGET)
  const traffic = keepTalking(lab)
  try {
    for (const [dashboard, rows] of Object.entries(DASHBOARDS)) {
      for (const [panel, query] of rows) await showsData(prometheus, `${dashboard}: ${panel}`, filled(query))
      t.pass(`${dashboard}: ${rows.length} queries`)
    }
    const world = 'sum(rate(hubble_flows_to_world_total{verdict="FORWARDED"}[1m])) by (pod, protocol) > 0'
    await showsData(prometheus, 'flows to world', world)
  } finally {
    await traffic.stop()
  }
  t.strictSame(await prometheus.values('hubble_dns_queries_total'), [], 'and what nothing counts has none')
  t.strictSame(await prometheus.target(), { health: 'up', lastError: '' })
})

t.test('an answered connection shows no missing SYN-ACK, however often it is reported', ROOT, async t => {
  const lab = await shop(t)
  const weir = await watch(t, lab, '--hubble-metrics', 'tcp flow', '--report-interval', '100ms')
  const [client, web] = [lab.pod('client'), lab.pod('web')]
  const flows = async (labels: Record<string, string>) =>
    (await weir.metrics()).sum('hubble_flows_processed_total', labels)
  const load = { host: web.ipv4, port: PORT.web, count: 300, concurrency: 1, keepAlive: true }
  const enough = async () => (await flows({ protocol: 'TCP' })) > 40
  await until('one connection was reported many times', async () => {
    await client.agent.call('httpLoad', load)
    return enough()
  })
  const page = await weir.metrics()
  const flags = (flag: string) => page.sum('hubble_tcp_flags_total', { flag })
  t.ok(flags('SYN') > 0)
  t.equal(flags('SYN-ACK'), flags('SYN'))
})

async function shop(t: Parameters<typeof watch>[0]): Promise<Lab> {
  const lab = await Lab.create(PODS.map(podSpec), { network: NETWORK })
  t.teardown(() => lab.destroy())
  for (const address of OUTSIDE) await lab.run('node', ['ip', 'route', 'add', 'local', address, 'dev', 'lo'])
  const [client, web, database] = [lab.pod('client'), lab.pod('web'), lab.pod('database')]
  await lab.nft(`table inet shop {
    chain forward {
      type filter hook forward priority filter
      ip saddr ${client.ipv4} ip daddr ${database.ipv4} drop
      ip6 saddr ${client.ipv6} ip6 daddr ${database.ipv6} drop
    }
  }`)
  await web.agent.call('httpServe', { port: PORT.web })
  await web.agent.call('udpServe', { port: PORT.dns, answer: 'dns' })
  return lab
}

/** The client talks to the web, to the world, and in vain to the database, until stop(). */
function keepTalking(lab: Lab): { stop(): Promise<void> } {
  let over = false
  const [client, web, database] = [lab.pod('client'), lab.pod('web'), lab.pod('database')]
  const round = async () => {
    const inVain = { ports: [PORT.database], count: 2, concurrency: 2, timeoutMs: 200 }
    const refused = { ports: [PORT.closed], count: 1, concurrency: 1 }
    await Promise.all([
      client.agent.call('dnsQuery', { host: web.ipv4, port: PORT.dns, names: ['web.shop.svc'] }),
      ...[web.ipv4, web.ipv6].map(host =>
        client.agent.call('httpLoad', { host, port: PORT.web, count: 1, concurrency: 1 }),
      ),
      ...[database.ipv4, database.ipv6].map(host => client.agent.call('tcpStorm', { host, ...inVain })),
      ...OUTSIDE.map(host => client.agent.call('tcpStorm', { host, ...refused })),
      ...[web.ipv4, web.ipv6].map(host => ping(client, host, { count: 1 })),
      ...[database.ipv4, database.ipv6].flatMap(host => [1, 2, 3].map(() => ping(client, host, { count: 5 }))),
    ])
  }
  const talk = async () => {
    for (; !over; await sleep(100)) await round()
  }
  const ended = talk()
  // Set by stop().
  ended.catch(() => undefined)
  return {
    stop() {
      over = true
      return ended
    },
  }
}

async function showsData(prometheus: Prometheus, panel: string, query: string): Promise<void> {
  await until(`data in ${panel}: ${query}`, async () => {
    const values = await prometheus.values(query)
    return values.some(value => !Number.isNaN(value))
  })
}

/** With each dashboard variable in its place. */
function filled(query: string): string {
  return query.replace(/\$[a-z_]+/g, name => VARIABLES[name] ?? name)
}

function rate(metric: string, selected = SELECTED, more = ''): string {
  return `rate(${metric}{${selected}${more && `, ${more}`}}[$__rate_interval])`
}

function missing(metric: string, family: string, label: string, asked: string, answer: string): string {
  const sum = (value: string) => `sum(rate(${metric}{family="${family}", ${label}="${value}"}[1m])) by (pod)`
  return `${sum(asked)} - ${sum(answer)}`
}

/** What was asked by a source less what came back to it: `source` and `destination` must name an end alike. */
function missingBySource(metric: string, asked: string, answered: string): string {
  const answers = `sum(${rate(metric, SWAPPED, answered)}) by (destination)`
  const bySource = `sum(label_replace(${answers}, "source", "$1", "destination", "(.*)")) without (destination)`
  return `sum(${rate(metric, SELECTED, asked)}) by (source) - ${bySource} > 0`
}
