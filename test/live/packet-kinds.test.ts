/**
 * packet-kinds.test.ts - packets of every kind count under the right protocol, connection and size.
 *
 * The series have no ports: that they were read right shows in the number of connections.
 */
import t from 'tap'
import type { Pod } from '../../src/lab/pod.js'
import { must } from '../../src/lab/process.js'
import { ping } from '../../src/lab/traffic.js'
import { type Endpoints, ETHERTYPE, ethernet, ipv4, ipv6, options, PROTOCOL, tcp, udp } from '../support/ethernet.js'
import { GaugedLab, needsRoot, type Reading } from '../support/gauged-lab.js'
import { addsUp, agreesWithLinks, connectionsAddUp, flow } from '../support/ledger.js'
import { compile } from '../support/native.js'
import { sendFrames } from '../support/raw-sender.js'

const NETWORK = 82
const PODS = ['sender', 'receiver'].map(name => ({ name, namespace: 'kinds', workload: name }))
const SENT = { source_workload: 'sender', destination_workload: 'receiver' } as const
const ETHERNET = 14
const IPV4 = ETHERNET + 20
const IPV6 = ETHERNET + 40
const FRAGMENT = 8
const UDP = 8
const TAG = 4
const DATA = Buffer.alloc(50, 'weir')
const [CLIENT_PORT, SERVER_PORT] = [40_000, 9]

interface Way {
  readonly macs: Endpoints
  readonly four: Endpoints
  readonly six: Endpoints
}

function way(from: Pod, to: Pod): Way {
  return {
    macs: { src: from.podMac, dst: from.hostMac },
    four: { src: from.ipv4, dst: to.ipv4 },
    six: { src: from.ipv6, dst: to.ipv6 },
  }
}

function opened({ samples }: Reading, protocol: string, reporter = 'source'): number {
  return samples.sum('weir_connections_opened_total', { ...SENT, protocol, reporter })
}

t.test('protocols without ports are named or numbered, and cost no byte', needsRoot, async t => {
  const gauged = await GaugedLab.start(t, PODS, { network: NETWORK })
  const [sender, receiver] = [gauged.lab.pod('sender'), gauged.lab.pod('receiver')]
  const { macs, four, six } = way(sender, receiver)
  const expected = [
    ['SCTP', PROTOCOL.sctp, 3],
    ['IP_47', PROTOCOL.gre, 5],
    ['IP_253', 253, 7],
  ] as const
  for (const [, number, count] of expected) {
    const payload = udp(CLIENT_PORT, SERVER_PORT, DATA)
    await sendFrames(sender, [
      { frame: ethernet(macs, ETHERTYPE.ipv4, ipv4(four, number, payload)), count },
      { frame: ethernet(macs, ETHERTYPE.ipv6, ipv6(six, number, payload)), count },
    ])
  }
  const reading = await gauged.read()
  for (const [protocol, , count] of expected) {
    for (const reporter of ['source', 'destination']) {
      const counted = flow(reading.samples, { ...SENT, protocol, reporter })
      const bytes = count * (IPV4 + IPV6 + 2 * (UDP + DATA.length))
      t.strictSame(counted, { packets: 2 * count, bytes }, `${protocol} at the ${reporter}`)
    }
    t.equal(opened(reading, protocol), 2, `one over IPv4 and one over IPv6 of ${protocol}`)
  }
  agreesWithLinks(t, reading)
  addsUp(t, reading.samples)
})

