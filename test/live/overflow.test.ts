/**
 * overflow.test.ts - counts too high for a packed counter, and packets without an entry, are exact in the overflow table.
 *
 * BPF_PROG_TEST_RUN runs the programs on packets: on millions between two flushes, and with tables of a few entries.
 */
import { writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { ETHERTYPE, ethernet, ipv4, PROTOCOL, tcp, udp } from '../support/ethernet.js'
import { needsRoot } from '../support/gauged-lab.js'
import { type InProcess, type InProcessOptions, inProcess } from '../support/in-process.js'
import { addsUp, connectionsAddUp, flow } from '../support/ledger.js'

const MACS = { src: '02:00:00:00:00:01', dst: '02:00:00:00:00:02' }
const ADDRESSES = { src: '10.88.0.2', dst: '10.88.0.3' }
const PAIR = { source_workload: 'sender', destination_workload: 'receiver', reporter: 'source' } as const
const [ICMP, TCP] = [1, 6]
const [SYN, RST, ACK] = [0x02, 0x04, 0x10]
/** bpf/weir.h PACKED_HIGH_WATER: packets at which a packed counter moves to the overflow table. */
const HIGH_WATER = 2 ** 22
/** No interface has this name: only the test's own packets are counted. */
const NOWHERE = ['weir-none']

async function start(t: Test, options: InProcessOptions = {}): Promise<InProcess> {
  const inventory = `${t.testdir()}/inventory.json`
  const endpoints = [ADDRESSES.src, ADDRESSES.dst].map((ip, i) => ({
    id: i + 1,
    ips: [ip],
    identity: 1000 + i,
    namespace: 'overflow',
    pod: `pod-${i}`,
    workload: { kind: 'Deployment', name: i === 0 ? 'sender' : 'receiver' },
    local: true,
  }))
  writeFileSync(inventory, JSON.stringify({ endpoints }))
  const weir = await inProcess(inventory, { interfaces: NOWHERE, ...options })
  t.teardown(() => weir.stop())
  return weir
}

function frame(protocol: number, payload: Uint8Array): Buffer {
  return ethernet(MACS, ETHERTYPE.ipv4, ipv4(ADDRESSES, protocol, payload))
}

function send({ object }: InProcess, packet: Uint8Array, count = 1): void {
  object.testRun('weir_from_pod', packet, count)
}

t.test('a packed counter moves to the overflow table before it wraps', needsRoot, async t => {
  const weir = await start(t)
  const echo = Buffer.from([8, 0, 0, 0, 0, 7, 0, 1, ...Buffer.alloc(300)])
  const sent = [
    ['UDP', frame(PROTOCOL.udp, udp(1, 2, Buffer.alloc(100))), HIGH_WATER + 1000],
    ['TCP', frame(TCP, tcp(1, 2, ACK)), 2 * HIGH_WATER + 1000],
    ['ICMPv4', frame(ICMP, echo), HIGH_WATER + 2000],
  ] as const
  for (const [, packet, count] of sent) send(weir, packet, count)
  const samples = await weir.metrics()
  for (const [protocol, packet, count] of sent) {
    t.strictSame(flow(samples, { ...PAIR, protocol }), { packets: count, bytes: count * packet.length }, protocol)
  }
  t.equal(samples.sum('weir_icmp_messages_total', { ...PAIR, type: 'EchoRequest' }), HIGH_WATER + 2000)
  t.ok(samples.sum('weir_overflows_total') > 0)
  t.equal(samples.sum('weir_connection_table_full_packets_total'), 0)
  addsUp(t, samples)
})

t.test('counts of TCP flags move to the overflow table before they wrap', needsRoot, async t => {
  const weir = await start(t)
  send(weir, frame(TCP, tcp(1, 2, SYN)), 100_000)
  for (let i = 0; i < 3; i++) send(weir, frame(TCP, tcp(3, 4, SYN | ACK)), 30_000)
  const samples = await weir.metrics()
  t.equal(samples.sum('weir_tcp_flags_total', { ...PAIR, flag: 'SYN' }), 100_000)
  t.equal(samples.sum('weir_tcp_flags_total', { reporter: 'source', flag: 'SYN-ACK' }), 90_000)
  t.equal(samples.sum('weir_connections_opened_total', { reporter: 'source' }), 1, 'the other was already open')
  addsUp(t, samples)
})

t.test('a connection that opens and closes many times between two flushes counts each time', needsRoot, async t => {
  const weir = await start(t, { ringPages: 1 })
  const rounds = 5000
  for (let i = 0; i < rounds; i++) {
    send(weir, frame(TCP, tcp(1, 2, SYN)))
    send(weir, frame(TCP, tcp(1, 2, RST)))
  }
  const samples = await weir.metrics()
  t.equal(samples.sum('weir_connections_opened_total', PAIR), rounds)
  t.equal(samples.sum('weir_connections_closed_total', { ...PAIR, reason: 'reset' }), rounds)
  t.equal(samples.sum('weir_tcp_flags_total', { ...PAIR, flag: 'RST' }), rounds)
  const reported = samples.sum('weir_connection_duration_seconds_count')
  t.equal(reported + samples.sum('weir_observations_lost_total'), rounds)
  t.ok(samples.sum('weir_ring_full_total') > 0)
  connectionsAddUp(t, samples)
  addsUp(t, samples)
})

t.test('packets that do not fit the overflow table are counted without names', needsRoot, async t => {
  const weir = await start(t, { sizes: { connections: 1, overflow: 2 } })
  const packets = [PROTOCOL.udp, PROTOCOL.sctp, PROTOCOL.gre, 200, 201].map(protocol =>
    frame(protocol, udp(1, 2, Buffer.alloc(protocol))),
  )
  for (let i = 0; i < 3; i++) for (const packet of packets) send(weir, packet, 10)
  const samples = await weir.metrics()
  const bytes = packets.reduce((sum, { length }) => sum + 30 * length, 0)
  t.strictSame(flow(samples, { reporter: 'source' }), { packets: 150, bytes })
  t.strictSame(flow(samples, PAIR).packets, 90, 'one protocol has an entry, two have a place in the overflow table')
  t.strictSame(flow(samples, { reporter: 'source', protocol: 'unknown' }).packets, 60)
  t.equal(samples.sum('weir_unnamed_packets_total'), 60)
  t.equal(samples.sum('weir_connection_table_full_packets_total'), 120)
  t.equal(samples.sum('weir_packets_seen_total', { hook: 'from_pod' }), 150)
})
