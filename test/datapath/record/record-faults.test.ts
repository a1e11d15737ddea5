/**
 * record-faults.test.ts - records truncated at every byte or with unknown numbers yield one flow or one counted fault.
 *
 * Lengths and versions: cilium/cilium pkg/monitor/datapath_{trace,drop,policy,sock_trace,debug}.go, 1.19.
 */
import t from 'tap'
import type { Decoder } from '../../../src/datapath/record/decode.js'
import { udp } from '../../support/ethernet.js'
import { capture, debug, drop, maker, packedSock, packet, sock, trace, verdict } from '../../support/flow-records.js'
import { monitorText } from '../../support/monitor-text.js'
import { patched } from '../../support/records.js'

const SOCKET = { point: 1, cgroup: 5000n, ip: [10, 0, 1, 2] }
/** Ethernet, IPv4 and a UDP header without data: 14, 20 and 8 bytes. */
const UDP = packet(undefined, undefined, udp(53, 53, Buffer.alloc(0)), 17)
const ETHERNET = 14
const IPV4 = 20

/** Records of a fixed part and a packet. */
const RECORDS: readonly (readonly [name: string, fixedBytes: number, record: Buffer])[] = [
  ['trace 0', 32, trace({ version: 0, packet: UDP })],
  ['trace 1', 48, trace({ version: 1, packet: UDP })],
  ['trace 2', 56, trace({ version: 2, packet: UDP })],
  ['drop 0', 36, drop({ version: 0, packet: UDP })],
  ['drop 1', 36, drop({ version: 1, packet: UDP })],
  ['drop 2', 40, drop({ version: 2, packet: UDP })],
  ['drop 3', 48, drop({ version: 3, packet: UDP })],
  ['verdict of 1.19', 40, verdict({ packet: UDP })],
]

type Faults = Decoder['faults']
const NONE: Faults = { frame: 0, short: 0, type: 0, version: 0 }

/** The flows, debug events and faults of one record. */
function result(record: Uint8Array) {
  const { feed, flows, debugs, decoder, made } = maker()
  feed(record)
  return {
    flows: flows.length,
    debugs: debugs.length,
    faults: { ...decoder.faults },
    made: { ...made.faults },
    flow: flows[0],
  }
}

t.test('a record with an incomplete fixed part is short at every length', async t => {
  for (const [name, fixedBytes, record] of RECORDS) {
    const results = Array.from({ length: fixedBytes }, (_, length) => result(record.subarray(0, length)))
    const short = { flows: 0, faults: { ...NONE, short: 1 } }
    t.strictSame(
      results.map(({ flows, faults }) => ({ flows, faults })),
      Array(fixedBytes).fill(short),
      name,
    )
  }
})

t.test('a packet truncated between headers yields a flow with the complete ones, within a header a fault', async t => {
  for (const [name, fixedBytes, record] of RECORDS) {
    for (let captured = 0; captured <= UDP.length; captured++) {
      // Without its last 8 bytes, a verdict has the size of Cilium 1.18's; with 2 of them, the size of 1.18's padded by perf.
      if (name.startsWith('verdict') && [UDP.length - 8, UDP.length - 6].includes(captured)) continue
      const { flows, made, flow } = result(record.subarray(0, fixedBytes + captured))
      const isBetweenHeaders = [0, ETHERNET, ETHERNET + IPV4, UDP.length].includes(captured)
      if (!isBetweenHeaders && flows === 0 && made.packet === 1) continue
      t.strictSame([flows, made.packet, isBetweenHeaders], [1, 0, true], `${name}, ${captured} bytes of the packet`)
      t.equal(flow?.ethernet !== undefined, captured >= ETHERNET)
      t.equal(flow?.IP !== undefined, captured >= ETHERNET + IPV4)
      t.equal(flow?.l4 !== undefined, captured === UDP.length)
      t.equal(flow?.Summary, ['Ethernet', 'IPv4', 'UDP'][[ETHERNET, ETHERNET + IPV4, UDP.length].indexOf(captured)])
    }
  }
})

