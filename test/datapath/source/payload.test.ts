/**
 * payload.test.ts - raw records contain the headers of packets and no payload, and decode to the same flows.
 */
import fc from 'fast-check'
import t from 'tap'
import { HDR, TRACE, WEIR_TRACE } from '../../../src/datapath/record/abi.js'
import { Packet } from '../../../src/datapath/record/packet.js'
import { PayloadFilter } from '../../../src/datapath/source/payload.js'
import { ETHERTYPE, ethernet, ipv4, ipv6, options, tcp, udp } from '../../support/ethernet.js'
import { maker, packet } from '../../support/flow-records.js'
import { plainPacket } from '../../support/packet-model.js'
import { frame } from '../../support/records.js'
import { dropRecord, traceRecord } from '../../support/weir-records.js'

const MACS = { src: '02:00:00:00:00:01', dst: '02:00:00:00:00:02' }
const V4 = { src: '10.0.0.1', dst: '10.0.1.2' }
const V6 = { src: 'fd00::1', dst: 'fd00::2' }
const SECRET = Buffer.from('Authorization: Bearer secret')
const RECORD = TRACE.size + WEIR_TRACE.size

function captured(bytes: Uint8Array, flags = 0): Buffer {
  const record = Buffer.concat([traceRecord({ a: V4.src, b: V4.dst, proto: 17 }), bytes])
  record.writeUInt16LE(bytes.length, HDR.lenCap)
  record[TRACE.flags] = flags
  return record
}

function filtered(record: Buffer, captureBytes?: number): Buffer {
  const bytes = frame(record)
  new PayloadFilter(captureBytes).apply(bytes, bytes.length)
  return Buffer.from(bytes.subarray(4))
}

const icmpError = (cause: Buffer) => Buffer.concat([Buffer.from([3, 1, 0, 0, 0, 0, 0, 0]), cause])
const withPayload = (header: Buffer) => Buffer.concat([header, SECRET])
const v4 = (protocol: number, payload: Uint8Array, fragment = 0) =>
  ethernet(MACS, ETHERTYPE.ipv4, ipv4(V4, protocol, payload, fragment))

const PACKETS: Readonly<Record<string, Buffer>> = {
  'UDP over IPv4': v4(17, udp(40_000, 53, SECRET)),
  'TCP over IPv4': v4(6, withPayload(tcp(40_000, 80, 0x18))),
  'SCTP over IPv4': v4(132, withPayload(Buffer.alloc(16, 1))),
  'ICMP echo': v4(1, withPayload(Buffer.from([8, 0, 0, 0, 0, 1, 0, 1]))),
  'ICMP error': v4(1, icmpError(ipv4(V4, 17, udp(1, 2, Buffer.concat([Buffer.alloc(40), SECRET]))))),
  'a later fragment': v4(17, SECRET, 100),
  GRE: v4(47, SECRET),
  'IP in IP': v4(4, ipv4(V4, 17, udp(1, 2, SECRET))),
  'UDP behind IPv6 options': ethernet(MACS, ETHERTYPE.ipv6, ipv6(V6, 60, options(17, udp(1, 2, SECRET)))),
  'UDP behind a VLAN tag': ethernet(
    MACS,
    ETHERTYPE.vlan,
    Buffer.concat([Buffer.from([0, 5, 8, 0]), ipv4(V4, 17, udp(1, 2, SECRET))]),
  ),
  'a malformed IP header': ethernet(MACS, ETHERTYPE.ipv4, Buffer.concat([Buffer.alloc(40, 0x11), SECRET])),
  'an unknown protocol': ethernet(MACS, ETHERTYPE.local, Buffer.concat([Buffer.alloc(46), SECRET])),
}

for (const [name, bytes] of Object.entries(PACKETS)) {
  t.test(`${name}: the payload is gone from the record, and its flow stays the same`, async t => {
    const record = captured(bytes)
    t.ok(record.includes('secret'))
    const result = filtered(record)
    t.equal(result.length, record.length)
    t.notOk(result.includes('secret'))
    t.notOk(result.includes('Auth'))
    t.strictSame(flowsOf(result), flowsOf(record))
  })
}

function flowsOf(record: Uint8Array) {
  const { feed, flows } = maker()
  feed(record)
  return flows
}

t.test('any IP packet that Hubble decodes gives the same flow without its payload', async t => {
  const parsed = new Packet()
  const property = fc.property(plainPacket, ({ bytes, ipv6, l3Device }) => {
    parsed.parse(new DataView(bytes.buffer, bytes.byteOffset, bytes.length), 0, bytes.length, l3Device)
    // The datapath makes no records of what is not IP behind at most two VLAN tags.
    fc.pre(parsed.end !== 'not-ip')
    const record = captured(bytes.subarray(0, 128), (ipv6 ? 1 : 0) | (l3Device ? 2 : 0))
    t.strictSame(flowsOf(filtered(record)), flowsOf(record))
  })
  fc.assert(property, { numRuns: 2000 })
})

t.test('a number of bytes is kept if it is set, payload included', async t => {
  const bytes = PACKETS['UDP over IPv4']!
  const record = captured(bytes)
  t.equal(filtered(record, 128).toString('hex'), record.toString('hex'))
  const cut = filtered(record, 20)
  t.equal(cut.readUInt16LE(HDR.lenCap), 20)
  t.ok(cut.subarray(RECORD, RECORD + 20).equals(bytes.subarray(0, 20)))
  t.ok(cut.subarray(RECORD + 20).every(byte => byte === 0))
  t.equal(filtered(record, 0).readUInt16LE(HDR.lenCap), 0)
})

t.test('records without a packet, of Cilium or of drops are not damaged', async t => {
  const flush = traceRecord({ a: V4.src, b: V4.dst, proto: 6, counts: [[0, 1, 3, 300]] })
  t.equal(filtered(flush).toString('hex'), flush.toString('hex'))
  const drop = Buffer.concat([
    dropRecord({ src: V4.src, dst: V4.dst, proto: 17, reason: 3, packets: 1, bytes: 60 }),
    PACKETS['UDP over IPv4']!,
  ])
  drop.writeUInt16LE(PACKETS['UDP over IPv4']!.length, HDR.lenCap)
  t.notOk(filtered(drop).includes('secret'))
  const foreign = Buffer.concat([Buffer.alloc(56), packet()])
  foreign[0] = 4
  foreign[14] = 2
  t.equal(filtered(foreign).toString('hex'), foreign.toString('hex'))
})

t.test('any bytes are filtered without an exception', async t => {
  const property = fc.property(fc.uint8Array({ maxLength: 600 }), fc.boolean(), (noise, framed) => {
    const bytes = framed ? frame(Buffer.from(noise)) : Buffer.from(noise)
    if (bytes.length > 20) bytes.set([4, 0], 4)
    if (bytes.length > 20) bytes[4 + HDR.extVersion] = 1
    new PayloadFilter(undefined).apply(bytes, bytes.length)
  })
  t.doesNotThrow(() => fc.assert(property, { numRuns: 3000 }))
})