t.test('transport headers are found behind IPv6 extensions', needsRoot, async t => {
  const gauged = await GaugedLab.start(t, PODS, { network: NETWORK })
  const [sender, receiver] = [gauged.lab.pod('sender'), gauged.lab.pod('receiver')]
  const { macs, six } = way(sender, receiver)
  const { hopByHop, destinationOptions, udp: UDP_NUMBER } = PROTOCOL
  const datagram = udp(CLIENT_PORT, SERVER_PORT, DATA)
  const plain = ipv6(six, UDP_NUMBER, datagram)
  const hop = ipv6(six, hopByHop, options(UDP_NUMBER, datagram))
  const destination = ipv6(six, destinationOptions, options(UDP_NUMBER, datagram, 4))
  const both = ipv6(six, hopByHop, options(destinationOptions, options(UDP_NUMBER, datagram, 1)))
  const other = ipv6(six, hopByHop, options(UDP_NUMBER, udp(CLIENT_PORT, SERVER_PORT + 1, DATA)))
  const segment = ipv6(six, destinationOptions, options(6, tcp(CLIENT_PORT, SERVER_PORT, 0x02)))
  const cut = ipv6(six, hopByHop, Buffer.alloc(1))
  const frames = [plain, hop, destination, both, other, segment, cut].map(packet => ({
    frame: ethernet(macs, ETHERTYPE.ipv6, packet),
    count: 3,
  }))
  await sendFrames(sender, frames)
  const reading = await gauged.read()
  const datagrams = frames.slice(0, 5)
  t.strictSame(flow(reading.samples, { ...SENT, protocol: 'UDP', reporter: 'source' }), {
    packets: 3 * datagrams.length,
    bytes: 3 * datagrams.reduce((sum, { frame }) => sum + frame.length, 0),
  })
  t.equal(opened(reading, 'UDP'), 2, 'extensions make no other connection, another port does')
  t.equal(opened(reading, 'TCP'), 1)
  t.equal(reading.samples.sum('weir_tcp_flags_total', { ...SENT, flag: 'SYN', reporter: 'source' }), 3)
  t.equal(flow(reading.samples, { ...SENT, protocol: 'IP_0', reporter: 'source' }).packets, 3, 'a cut one still counts')
  agreesWithLinks(t, reading)
  addsUp(t, reading.samples)
})

t.test('VLAN and QinQ tags are passed over', needsRoot, async t => {
  const gauged = await GaugedLab.start(t, PODS, { network: NETWORK })
  const [sender, receiver] = [gauged.lab.pod('sender'), gauged.lab.pod('receiver')]
  const { macs, four, six } = way(sender, receiver)
  const datagram = udp(CLIENT_PORT, SERVER_PORT, DATA)
  const packets = [
    [ETHERTYPE.ipv4, ipv4(four, PROTOCOL.udp, datagram)],
    [ETHERTYPE.ipv6, ipv6(six, PROTOCOL.udp, datagram)],
  ] as const
  const tags = [
    [],
    [[ETHERTYPE.vlan, 5]],
    [
      [ETHERTYPE.serviceVlan, 5],
      [ETHERTYPE.vlan, 6],
    ],
  ] as const
  const frames = packets.flatMap(([type, packet]) =>
    tags.map(tag => ({ frame: ethernet(macs, type, packet, tag), count: 4 })),
  )
  await sendFrames(sender, frames)
  const reading = await gauged.read()
  const tagged = packets.length * (tags.length - 1) * 4
  t.strictSame(flow(reading.samples, { ...SENT, reporter: 'source', protocol: 'UDP' }), {
    packets: 4 * frames.length,
    // Of an incoming frame the kernel takes the outer tag out before any program sees it.
    bytes: 4 * frames.reduce((sum, { frame }) => sum + frame.length, 0) - tagged * TAG,
  })
  t.equal(opened(reading, 'UDP'), 2, 'with or without tags it is one connection over IPv4 and one over IPv6')
  t.equal(flow(reading.samples, { ...SENT, reporter: 'destination' }).packets, 8, 'the node forwards none with a tag')
  t.equal(reading.samples.sum('weir_packets_ignored_total'), 0)
  addsUp(t, reading.samples)
})

t.test('the bytes of a VLAN tag in the metadata of the skb are not counted', needsRoot, async t => {
  const gauged = await GaugedLab.start(t, PODS, { network: NETWORK })
  const [sender, receiver] = [gauged.lab.pod('sender'), gauged.lab.pod('receiver')]
  const inside = ['tc', '-n', sender.netns]
  const object = compile(t, 'vlan')
  await must([...inside, 'qdisc', 'add', 'dev', 'eth0', 'clsact'])
  for (const priority of ['1', '2']) {
    const filter = ['filter', 'add', 'dev', 'eth0', 'egress', 'prio', priority, 'bpf', 'da', 'obj', object, 'sec', 'tc']
    await must([...inside, ...filter])
    for (const host of [receiver.ipv4, receiver.ipv6]) {
      await sender.agent.call('udpSend', { host, port: SERVER_PORT, count: 20, size: 100 })
    }
  }
  const reading = await gauged.read()
  const tagged = { packets: 80, bytes: 40 * (IPV4 + UDP + 100) + 40 * (IPV6 + UDP + 100) + 40 * TAG }
  t.strictSame(flow(reading.samples, { ...SENT, reporter: 'source', protocol: 'UDP' }), tagged)
  t.equal(opened(reading, 'UDP'), 4)
  agreesWithLinks(t, reading)
  addsUp(t, reading.samples)
})

