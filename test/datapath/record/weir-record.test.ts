/**
 * weir-record.test.ts - every field of Weir's extension of trace and drop records.
 */
import t from 'tap'
import type { DropRecord, TraceRecord, VerdictRecord } from '../../../src/datapath/record/decode.js'
import { frame, packetOf, patched, readRecords, WEIR_DROP_RECORD, WEIR_TRACE_RECORD } from '../../support/records.js'

t.test("every field of Weir's trace extension is decoded, and the packet after it", async t => {
  const fields = (record: TraceRecord | DropRecord | VerdictRecord) => {
    const r = record as TraceRecord
    const { hasExtension, handshakeNs, durationNs, closedBytes, aEntity, bEntity, aPort, bPort } = r
    const { proto, hook, initiator, direction, state, timedOut } = r
    const hexAt = (at: number) => Buffer.from(r.bytes.subarray(at, at + 16)).toString('hex')
    const each = <T>(n: number, read: (i: number) => T) => Array.from({ length: n }, (_, i) => read(i))
    return {
      hasExtension,
      packets: each(2, d => each(8, size => r.packetCount(d, size))),
      octets: each(2, d => each(8, size => r.byteCount(d, size))),
      flags: each(2, d => each(4, lane => r.tcpFlags(d, lane))),
      events: each(4, lane => r.events(lane)),
      numbers: [
        handshakeNs,
        durationNs,
        closedBytes,
        aEntity,
        bEntity,
        aPort,
        bPort,
        proto,
        hook,
        initiator,
        direction,
        state,
      ],
      initiatorKnown: r.initiatorKnown,
      timedOut,
      seen: [r.seen(0), r.seen(1)],
      a: hexAt(r.aAt),
      b: hexAt(r.bAt),
      ...packetOf(r),
    }
  }
  const counts = (from: number) => Array.from({ length: 8 }, (_, i) => from + i)
  t.same(readRecords(frame(WEIR_TRACE_RECORD), fields), [
    [
      'trace',
      {
        hasExtension: true,
        packets: [counts(1), counts(9)],
        octets: [counts(1), counts(9)].map(direction => direction.map(n => 2 * 2 ** 32 + n)),
        flags: [
          [1, 2, 3, 4],
          [5, 6, 7, 8],
        ],
        events: [9, 10, 11, 12],
        numbers: [100_000_000, 10_000_000_000, 2 ** 32, 17, 18, 443, 50_000, 6, 1, 1, 3, 4],
        initiatorKnown: false,
        timedOut: true,
        seen: [0x15, 0x16],
        a: '00000000000000000000ffff0a010203',
        b: 'fd000000000000000000000000000001',
        packet: 'deadbeef',
      },
    ],
  ])
})

t.test('the largest packed counter is decoded exactly', async t => {
  const record = patched(WEIR_TRACE_RECORD, 56, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f)
  const [read] = readRecords(frame(record), r => ({
    packets: (r as TraceRecord).packetCount(0, 0),
    octets: (r as TraceRecord).byteCount(0, 0),
  }))
  t.same(read![1], { packets: 2 ** 23 - 1, octets: 2 ** 40 - 1 })
})

t.test("every field of Weir's drop extension is decoded, and the packet after it", async t => {
  const [read] = readRecords(frame(WEIR_DROP_RECORD), record => {
    const r = record as DropRecord
    const { hasExtension, packets, bytesDropped, srcEntity, dstEntity, kernelReason, srcPort, dstPort, proto } = r
    const addressOffsets = [r.srcAt - r.extensionAt, r.dstAt - r.extensionAt]
    return {
      hasExtension,
      packets,
      bytesDropped,
      srcEntity,
      dstEntity,
      kernelReason,
      srcPort,
      dstPort,
      proto,
      hasPort: r.hasPort,
      addressOffsets,
      ...packetOf(r),
    }
  })
  t.same(read![1], {
    hasExtension: true,
    hasPort: false,
    packets: 5,
    bytesDropped: 2 ** 32 + 6,
    srcEntity: 17,
    dstEntity: 18,
    kernelReason: 0x30008,
    srcPort: 50_000,
    dstPort: 443,
    proto: 17,
    addressOffsets: [16, 32],
    packet: 'deadbeef',
  })
})
