/**
 * record-faults.test.ts - every kind of record cut at every byte, and numbers that nobody knows: a flow or one counted fault.
 *
 * Lengths and versions: cilium/cilium pkg/monitor/datapath_{trace,drop,policy,sock_trace,debug}.go, 1.19.
 */
import t from 'tap'
import type { Decoder } from '../../../src/datapath/record/decode.js'
import { udp } from '../../support/ethernet.js'
import { capture, debug, drop, maker, packedSock, packet, sock, trace, verdict } from '../../support/flow-records.js'
import { monitorText } from '../../support/monitor-text.js'
import { patched } from '../../support/records.js'

const OUT = { point: 1, cgroup: 5000n, ip: [10, 0, 1, 2] }
/** Ethernet, IPv4 and a UDP header without data: 14, 20 and 8 bytes. */
const UDP = packet(undefined, undefined, udp(53, 53, Buffer.alloc(0)), 17)
const ETHERNET = 14
const IPV4 = 20

/** Bytes of the fixed part, with a packet behind it. */
const KINDS: readonly (readonly [kind: string, fixed: number, record: Buffer])[] = [
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

/** What became of it. */
function fate(record: Uint8Array) {
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

t.test('a record without its whole fixed part is short, whatever is missing', async t => {
  for (const [kind, fixed, record] of KINDS) {
    const fates = Array.from({ length: fixed }, (_, length) => fate(record.subarray(0, length)))
    const short = { flows: 0, faults: { ...NONE, short: 1 } }
    t.strictSame(
      fates.map(({ flows, faults }) => ({ flows, faults })),
      Array(fixed).fill(short),
      kind,
    )
  }
})

t.test('with it, a packet that is cut is a flow as far as whole headers go, and a fault within one', async t => {
  for (const [kind, fixed, record] of KINDS) {
    for (let captured = 0; captured <= UDP.length; captured++) {
      // A verdict that lacks 8 bytes looks like one of Cilium 1.18, bare or, here with 2 bytes more, padded by perf.
      if (kind.startsWith('verdict') && [UDP.length - 8, UDP.length - 6].includes(captured)) continue
      const { flows, made, flow } = fate(record.subarray(0, fixed + captured))
      const whole = [0, ETHERNET, ETHERNET + IPV4, UDP.length].includes(captured)
      if (!whole && flows === 0 && made.packet === 1) continue
      t.strictSame([flows, made.packet, whole], [1, 0, true], `${kind}, ${captured} bytes of the packet`)
      t.equal(flow?.ethernet !== undefined, captured >= ETHERNET)
      t.equal(flow?.IP !== undefined, captured >= ETHERNET + IPV4)
      t.equal(flow?.l4 !== undefined, captured === UDP.length)
      t.equal(flow?.Summary, ['Ethernet', 'IPv4', 'UDP'][[ETHERNET, ETHERNET + IPV4, UDP.length].indexOf(captured)])
    }
  }
})

t.test('messages without a packet, and socket traces, need all of their bytes', async t => {
  for (const [whole, least] of [
    [debug(1, 0, [1, 2, 3]), 20],
    [sock({ ...OUT }), 38],
    [packedSock({ ...OUT }), 38],
    [capture(4, 3).subarray(0, 24), 24],
  ] as const) {
    for (let length = 1; length < least; length++)
      t.strictSame(fate(whole.subarray(0, length)).faults, { ...NONE, short: 1 }, `${whole[0]}: ${length} of ${least}`)
    const { flows, debugs } = fate(whole)
    t.equal(flows + debugs, 1)
  }
})

t.test('versions of later Ciliums are a fault, since nobody knows where their packet is', async t => {
  const versions = Array.from({ length: 256 }, (_, version) => version)
  const known = (record: Buffer) => versions.filter(n => fate(patched(record, 14, n)).faults.version === 0)
  t.strictSame([trace(), drop(), verdict()].map(known), [[0, 1, 2], [0, 1, 2, 3], [1]])
})

t.test('an extension that nobody knows leaves the header, and no packet', async t => {
  for (const record of [trace({ version: 1 }), drop({ version: 2 }), verdict()]) {
    const { flow, flows } = fate(patched(record, 15, 7))
    t.equal(flows, 1)
    for (const field of ['ethernet', 'IP', 'l4', 'Summary'] as const) t.equal(flow?.[field], undefined, field)
  }
})

t.test('types that are none are a fault, and a line of the monitor with all bytes', async t => {
  const types = Array.from({ length: 256 }, (_, type) => type)
  const unknown = types.filter(type => fate(Uint8Array.of(type, 200, 3)).faults.type === 1)
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

/** Interfaces have names; a proxy's port stands in the low half, and Hubble swaps all four bytes. */
const CAPTURES: readonly (readonly [subtype: number, name: string | number, port: boolean])[] = [
  [4, 'DBG_CAPTURE_DELIVERY', false],
  [5, 'DBG_CAPTURE_FROM_LB', false],
  [6, 'DBG_CAPTURE_AFTER_V46', false],
  [7, 'DBG_CAPTURE_AFTER_V64', false],
  [8, 'DBG_CAPTURE_PROXY_PRE', true],
  [9, 'DBG_CAPTURE_PROXY_POST', true],
  [10, 'DBG_CAPTURE_SNAT_PRE', false],
  [11, 'DBG_CAPTURE_SNAT_POST', false],
]

t.test('a debug capture is a flow without verdict, at its point, with its interface or port', async t => {
  for (const [subtype, name, isPort] of CAPTURES) {
    const { flow } = fate(capture(subtype, 3))
    const { debug_capture_point: point, interface: at, proxy_port: port, event_type: event } = flow!
    t.strictSame([point, event], [name, { type: 3, sub_type: subtype }])
    t.strictSame(at, isPort ? undefined : { index: 3, name: 'eth0' }, `${name}`)
    t.equal(port, isPort ? 0x03000000 : undefined)
    for (const field of ['verdict', 'is_reply', 'traffic_direction', 'drop_reason'] as const)
      t.equal(flow![field], undefined, field)
  }
  const { flow } = fate(capture(77, 3))
  t.strictSame([flow?.debug_capture_point, flow?.interface, flow?.proxy_port], [77, undefined, undefined])
})