t.test('debug messages, captures and socket traces need all their bytes', async t => {
  for (const [whole, least] of [
    [debug(1, 0, [1, 2, 3]), 20],
    [sock({ ...SOCKET }), 38],
    [packedSock({ ...SOCKET }), 38],
    [capture(4, 3).subarray(0, 24), 24],
  ] as const) {
    for (let length = 1; length < least; length++)
      t.strictSame(
        result(whole.subarray(0, length)).faults,
        { ...NONE, short: 1 },
        `${whole[0]}: ${length} of ${least}`,
      )
    const { flows, debugs } = result(whole)
    t.equal(flows + debugs, 1)
  }
})

t.test('an unknown version is a fault, because the offset of the packet is unknown', async t => {
  const versions = Array.from({ length: 256 }, (_, version) => version)
  const known = (record: Buffer) => versions.filter(n => result(patched(record, 14, n)).faults.version === 0)
  t.strictSame([trace(), drop(), verdict()].map(known), [[0, 1, 2], [0, 1, 2, 3], [1]])
})

t.test('a record with an unknown extension yields a flow without packet fields', async t => {
  for (const record of [trace({ version: 1 }), drop({ version: 2 }), verdict()]) {
    const { flow, flows } = result(patched(record, 15, 7))
    t.equal(flows, 1)
    for (const field of ['ethernet', 'IP', 'l4', 'Summary'] as const) t.equal(flow?.[field], undefined, field)
  }
})

t.test('an unknown type is a fault, and the monitor prints all its bytes', async t => {
  const types = Array.from({ length: 256 }, (_, type) => type)
  const unknown = types.filter(type => result(Uint8Array.of(type, 200, 3)).faults.type === 1)
  t.strictSame(
    unknown,
    types.filter(type => ![1, 2, 3, 4, 5, 7].includes(type)),
  )
  const lines = unknown.map(type => monitorText(Uint8Array.of(type, 200, 3)))
  t.strictSame(
    lines,
    unknown.map(type => `CPU 07: Unknown event: [${type} 200 3]\n`),
  )
})

/** The argument is an interface index or a proxy port. The datapath writes the port to the low 16 bits; Hubble swaps all four bytes. */
const CAPTURES: readonly (readonly [subtype: number, name: string | number, isPort: boolean])[] = [
  [4, 'DBG_CAPTURE_DELIVERY', false],
  [5, 'DBG_CAPTURE_FROM_LB', false],
  [6, 'DBG_CAPTURE_AFTER_V46', false],
  [7, 'DBG_CAPTURE_AFTER_V64', false],
  [8, 'DBG_CAPTURE_PROXY_PRE', true],
  [9, 'DBG_CAPTURE_PROXY_POST', true],
  [10, 'DBG_CAPTURE_SNAT_PRE', false],
  [11, 'DBG_CAPTURE_SNAT_POST', false],
]

t.test(
  'a debug capture yields a flow without a verdict, with its capture point and its interface or proxy port',
  async t => {
    for (const [subtype, name, isPort] of CAPTURES) {
      const { flow } = result(capture(subtype, 3))
      const { debug_capture_point: point, interface: at, proxy_port: port, event_type: event } = flow!
      t.strictSame([point, event], [name, { type: 3, sub_type: subtype }])
      t.strictSame(at, isPort ? undefined : { index: 3, name: 'eth0' }, `${name}`)
      t.equal(port, isPort ? 0x03000000 : undefined)
      for (const field of ['verdict', 'is_reply', 'traffic_direction', 'drop_reason'] as const)
        t.equal(flow![field], undefined, field)
    }
    const { flow } = result(capture(77, 3))
    t.strictSame([flow?.debug_capture_point, flow?.interface, flow?.proxy_port], [77, undefined, undefined])
  },
)
