/**
 * exact.test.ts - series equal what was sent: packets, bytes, connections, flags, messages, sizes and drops.
 *
 * One lab, one round of traffic of every kind, one scrape; then each behaviour is compared with an independent count:
 * what the sender says, the links' own counters, the pods' SNMP counters, nftables' counters.
 */
import t, { type Test } from 'tap'
import type { Pod } from '../../src/lab/pod.js'
import { bulk, ping } from '../../src/lab/traffic.js'
import { type Chain, type Count, Firewall, FLAGS } from '../support/firewall.js'
import { GaugedLab, needsRoot, type Reading } from '../support/gauged-lab.js'
import { addsUp, agreesWithLinks, connectionsAddUp, flagsAgree, flow, reportersAgree } from '../support/ledger.js'
import type { Labels, Samples } from '../support/samples.js'

const NETWORK = 81
const NAMESPACE = 'exact'
const PODS = ['web', 'api', 'database', 'dns', 'blocked'].map(name => ({ name, namespace: NAMESPACE, workload: name }))
const ETHERNET = 14
const IPV4 = ETHERNET + 20
const IPV6 = ETHERNET + 40
const UDP = 8
const ICMP = 8
const NONE = { packets: 0, bytes: 0 } as const
const VETHS = ['source', 'destination'] as const

const FIN_CLOSED = 50
const RESET = 40
const REFUSED = 10
const STORM = FIN_CLOSED + RESET + REFUSED

type Pair = readonly [source: string, destination: string]

function pair([source, destination]: Pair): Labels {
  return {
    source_namespace: NAMESPACE,
    source_workload: source,
    destination_namespace: NAMESPACE,
    destination_workload: destination,
  }
}

t.test('a lab after traffic of every kind', needsRoot, async t => {
  const gauged = await GaugedLab.start(t, PODS, { network: NETWORK })
  const { lab } = gauged
  const firewall = await Firewall.start(lab, FLAGS, BLOCKED(lab.pod('blocked'), lab.pod('database')))
  const unreachable = await traffic(gauged)
  const reading = await gauged.read()
  const counts = await firewall.counts()
  const { samples } = reading

  t.test('every packet and byte of a pod is in the series of its workload', async t => {
    agreesWithLinks(t, reading)
    addsUp(t, samples)
    t.equal(samples.sum('weir_packets_ignored_total'), 0)
    t.equal(samples.sum('weir_overflows_total') + samples.sum('weir_unnamed_packets_total'), 0)
  })
  t.test('both reporters count the same packets where the node dropped none', async t => reportersAgree(t, samples))
  t.test('datagrams are as many and as large as were sent', async t => datagrams(t, samples))
  t.test('messages are counted by type', async t => messages(t, samples, unreachable))
  t.test('connections open, close and end as they did', async t => connections(t, samples))
  t.test('a bulk transfer is counted as the segments that the links carried', async t => bulkTransfer(t, reading))
  t.test('segments with SYN, SYN-ACK, FIN and RST are as many as nftables counts', async t => {
    flagsAgree(t, samples, 'source', counts)
    flagsAgree(t, samples, 'destination', counts, counts.tcp4?.packets)
  })
  t.test('drops are what nftables dropped, by reason and by pair', async t => drops(t, samples, counts))
})

