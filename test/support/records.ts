/**
 * records.ts - raw records byte by byte with a different value in every field, for the tests of the decoder.
 */
import {
  Decoder,
  type DropRecord,
  type RecordSink,
  type TraceRecord,
  type VerdictRecord,
} from '../../src/datapath/record/decode.js'

/** Bytes from hex; white space is ignored. */
export const hex = (text: string) => Buffer.from(text.replace(/\s/g, ''), 'hex')
export const u32 = (value: number) => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}
export const frame = (record: Uint8Array) => Buffer.concat([u32(record.length), record])
export const patched = (record: Buffer, at: number, ...bytes: number[]) => {
  const copy = Buffer.from(record)
  copy.set(bytes, at)
  return copy
}

/** Type, subtype, source, hash; len_orig, len_cap 4, version, ext_version. */
const HEADER = (type: string, version: string, ext = '00') => `
  ${type} 0b 3412 78563412
  dc050000 0400 ${version} ${ext}`

const TRACE_FIELDS = `
  01000100
  02000200
  0700
  82
  0d
  09000000`
export const ORIG_IP = '0a000001 0a000002 0a000003 0a000004'
const TRACE_ID = '0807060504031000'
const PACKET = 'de ad be ef'

export const TRACE_0 = hex(`${HEADER('04', '00')} ${TRACE_FIELDS} ${PACKET}`)
export const TRACE_1 = hex(`${HEADER('04', '01')} ${TRACE_FIELDS} ${ORIG_IP} ${PACKET}`)
export const TRACE_2 = hex(`${HEADER('04', '02')} ${TRACE_FIELDS} ${ORIG_IP} ${TRACE_ID} ${PACKET}`)

/** 16 packed counters: u64s of packets << 40 | bytes, all different. */
const PACKED_COUNTERS = Array.from(
  { length: 16 },
  (_, i) => `${(i + 1).toString(16).padStart(2, '0')}000000 02 ${(i + 1).toString(16).padStart(2, '0')}0000`,
).join(' ')
const WEIR_TRACE = `
  ${PACKED_COUNTERS}
  0100 0200 0300 0400
  0500 0600 0700 0800
  0900 0a00 0b00 0c00
  00e1f50500000000
  00e40b5402000000
  0000000001000000
  00000000000000000000ffff0a010203
  fd000000000000000000000000000001
  11000000
  12000000
  bb01
  50c3
  06
  01
  81
  03
  04
  01
  15 16
  00000000`
export const WEIR_TRACE_RECORD = hex(
  `${HEADER('04', '02', '01')} ${TRACE_FIELDS} ${ORIG_IP} ${TRACE_ID} ${WEIR_TRACE} ${PACKET}`,
)

const DROP_FIELDS = `
  01000100
  02000200
  03000300
  6106
  02
  fb
  09000000`
export const DROP_1 = hex(`${HEADER('01', '01')} ${DROP_FIELDS} ${PACKET}`)
export const DROP_2 = hex(`${HEADER('01', '02')} ${DROP_FIELDS} 0d000000 ${PACKET}`)
export const DROP_3 = hex(`${HEADER('01', '03')} ${DROP_FIELDS} 0d000000 ${TRACE_ID} ${PACKET}`)
const WEIR_DROP = `
  0500000000000000
  0600000001000000
  00000000000000000000ffff0a010203
  fd000000000000000000000000000001
  11000000
  12000000
  08000300
  50c3
  bb01
  11
  01
  000000000000`
export const WEIR_DROP_RECORD = hex(
  `${HEADER('01', '03', '01')} ${DROP_FIELDS} 0d000000 ${TRACE_ID} ${WEIR_DROP} ${PACKET}`,
)

const VERDICT_FIELDS = `
  01000100
  7bffffff
  bb01
  06
  d5
  01
  000000`
export const VERDICT_32 = hex(`${HEADER('05', '01')} ${VERDICT_FIELDS} ${PACKET}`)
export const VERDICT_40 = hex(`${HEADER('05', '01')} ${VERDICT_FIELDS} 2a000000 00000000 ${PACKET}`)

type ReadRecord = [string, Record<string, unknown>]

/** Decodes a batch: the kind of each record, and what `fields` reads while the window is valid. */
export function readRecords(
  batch: Uint8Array,
  fields: (record: TraceRecord | DropRecord | VerdictRecord) => object,
  decoder = new Decoder(),
): ReadRecord[] {
  const records: ReadRecord[] = []
  const sink: RecordSink = {
    trace: record => records.push(['trace', { ...fields(record) }]),
    drop: record => records.push(['drop', { ...fields(record) }]),
    verdict: record => records.push(['verdict', { ...fields(record) }]),
  }
  decoder.decode(batch, batch.length, sink)
  return records
}

export const packetOf = (record: TraceRecord | DropRecord | VerdictRecord) => ({
  packet: Buffer.from(record.bytes.subarray(record.packetAt, record.packetAt + record.packetLength)).toString('hex'),
})
