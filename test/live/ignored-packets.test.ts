/**
 * ignored-packets.test.ts - what is no IP, or only says that it is, is counted as ignored, by why; and stays out of the series.
 */
import t from 'tap'
import { ping } from '../../src/lab/traffic.js'
import { ETHERTYPE, ethernet, ipv4, ipv6, PROTOCOL, udp } from '../support/ethernet.js'
import { GaugedLab, needsRoot } from '../support/gauged-lab.js'
import { addsUp, agreesWithAllLinks, flow } from '../support/ledger.js'
import { sendFrames } from '../support/raw-sender.js'

const NETWORK = 83
const PODS = ['sender', 'receiver'].map(name => ({ name, namespace: 'ignored', workload: name }))

/** A copy with one byte replaced. */
function patched(bytes: Buffer, at: number, value: number): Buffer {
  const copy = Buffer.from(bytes)
  copy[at] = value
  return copy
}

t.test('frames that hold no IP packet are named by what is wrong with them', needsRoot, async t => {
  const gauged = await GaugedLab.start(t, PODS, { network: NETWORK })
  const [sender, receiver] = [gauged.lab.pod('sender'), gauged.lab.pod('receiver')]
  const macs = { src: sender.podMac, dst: sender.hostMac }
  const datagram = udp(40_000, 9, Buffer.alloc(10))
  const four = ipv4({ src: sender.ipv4, dst: receiver.ipv4 }, PROTOCOL.udp, datagram)
  const six = ipv6({ src: sender.ipv6, dst: receiver.ipv6 }, PROTOCOL.udp, datagram)
  const { ipv4: IPV4, ipv6: IPV6, local: LOCAL } = ETHERTYPE
  const length = 60
  const sent = {
    too_short: [
      ethernet(macs, IPV4, Buffer.alloc(0)),
      ethernet(macs, IPV4, four.subarray(0, 19)),
      ethernet(macs, IPV6, six.subarray(0, 39)),
    ],
    malformed: [
      ethernet(macs, IPV4, patched(four, 0, 0x55)),
      ethernet(macs, IPV4, patched(four, 0, 0x44)),
      ethernet(macs, IPV4, patched(four, 3, 19)),
      ethernet(macs, IPV6, patched(six, 0, 0x40)),
    ],
    other_ethertype: [ethernet(macs, LOCAL, Buffer.alloc(100)), ethernet(macs, length, Buffer.alloc(length))],
    arp: [],
  }
  const frames = Object.values(sent).flat()
  const whole = ethernet(macs, IPV4, four)
  await sendFrames(
    sender,
    [...frames, whole].map(frame => ({ frame, count: 3 })),
  )
  const reading = await gauged.read()
  const { samples } = reading
  for (const [why, list] of Object.entries(sent)) {
    const counted = {
      packets: samples.get('weir_packets_ignored_total', { reason: why }),
      bytes: samples.get('weir_bytes_ignored_total', { reason: why }),
    }
    t.strictSame(
      counted,
      { packets: 3 * list.length, bytes: 3 * list.reduce((sum, { length }) => sum + length, 0) },
      why,
    )
  }
  const counted = flow(samples, { source_workload: 'sender', reporter: 'source' })
  t.strictSame(counted, { packets: 3, bytes: 3 * whole.length }, 'the one that is well is in the series')
  agreesWithAllLinks(t, reading)
  addsUp(t, samples)
})

t.test('ARP is ignored, neighbour discovery is ICMPv6', needsRoot, async t => {
  const gauged = await GaugedLab.start(t, PODS, { network: NETWORK, neighbours: 'learned' })
  const [sender, receiver] = [gauged.lab.pod('sender'), gauged.lab.pod('receiver')]
  await ping(sender, receiver.ipv4, { count: 2 })
  await ping(sender, receiver.ipv6, { count: 2 })
  const reading = await gauged.read()
  const { samples } = reading
  const arp = samples.sum('weir_packets_ignored_total', { reason: 'arp' })
  t.ok(arp >= 4, 'a question and an answer on each link')
  t.equal(samples.sum('weir_bytes_ignored_total', { reason: 'arp' }), 42 * arp)
  for (const type of ['NeighborSolicitation', 'NeighborAdvertisement']) {
    t.ok(samples.sum('weir_icmp_messages_total', { type }) >= 2, type)
  }
  for (const protocol of ['ICMPv4', 'ICMPv6']) {
    const opened = samples.sum('weir_connections_opened_total', { protocol, reporter: 'source' })
    t.equal(opened, 1, `a ping is the only connection of ${protocol}`)
  }
  agreesWithAllLinks(t, reading)
  addsUp(t, samples)
})