/** Resolves with the ICMP errors that `web` says it sent. */
async function traffic({ lab }: GaugedLab): Promise<{ v4: number; v6: number }> {
  const [web, api, database, dns, blocked] = ['web', 'api', 'database', 'dns', 'blocked'].map(name => lab.pod(name))
  if (!web || !api || !database || !dns || !blocked) throw new Error('a pod is missing')
  await dns.agent.call('udpServe', { port: 53, answer: 'echo' })
  await web.agent.call('udpSend', { host: dns.ipv4, port: 53, count: 300, size: 100, echo: true })
  await web.agent.call('udpSend', { host: dns.ipv6, port: 53, count: 200, size: 700, echo: true })
  await api.agent.call('tcpServe', { ports: [8001, 8002] })
  const storm = { ports: [8001, 8002], concurrency: 8, size: 64 }
  await web.agent.call('tcpStorm', { ...storm, host: api.ipv4, count: FIN_CLOSED })
  await web.agent.call('tcpStorm', { ...storm, host: api.ipv6, count: RESET, close: 'reset' })
  await web.agent.call('tcpStorm', { ...storm, host: api.ipv4, ports: [9], count: REFUSED })
  await bulk(api, database, database.ipv4, { seconds: 1 })
  await ping(dns, api.ipv4, { count: 7 })
  await ping(dns, api.ipv6, { count: 5, size: 1000 })
  await dns.agent.call('udpSend', { host: web.ipv4, port: 9, count: 6, size: 20 })
  await dns.agent.call('udpSend', { host: web.ipv6, port: 9, count: 4, size: 20 })
  await blocked.agent.call('udpSend', { host: database.ipv4, port: 5432, count: 25, size: 300 })
  await blocked.agent.call('udpSend', { host: database.ipv6, port: 5432, count: 15, size: 500 })
  await blocked.agent.call('tcpStorm', { ...storm, host: database.ipv4, count: 2, timeoutMs: 300 })
  const { stdout } = await web.exec(['cat', '/proc/net/snmp', '/proc/net/snmp6'])
  return { v4: icmpSent(stdout, 'OutType3'), v6: Number(/Icmp6OutType1\s+(\d+)/.exec(stdout)?.[1]) }
}

/** A counter of /proc/net/snmp: a line of names, then one of values. */
function icmpSent(snmp: string, name: string): number {
  const [names = [], values = []] = [...snmp.matchAll(/^IcmpMsg: (.*)$/gm)].map(([, line = '']) => line.split(' '))
  return Number(values[names.indexOf(name)])
}

const BLOCKED = (blocked: Pod, database: Pod): Chain => ({
  counters: ['udp4', 'udp6', 'tcp4'],
  chain: `type filter hook forward priority 0
    ip saddr ${blocked.ipv4} ip daddr ${database.ipv4} meta l4proto udp counter name udp4 drop
    ip6 saddr ${blocked.ipv6} ip6 daddr ${database.ipv6} meta l4proto udp counter name udp6 drop
    ip saddr ${blocked.ipv4} ip daddr ${database.ipv4} meta l4proto tcp counter name tcp4 drop`,
})

function datagrams(t: Test, samples: Samples): void {
  const echoed = { packets: 500, bytes: 300 * (IPV4 + UDP + 100) + 200 * (IPV6 + UDP + 700) }
  const unanswered = { packets: 10, bytes: 6 * (IPV4 + UDP + 20) + 4 * (IPV6 + UDP + 20) }
  const back = { packets: echoed.packets + unanswered.packets, bytes: echoed.bytes + unanswered.bytes }
  for (const reporter of VETHS) {
    const datagrams = { reporter, protocol: 'UDP', verdict: 'FORWARDED' }
    t.strictSame(flow(samples, { ...pair(['web', 'dns']), ...datagrams }), echoed, `questions at the ${reporter}`)
    t.strictSame(flow(samples, { ...pair(['dns', 'web']), ...datagrams }), back, `answers at the ${reporter}`)
  }
}

function messages(t: Test, samples: Samples, unreachable: { v4: number; v6: number }): void {
  t.ok(unreachable.v4 > 0 && unreachable.v6 > 0, 'ports were unreachable')
  for (const reporter of VETHS) {
    const count = (ends: Pair, type: string) =>
      samples.sum('weir_icmp_messages_total', { ...pair(ends), reporter, type })
    t.equal(count(['dns', 'api'], 'EchoRequest'), 12)
    t.equal(count(['api', 'dns'], 'EchoReply'), 12)
    t.equal(count(['web', 'dns'], 'DestinationUnreachable'), unreachable.v4 + unreachable.v6)
    t.equal(samples.sum('weir_icmp_messages_total', { reporter }), 24 + unreachable.v4 + unreachable.v6, 'and no other')
    const four = { ...pair(['dns', 'api']), reporter, protocol: 'ICMPv4' }
    t.strictSame(flow(samples, four), { packets: 7, bytes: 7 * (IPV4 + ICMP + 56) })
    const six = { ...pair(['dns', 'api']), reporter, protocol: 'ICMPv6' }
    t.strictSame(flow(samples, six), { packets: 5, bytes: 5 * (IPV6 + ICMP + 1000) })
  }
}

