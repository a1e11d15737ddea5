/**
 * decode.test.ts - Cilium's records decode to fields: every version of every layout.
 */
import t from 'tap'
import { Decoder, type DropRecord, type TraceRecord, type VerdictRecord } from '../../../src/datapath/record/decode.js'
import {
  DROP_1,
  DROP_2,
  DROP_3,
  frame,
  ORIG_IP,
  packetOf,
  patched,
  readRecords,
  TRACE_0,
  TRACE_1,
  TRACE_2,
  VERDICT_32,
  VERDICT_40,
} from '../../support/records.js'

const HEADER = [
  'point',
  'srcLabel',
  'dstLabel',
  'dstId',
  'reason',
  'encrypted',
  'ipv6',
  'l3Device',
  'vxlan',
  'geneve',
  'ifindex',
  'hasExtension',
] as const

t.test('the common header has the same fields in every record type', async t => {
  for (const [record, type, version] of [
    [TRACE_2, 4, 2],
    [DROP_3, 1, 3],
    [VERDICT_40, 5, 1],
  ] as const) {
    const [read] = readRecords(frame(record), r => {
      const { type, subtype, source, hash, lenOrig, lenCap, version, extVersion, size } = r
      return { type, subtype, source, hash, lenOrig, lenCap, version, extVersion, size }
    })
    t.same(read![1], {
      type,
      subtype: 11,
      source: 0x1234,
      hash: 0x12345678,
      lenOrig: 1500,
      lenCap: 4,
      version,
      extVersion: 0,
      size: record.length,
    })
  }
})

t.test('trace records of each version have the fields of that version', async t => {
  const common = {
    point: 11,
    srcLabel: 0x10001,
    dstLabel: 0x20002,
    dstId: 7,
    reason: 2,
    encrypted: true,
    ipv6: true,
    l3Device: false,
    vxlan: true,
    geneve: true,
    ifindex: 9,
    hasExtension: false,
    packet: 'deadbeef',
  }
  for (const [record, origIp, ipTraceId] of [
    [TRACE_0, undefined, 0],
    [TRACE_1, ORIG_IP, 0],
    [TRACE_2, ORIG_IP, 0x10030405060708],
  ] as const) {
    const [read] = readRecords(frame(record), r => {
      const { origIpAt, ipTraceId } = r as TraceRecord
      const orig = origIpAt < 0 ? undefined : Buffer.from(r.bytes.subarray(origIpAt, origIpAt + 16)).toString('hex')
      const header = Object.fromEntries(HEADER.map(name => [name, (r as TraceRecord)[name]]))
      return { ...header, orig, ipTraceId, ...packetOf(r) }
    })
    t.same([read], [['trace', { ...common, orig: origIp?.replaceAll(' ', ''), ipTraceId }]])
  }
})

t.test('an all-zero original address means no source NAT, any other is an address', async t => {
  const zeros = patched(TRACE_1, 32, ...new Array(16).fill(0))
  const at = (record: Buffer) => readRecords(frame(record), r => ({ at: (r as TraceRecord).origIpAt - r.at }))[0]![1]
  const [none] = readRecords(frame(zeros), r => ({ at: (r as TraceRecord).origIpAt }))
  t.same(none![1], { at: -1 })
  for (let byte = 32; byte < 48; byte++) t.same(at(patched(zeros, byte, 0x80)), { at: 32 }, `byte ${byte}`)
})

t.test('drop records of each version have the fields of that version', async t => {
  const common = {
    reason: 11,
    srcLabel: 0x10001,
    dstLabel: 0x20002,
    dstId: 0x30003,
    line: 1633,
    file: 2,
    extError: -5,
    ifindex: 9,
  }
  for (const [record, flags, ipTraceId] of [
    [patched(DROP_1, 14, 0), 0, 0],
    [DROP_1, 0, 0],
    [DROP_2, 13, 0],
    [DROP_3, 13, 0x10030405060708],
  ] as const) {
    const [read] = readRecords(frame(record), r => {
      const { reason, srcLabel, dstLabel, dstId, line, file, extError, ifindex, flags, ipTraceId } = r as DropRecord
      const { ipv6, l3Device, vxlan, geneve } = r as DropRecord
      const header = { reason, srcLabel, dstLabel, dstId, line, file, extError, ifindex, flags, ipTraceId }
      return { ...header, bits: [ipv6, l3Device, vxlan, geneve], ...packetOf(r) }
    })
    const bits = flags === 0 ? [false, false, false, false] : [true, false, true, true]
    t.same([read], [['drop', { ...common, flags, ipTraceId, bits, packet: 'deadbeef' }]])
  }
})

const verdictFields = (record: TraceRecord | DropRecord | VerdictRecord) => {
  const { remoteLabel, verdict, dstPort, proto, ingress, ipv6, matchType, audited, l3Device, authType, cookie } =
    record as VerdictRecord
  return {
    remoteLabel,
    verdict,
    dstPort,
    proto,
    ingress,
    ipv6,
    matchType,
    audited,
    l3Device,
    authType,
    cookie,
    ...packetOf(record),
  }
}

t.test('the size distinguishes policy verdicts of 32 and 40 bytes, with and without the padding of perf', async t => {
  const fields = {
    remoteLabel: 0x10001,
    verdict: -133,
    dstPort: 443,
    proto: 6,
    ingress: true,
    ipv6: true,
    matchType: 2,
    audited: true,
    l3Device: true,
    authType: 1,
  }
  for (const [record, cookie] of [
    [VERDICT_32, 0],
    [VERDICT_40, 42],
  ] as const) {
    // perf pads a record with 0 to 7 bytes, so that the record and its u32 length are a multiple of 8.
    for (let length = 1; length <= 8; length++) {
      const packet = Buffer.alloc(length, 0xab)
      const whole = patched(Buffer.concat([record.subarray(0, -4), packet]), 12, length)
      const padded = Buffer.concat([whole, Buffer.alloc(7, 0xee)]).subarray(0, ((whole.length + 11) & ~7) - 4)
      const expected = [['verdict', { ...fields, cookie, packet: packet.toString('hex') }]]
      t.same(readRecords(frame(whole), verdictFields), expected, `${record.length - 4} and ${length}`)
      t.same(readRecords(frame(padded), verdictFields), expected, `${record.length - 4} and ${length}, padded`)
    }
  }
  const egress = readRecords(frame(patched(VERDICT_40, 27, 0x02)), verdictFields)[0]![1]
  t.match(egress, { ingress: false, ipv6: false, matchType: 0, audited: false, l3Device: false })
})

t.test('a truncated verdict counts as the 40-byte form, as in Cilium 1.19', async t => {
  const cut = patched(VERDICT_40, 12, 99)
  t.match(readRecords(frame(cut), verdictFields)[0]![1], { cookie: 42, packet: 'deadbeef' })
  for (const length of [32, 34, 39]) {
    const decoder = new Decoder()
    t.same(readRecords(frame(cut.subarray(0, length)), verdictFields, decoder), [], `${length} bytes are too few`)
    t.equal(decoder.faults.short, 1)
  }
})