t.test('fragments count as packets, and as one message and one connection', needsRoot, async t => {
  const gauged = await GaugedLab.start(t, PODS, { network: NETWORK })
  const [sender, receiver] = [gauged.lab.pod('sender'), gauged.lab.pod('receiver')]
  await receiver.agent.call('udpServe', { port: 4000, answer: 'none' })
  for (const host of [receiver.ipv4, receiver.ipv6]) {
    await ping(sender, host, { count: 4, size: 3000 })
    await sender.agent.call('udpSend', { host, port: 4000, count: 5, size: 4000 })
  }
  const reading = await gauged.read()
  const { samples } = reading
  for (const reporter of ['source', 'destination']) {
    const udpBytes = 5 * (3 * IPV4 + UDP + 4000) + 5 * (3 * (IPV6 + FRAGMENT) + UDP + 4000)
    t.strictSame(flow(samples, { ...SENT, reporter, protocol: 'UDP' }), { packets: 30, bytes: udpBytes })
    t.equal(opened(reading, 'UDP', reporter), 2)
    t.equal(samples.sum('weir_connections_opened_total', { reporter }), 4, 'no fragment is a connection of its own')
    for (const protocol of ['ICMPv4', 'ICMPv6']) {
      t.equal(flow(samples, { ...SENT, reporter, protocol }).packets, 12)
      t.equal(opened(reading, protocol, reporter), 1)
    }
    for (const type of ['EchoRequest', 'EchoReply']) {
      t.equal(samples.sum('weir_icmp_messages_total', { reporter, type }), 8, `${type} at the ${reporter}`)
    }
    t.equal(samples.sum('weir_icmp_messages_total', { reporter }), 16, 'and no other message')
  }
  t.equal(samples.sum('weir_fragments_unknown_total'), 0)
  agreesWithLinks(t, reading)
  addsUp(t, samples)
  connectionsAddUp(t, samples)
})

t.test('a fragment without its first fragment counts without a connection', needsRoot, async t => {
  const gauged = await GaugedLab.start(t, PODS, { network: NETWORK })
  const [sender, receiver] = [gauged.lab.pod('sender'), gauged.lab.pod('receiver')]
  const { macs, four } = way(sender, receiver)
  const later = ipv4(four, PROTOCOL.udp, DATA, 100)
  await sendFrames(sender, [{ frame: ethernet(macs, ETHERTYPE.ipv4, later), count: 6 }])
  const reading = await gauged.read()
  t.equal(flow(reading.samples, { ...SENT, reporter: 'source', protocol: 'UDP' }).packets, 6)
  t.equal(opened(reading, 'UDP'), 0)
  t.equal(reading.samples.sum('weir_fragments_unknown_total'), 12, 'at both veths')
  agreesWithLinks(t, reading)
  addsUp(t, reading.samples)
})

t.test('jumbo frames fall in their size class', needsRoot, async t => {
  const gauged = await GaugedLab.start(t, PODS, { network: NETWORK })
  const { lab } = gauged
  const [sender, receiver] = [lab.pod('sender'), lab.pod('receiver')]
  for (const pod of [sender, receiver]) {
    await must(['ip', '-n', pod.netns, 'link', 'set', 'eth0', 'mtu', '9000'])
    await must(['ip', '-n', lab.node.netns, 'link', 'set', pod.link, 'mtu', '9000'])
  }
  await receiver.agent.call('udpServe', { port: 4000, answer: 'none' })
  await sender.agent.call('udpSend', { host: receiver.ipv4, port: 4000, count: 9, size: 8000 })
  const reading = await gauged.read()
  const sizes = reading.samples.histogram('weir_packet_size_bytes', { ...SENT, reporter: 'destination' })
  t.strictSame(
    sizes.buckets.map(([, count]) => count),
    [0, 0, 0, 0, 0, 0, 9, 9],
  )
  t.equal(sizes.sum, 9 * (IPV4 + UDP + 8000))
  agreesWithLinks(t, reading)
})