function connections(t: Test, samples: Samples): void {
  connectionsAddUp(t, samples)
  t.equal(samples.sum('weir_connections_active', { protocol: 'TCP', reporter: 'destination' }), 0, 'no TCP is open')
  for (const reporter of VETHS) {
    const opened = (ends: Pair, protocol: string) =>
      samples.sum('weir_connections_opened_total', { ...pair(ends), reporter, protocol })
    t.equal(opened(['web', 'api'], 'TCP'), STORM)
    t.equal(opened(['api', 'database'], 'TCP'), 2, 'iperf3 has one for its data and one for control')
    t.equal(opened(['web', 'dns'], 'UDP'), 2)
    t.equal(opened(['dns', 'web'], 'UDP'), 2)
    t.equal(opened(['dns', 'api'], 'ICMPv4'), 1, 'a ping is one connection, whatever the number of requests')
    t.equal(opened(['dns', 'api'], 'ICMPv6'), 1)
    const storm = { ...pair(['web', 'api']), reporter }
    const closed = (reason: string) =>
      samples.sum('weir_connections_closed_total', { ...storm, protocol: 'TCP', reason })
    t.strictSame([closed('fin'), closed('reset'), closed('timeout')], [FIN_CLOSED, RESET + REFUSED, 0])
    t.equal(samples.sum('weir_tcp_handshake_seconds_count', storm), FIN_CLOSED + RESET, 'a refused one has none')
    t.equal(samples.sum('weir_connection_duration_seconds_count', storm), STORM)
    t.equal(samples.sum('weir_connection_bytes_count', storm), STORM)
    t.equal(samples.sum('weir_connection_bytes_sum', storm), carriedBetween(samples, ['web', 'api'], reporter))
  }
  t.equal(samples.sum('weir_observations_lost_total'), 0)
}

/** TCP bytes of both directions at the veth of the end that reports the opener's packets. */
function carriedBetween(samples: Samples, [source, destination]: Pair, reporter: (typeof VETHS)[number]): number {
  const back = reporter === 'source' ? 'destination' : 'source'
  const there = flow(samples, { ...pair([source, destination]), reporter, protocol: 'TCP' })
  const answers = flow(samples, { ...pair([destination, source]), reporter: back, protocol: 'TCP' })
  return there.bytes + answers.bytes
}

function bulkTransfer(t: Test, { samples, links }: Reading): void {
  const { packets, bytes } = flow(samples, { ...pair(['api', 'database']), reporter: 'destination', protocol: 'TCP' })
  const got = links.get('database')?.tx
  t.strictSame(
    { packets, bytes },
    { packets: got?.packets, bytes: got?.bytes },
    'no other packets reached the database',
  )
  const large = samples.sum('weir_packet_size_bytes_bucket', { ...pair(['api', 'database']), le: '9018' })
  t.ok(large < 2 * packets, 'segments above a jumbo frame were among them')
}

function drops(
  t: Test,
  samples: Samples,
  { udp4 = NONE, udp6 = NONE, tcp4 = NONE }: Readonly<Record<string, Count>>,
): void {
  t.equal(udp4.packets, 25)
  t.equal(udp6.packets, 15)
  t.ok(tcp4.packets > 0)
  const udp = { packets: udp4.packets + udp6.packets, bytes: udp4.bytes + udp6.bytes }
  for (const [protocol, expected] of [
    ['UDP', udp],
    ['TCP', tcp4],
  ] as const) {
    const labels = { ...pair(['blocked', 'database']), reporter: 'node', protocol }
    const dropped = { ...labels, reason: 'NETFILTER_DROP' }
    const packets = samples.sum('weir_drop_packets_total', dropped)
    t.strictSame({ packets, bytes: samples.sum('weir_drop_bytes_total', dropped) }, expected, protocol)
    t.strictSame(flow(samples, { ...labels, verdict: 'DROPPED' }), expected, `${protocol}, as a verdict`)
  }
  const all = { source_namespace: NAMESPACE, reason: 'NETFILTER_DROP' }
  t.equal(samples.sum('weir_drop_packets_total', all), udp.packets + tcp4.packets, 'and nothing else was filtered')
}
