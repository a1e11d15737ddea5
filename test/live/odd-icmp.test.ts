/**
 * odd-icmp.test.ts - ICMP packets that are no message of their family count as packets, and as no message and no connection.
 *
 * BPF_PROG_TEST_RUN runs the programs on packets, in this process.
 */
import { writeFileSync } from 'node:fs'
import t, { type Test } from 'tap'
import { ETHERTYPE, ethernet, ipv4, ipv6, options } from '../support/ethernet.js'
import { needsRoot } from '../support/gauged-lab.js'
import { type InProcess, inProcess } from '../support/in-process.js'
import { addsUp, flow } from '../support/ledger.js'

const MACS = { src: '02:00:00:00:00:01', dst: '02:00:00:00:00:02' }
const FOUR = { src: '10.89.0.2', dst: '10.89.0.3' }
const SIX = { src: 'fd89::2', dst: 'fd89::3' }
const [ICMP, ICMPV6, DESTINATION_OPTIONS] = [1, 58, 60]
const ECHO4 = Buffer.from([8, 0, 0, 0, 0, 7, 0, 1, ...Buffer.alloc(24)])
const ECHO6 = Buffer.from([128, 0, 0, 0, 0, 7, 0, 1, ...Buffer.alloc(24)])
const PAIR = { source_workload: 'sender', destination_workload: 'receiver', reporter: 'source' } as const

async function start(t: Test, connections = 1000): Promise<InProcess> {
  const inventory = `${t.testdir()}/inventory.json`
  const endpoints = [0, 1].map(i => ({
    id: i + 1,
    ips: [Object.values(FOUR)[i], Object.values(SIX)[i]],
    identity: 1000 + i,
    namespace: 'icmp',
    pod: `pod-${i}`,
    workload: { kind: 'Deployment', name: i === 0 ? 'sender' : 'receiver' },
    local: true,
  }))
  writeFileSync(inventory, JSON.stringify({ endpoints }))
  const weir = await inProcess(inventory, { interfaces: ['weir-none'], connections })
  t.teardown(() => weir.stop())
  return weir
}

function four(protocol: number, payload: Uint8Array): Buffer {
  return ethernet(MACS, ETHERTYPE.ipv4, ipv4(FOUR, protocol, payload))
}

function six(next: number, payload: Uint8Array): Buffer {
  return ethernet(MACS, ETHERTYPE.ipv6, ipv6(SIX, next, payload))
}

/** As an Ethernet card pads a frame to its least length. */
function padded(frame: Buffer): Buffer {
  return Buffer.concat([frame, Buffer.alloc(Math.max(0, 60 - frame.length))])
}

const CASES = [
  ['an ICMP packet that ends at its IP header', 'ICMPv4', four(ICMP, Buffer.alloc(0))],
  [
    'an ICMP packet without a byte, padded to the least length of a frame',
    'ICMPv4',
    padded(four(ICMP, Buffer.alloc(0))),
  ],
  ['an ICMP packet of three bytes', 'ICMPv4', padded(four(ICMP, ECHO4.subarray(0, 3)))],
  ['an ICMPv6 packet without a byte', 'ICMPv6', padded(six(ICMPV6, Buffer.alloc(0)))],
  ['ICMPv6 in IPv4', 'ICMPv6', four(ICMPV6, ECHO6)],
  ['ICMP for IPv4 in IPv6', 'ICMPv4', six(ICMP, ECHO4)],
  ['ICMP for IPv4 in IPv6 behind an extension header', 'ICMPv4', six(DESTINATION_OPTIONS, options(ICMP, ECHO4))],
] as const

for (const [title, protocol, packet] of CASES) {
  t.test(`${title} is a packet and no message`, needsRoot, async t => {
    for (const connections of [1000, 1]) {
      const weir = await start(t, connections)
      if (connections === 1) weir.object.testRun('weir_from_pod', four(47, ECHO4), 1)
      weir.object.testRun('weir_from_pod', packet, 5)
      const samples = await weir.metrics()
      const where = connections === 1 ? 'in the overflow table' : 'in the connection table'
      t.strictSame(flow(samples, { ...PAIR, protocol }), { packets: 5, bytes: 5 * packet.length }, where)
      t.equal(samples.sum('weir_icmp_messages_total'), 0, where)
      t.equal(samples.sum('weir_connections_opened_total', { protocol }), 0, where)
      addsUp(t, samples)
      await weir.stop()
    }
  })
}

t.test('an echo that ends before its identifier is a message, and no connection', needsRoot, async t => {
  const weir = await start(t)
  weir.object.testRun('weir_from_pod', padded(four(ICMP, ECHO4.subarray(0, 4))), 3)
  const samples = await weir.metrics()
  t.equal(samples.sum('weir_icmp_messages_total', { ...PAIR, type: 'EchoRequest' }), 3)
  t.equal(samples.sum('weir_connections_opened_total'), 0)
})

t.test('an echo with the identifier 65535 is a message in the overflow table, too', needsRoot, async t => {
  const weir = await start(t, 1)
  weir.object.testRun('weir_from_pod', four(47, ECHO4), 1)
  const echo = Buffer.from(ECHO4)
  echo.writeUInt16BE(0xffff, 4)
  weir.object.testRun('weir_from_pod', four(ICMP, echo), 3)
  const samples = await weir.metrics()
  t.equal(samples.sum('weir_icmp_messages_total', { ...PAIR, type: 'EchoRequest' }), 3)
})
