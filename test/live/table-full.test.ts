/**
 * table-full.test.ts - with tables that are too small, packets, bytes, flags and drops stay exact, and a metric shows which was full.
 */
import t from 'tap'
import { must } from '../../src/lab/process.js'
import { ETHERTYPE, ethernet, ipv4, ipv6, PROTOCOL, udp } from '../support/ethernet.js'
import { Firewall, FLAGS } from '../support/firewall.js'
import { GaugedLab, needsRoot } from '../support/gauged-lab.js'
import { addsUp, agreesWithLinks, flagsAgree, flow } from '../support/ledger.js'
import { sendFrames } from '../support/raw-sender.js'

const NETWORK = 85
const PODS = ['client', 'server', 'spoofed'].map(name => ({ name, namespace: 'full', workload: name }))
const PORTS = [8001, 8002, 8003]
const DATA = Buffer.alloc(64, 'weir')

t.test('TCP beyond the connection table is exact by workload', needsRoot, async t => {
  const gauged = await GaugedLab.start(t, PODS, { network: NETWORK }, ['--connections', '1000'])
  const [client, server] = [gauged.lab.pod('client'), gauged.lab.pod('server')]
  const firewall = await Firewall.start(gauged.lab, FLAGS)
  await server.agent.call('tcpServe', { ports: PORTS })
  const storm = { ports: PORTS, count: 5000, concurrency: 32 }
  t.match(await client.agent.call('tcpStorm', { ...storm, host: server.ipv4 }), { failed: 0 })
  t.match(await client.agent.call('tcpStorm', { ...storm, host: server.ipv6, close: 'reset' }), { failed: 0 })
  const reading = await gauged.read()
  const { samples } = reading
  agreesWithLinks(t, reading)
  addsUp(t, samples)
  for (const reporter of ['source', 'destination'] as const) flagsAgree(t, samples, reporter, await firewall.counts())
  const full = samples.sum('weir_connection_table_full_packets_total')
  t.ok(full > 0)
  t.ok(full < samples.sum('weir_packets_seen_total'), 'connections that fit were tracked')
  t.equal(samples.sum('weir_connection_table_limit'), 1000)
  t.ok(samples.sum('weir_connection_table_entries') <= 1000)
})

t.test('a flood from 20,000 ports beyond the connection table is exact, with its ICMP messages', needsRoot, async t => {
  const gauged = await GaugedLab.start(t, PODS, { network: NETWORK }, ['--connections', '100'])
  const [client, server] = [gauged.lab.pod('client'), gauged.lab.pod('server')]
  const macs = { src: client.podMac, dst: client.hostMac }
  const frames = Array.from({ length: 20_000 }, (_, i) => {
    const datagram = udp(10_000 + i, 9, DATA.subarray(0, i % 64))
    if (i % 2 === 0)
      return ethernet(macs, ETHERTYPE.ipv4, ipv4(addresses(client.ipv4, server.ipv4), PROTOCOL.udp, datagram))
    return ethernet(macs, ETHERTYPE.ipv6, ipv6(addresses(client.ipv6, server.ipv6), PROTOCOL.udp, datagram))
  })
  await sendFrames(
    client,
    frames.map(frame => ({ frame })),
  )
  const reading = await gauged.read()
  const { samples } = reading
  for (const reporter of ['source', 'destination'] as const) {
    const counted = flow(samples, { source_workload: 'client', protocol: 'UDP', reporter, verdict: 'FORWARDED' })
    t.strictSame(counted, { packets: 20_000, bytes: frames.reduce((sum, { length }) => sum + length, 0) }, reporter)
    const icmp = ['ICMPv4', 'ICMPv6'].reduce((sum, protocol) => {
      return sum + flow(samples, { source_workload: 'server', protocol, reporter, verdict: 'FORWARDED' }).packets
    }, 0)
    t.ok(icmp > 0, 'port unreachable')
    t.equal(samples.sum('weir_icmp_messages_total', { reporter, type: 'DestinationUnreachable' }), icmp)
  }
  agreesWithLinks(t, reading)
  addsUp(t, samples)
  t.ok(samples.sum('weir_connection_table_full_packets_total') > 39_000)
})

t.test('drops to 20,000 ports are one kind of drop, and exact', needsRoot, async t => {
  const gauged = await GaugedLab.start(t, PODS, { network: NETWORK })
  const { lab } = gauged
  const [client, server, spoofed] = [lab.pod('client'), lab.pod('server'), lab.pod('spoofed')]
  const strict = `echo 1 >/proc/sys/net/ipv4/conf/${client.link}/rp_filter`
  await must(['ip', 'netns', 'exec', lab.node.netns, 'sh', '-c', strict])
  const firewall = await Firewall.start(lab, {
    counters: ['flood'],
    chain: `type filter hook prerouting priority 0
      iifname ${client.link} meta l4proto udp counter name flood`,
  })
  const macs = { src: client.podMac, dst: client.hostMac }
  const spoof = addresses(spoofed.ipv4, server.ipv4)
  const frames = Array.from({ length: 20_000 }, (_, i) => ({
    frame: ethernet(macs, ETHERTYPE.ipv4, ipv4(spoof, PROTOCOL.udp, udp(40_000, 10_000 + i, DATA))),
    count: 2 + (i % 2),
  }))
  await sendFrames(client, frames)
  const { samples } = await gauged.read()
  const { flood } = await firewall.counts()
  t.equal(flood?.packets, 50_000)
  const reason = { reason: 'IP_RPFILTER' }
  const dropped = {
    packets: samples.sum('weir_drop_packets_total', reason),
    bytes: samples.sum('weir_drop_bytes_total', reason),
  }
  t.strictSame(dropped, flood, 'they are all that the node dropped')
  const named = samples.sum('weir_drop_packets_total', { ...reason, source_workload: 'spoofed' })
  t.equal(named, 50_000)
  t.equal(samples.sum('weir_drop_table_full_packets_total'), 0)
  addsUp(t, samples)
})

t.test('drops by a rule are exact, all of them in the drop table', needsRoot, async t => {
  const gauged = await GaugedLab.start(t, PODS, { network: NETWORK })
  const { lab } = gauged
  const [client, server] = [lab.pod('client'), lab.pod('server')]
  const firewall = await Firewall.start(lab, {
    counters: ['flood'],
    chain: `type filter hook forward priority 0
      iifname ${client.link} meta l4proto udp counter name flood drop`,
  })
  await client.agent.call('udpSend', { host: server.ipv4, port: 9000, count: 50_000, size: 200 })
  const { samples } = await gauged.read()
  const { flood } = await firewall.counts()
  t.equal(flood?.packets, 50_000)
  const rule = { reason: 'NETFILTER_DROP', source_workload: 'client', destination_workload: 'server', protocol: 'UDP' }
  const dropped = {
    packets: samples.sum('weir_drop_packets_total', rule),
    bytes: samples.sum('weir_drop_bytes_total', rule),
  }
  t.strictSame(dropped, flood)
  t.equal(samples.sum('weir_drop_table_full_packets_total'), 0)
})

function addresses(src: string, dst: string): { src: string; dst: string } {
  return { src, dst }
}
