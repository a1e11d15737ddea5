/**
 * drop-headers.test.ts - drops of IPv6 packets with extension headers have the protocol and the port of the packet that was sent.
 */
import t from 'tap'
import { ETHERTYPE, ethernet, ipv6, options, PROTOCOL, tcp, udp } from '../support/ethernet.js'
import { Firewall } from '../support/firewall.js'
import { GaugedLab, needsRoot } from '../support/gauged-lab.js'
import { addsUp } from '../support/ledger.js'
import { sendFrames } from '../support/raw-sender.js'

const NETWORK = 78
const PODS = ['client', 'server'].map(name => ({ name, namespace: 'headers', workload: name }))
const SYN = 0x02
const TCP = 6
const FAMILIES = '{"weir_drop_packets_total":{"labels":["source_workload","destination_workload","destination_port"]}}'

/** A first fragment (RFC 8200 section 4.5). */
function firstFragment(next: number, payload: Uint8Array): Buffer {
  const header = Buffer.from([next, 0, 0, 1, 0, 0, 0, 77])
  return Buffer.concat([header, payload])
}

t.test(
  'drops of packets with IPv6 extension headers count under the transport protocol and port',
  needsRoot,
  async t => {
    const gauged = await GaugedLab.start(t, PODS, { network: NETWORK }, ['--families', FAMILIES])
    const { lab } = gauged
    const [client, server] = [lab.pod('client'), lab.pod('server')]
    // Before conntrack, which would put fragments together.
    const firewall = await Firewall.start(lab, {
      counters: ['sent'],
      chain: `type filter hook prerouting priority -450
      iifname ${client.link} ip6 daddr ${server.ipv6} meta l4proto != icmpv6 counter name sent drop`,
    })
    const { udp: UDP, hopByHop, destinationOptions, fragment } = PROTOCOL
    const datagram = udp(41_000, 5353, Buffer.alloc(10))
    const segment = tcp(41_001, 8080, SYN)
    const packets = [
      [UDP, datagram],
      [destinationOptions, options(UDP, datagram)],
      [hopByHop, options(destinationOptions, options(UDP, datagram, 2))],
      [fragment, firstFragment(UDP, udp(41_002, 5353, Buffer.alloc(1232)))],
      [hopByHop, options(TCP, segment)],
      [TCP, segment],
    ] as const
    const macs = { src: client.podMac, dst: client.hostMac }
    const addresses = { src: client.ipv6, dst: server.ipv6 }
    await sendFrames(
      client,
      packets.map(([next, payload]) => ({
        frame: ethernet(macs, ETHERTYPE.ipv6, ipv6(addresses, next, payload)),
        count: 3,
      })),
    )
    const { samples } = await gauged.read()
    const dropped = { source_workload: 'client', destination_workload: 'server', reason: 'NETFILTER_DROP' }
    t.equal((await firewall.counts()).sent?.packets, 3 * packets.length)
    t.equal(samples.sum('weir_drop_packets_total', dropped), 3 * packets.length)
    t.equal(samples.sum('weir_drop_packets_total', { ...dropped, protocol: 'UDP', destination_port: '5353' }), 12)
    t.equal(samples.sum('weir_drop_packets_total', { ...dropped, protocol: 'TCP', destination_port: '8080' }), 6)
    addsUp(t, samples)
  },
)
